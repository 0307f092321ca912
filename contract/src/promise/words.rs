//! Numbers, spans and lists as a sentence has them.

/// A number with its thousands set apart: `1,199`.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

const UNITS: [(&str, u64); 7] = [
    ("day", 86_400_000_000_000),
    ("hour", 3_600_000_000_000),
    ("minute", 60_000_000_000),
    ("second", 1_000_000_000),
    ("millisecond", 1_000_000),
    ("microsecond", 1_000),
    ("nanosecond", 1),
];

/// A span in the largest unit that divides it: `minute`, `10 seconds`.
pub(super) fn span(span_ns: u64) -> String {
    let whole = UNITS.into_iter().find(|(_, ns)| span_ns.is_multiple_of(*ns));
    let (unit, ns) = whole.unwrap_or(("nanosecond", 1));
    match span_ns / ns {
        1 => unit.to_owned(),
        count => format!("{} {unit}s", number(count)),
    }
}

/// `a minute`, `an hour`, or `in 10 seconds`: how a rate goes on.
pub(super) fn per(span_ns: u64) -> String {
    let span = span(span_ns);
    if span.starts_with(|first: char| first.is_ascii_digit()) {
        format!("in {span}")
    } else if span == "hour" {
        format!("an {span}")
    } else {
        format!("a {span}")
    }
}

/// `a`, `a and b`, or `a, b and c`, each as it is.
pub(super) fn listed(words: &[String]) -> String {
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{listed, number, per, span};

    #[test]
    fn numbers_and_spans_read_as_in_a_sentence() {
        assert_eq!(["0", "999", "1,199", "1,000,000"], [0, 999, 1199, 1_000_000].map(number)[..]);
        let spans = [60_000_000_000, 10_000_000_000, 86_400_000_000_000, 1_500_000_000];
        assert_eq!(["minute", "10 seconds", "day", "1,500 milliseconds"], spans.map(span)[..]);
        assert_eq!([per(60_000_000_000), per(3_600_000_000_000)], ["a minute", "an hour"]);
        assert_eq!(per(10_000_000_000), "in 10 seconds");
        let words = ["a", "b", "c"].map(String::from);
        assert_eq!([1, 2, 3].map(|len| listed(&words[..len])), ["a", "a and b", "a, b and c"]);
    }
}
