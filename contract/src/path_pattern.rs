//! Which paths a rule is for: patterns, and the forms in which a request's path is held to them.
//!
//! A path is compared as it was sent, in normal form, and in that with its slashes decoded, because
//! a server that a limiter stands before may read `//v1/a/`, `/v1/%61`, `/v1%2Fa` and `/v1/a` alike:
//! what the server takes for a limited path must not get by under another spelling. So the normal
//! form decodes more than RFC 3986 allows, as servers do that look for a route in the decoded path.
//! Likewise a letter matches its other case, as servers serve `/V1/A` by a route for `/v1/a`; only to
//! be exempt takes the case as written. SOURCE: RFC 3986 sections 2.3 and 6.2.2.

use core::cell::OnceCell;
use core::fmt::Write as _;
use core::iter;

/// A pattern such as `/v1/*/items/**`: `*` stands for one segment, `**` at the end for any rest,
/// none included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    text: Box<str>,
    /// None stands for any segment.
    segments: Vec<Option<Box<str>>>,
    takes_rest: bool,
}

impl PathPattern {
    /// Reads a pattern.
    pub(crate) fn new(text: &str) -> Result<Self, PatternError> {
        let Some(rest) = text.strip_prefix('/') else {
            return Err(PatternError { offset: 0, problem: Problem::NoSlash });
        };
        let is_path = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'\\');
        if let Some(offset) = text.bytes().position(|byte| !is_path(byte)) {
            return Err(PatternError { offset, problem: Problem::NotAPath });
        }
        if let Some(normal) = normal_form(text, is_plain).filter(|normal| normal != text) {
            return Err(PatternError { offset: 0, problem: Problem::NotNormal(normal) });
        }
        let mut segments = Vec::new();
        let mut offset = 1;
        let mut takes_rest = false;
        for segment in rest.split('/').filter(|segment| !segment.is_empty()) {
            if takes_rest {
                return Err(PatternError { offset: offset - 3, problem: Problem::RestNotLast });
            }
            match segment {
                "**" => takes_rest = true,
                "*" => segments.push(None),
                _ if segment.contains('*') => {
                    return Err(PatternError { offset, problem: Problem::PartialStar });
                }
                literal => segments.push(Some(literal.into())),
            }
            offset += segment.len() + 1;
        }
        Ok(Self { text: text.into(), segments, takes_rest })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a path is one of these; `is_same` compares its segments with those that are written.
    fn matches(&self, path: &str, is_same: fn(&str, &str) -> bool) -> bool {
        let Some(rest) = path.strip_prefix('/') else { return false };
        let mut found = rest.split('/');
        if rest.is_empty() {
            found.next();
        }
        for wanted in &self.segments {
            match (found.next(), wanted) {
                (Some(segment), Some(literal)) if is_same(segment, literal) => {}
                (Some(segment), None) if !segment.is_empty() => {}
                _ => return false,
            }
        }
        self.takes_rest || found.next().is_none()
    }
}

/// The path of a request, as it was sent and as servers may read it.
#[derive(Debug)]
pub(crate) struct Path<'r> {
    target: &'r str,
    /// Read once a rule asks: many contracts have no rule for some paths only.
    forms: OnceCell<Forms<'r>>,
}

/// The forms of a path.
#[derive(Debug)]
struct Forms<'r> {
    sent: &'r str,
    /// The normal form, if it may be another, and that with its slashes decoded, likewise.
    others: [Option<String>; 2],
}

impl<'r> Path<'r> {
    /// The path of a request target; a query, a fragment and what stands before an absolute path
    /// are no part of it.
    pub(crate) const fn new(target: &'r str) -> Self {
        Self { target, forms: OnceCell::new() }
    }

    /// Whether any form matches any of the patterns.
    pub(crate) fn may_match(&self, patterns: &[PathPattern]) -> bool {
        let is_same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        self.forms().any(|path| patterns.iter().any(|one| one.matches(path, is_same)))
    }

    /// Whether each form matches one of the patterns.
    pub(crate) fn surely_matches(&self, patterns: &[PathPattern]) -> bool {
        let is_same = |one: &str, other: &str| one == other;
        self.forms().all(|path| patterns.iter().any(|one| one.matches(path, is_same)))
    }

    fn forms(&self) -> impl Iterator<Item = &str> {
        let forms = self.forms.get_or_init(|| {
            let target = self.target;
            let end = target.bytes().position(|byte| matches!(byte, b'?' | b'#'));
            let target = &target[..end.unwrap_or(target.len())];
            let sent = if target.starts_with('/') { target } else { path_of_uri(target) };
            let normal = normal_form(sent, is_plain);
            // Some servers take a backslash for a slash, as browsers do.
            let slashed = normal.as_ref().map(|normal| {
                let path = normal.replace('\\', "/");
                normal_form(&path, |byte| byte == b'/').unwrap_or(path)
            });
            Forms { sent, others: [normal, slashed] }
        });
        iter::once(forms.sent).chain(forms.others.iter().flatten().map(String::as_str))
    }
}

/// What follows the host in an absolute URI; anything else as it is.
fn path_of_uri(target: &str) -> &str {
    match target.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
        None => target,
    }
}

/// The path with escapes of what `decodes` takes decoded and others in capitals, characters beyond
/// ASCII escaped, `.` and `..` resolved, and without empty segments; none if nothing could change.
fn normal_form(path: &str, decodes: fn(u8) -> bool) -> Option<String> {
    if is_normal(path) {
        return None;
    }
    let recoded = recoded(path, decodes);
    let mut segments: Vec<&str> = Vec::new();
    for segment in recoded.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    Some(format!("/{}", segments.join("/")))
}

/// Whether a path has nothing that could change; some that have keep their form all the same.
fn is_normal(path: &str) -> bool {
    let bytes = path.as_bytes();
    let follows = |at: usize| bytes.get(at + 1).is_none_or(|next| matches!(next, b'/' | b'.'));
    let suspect = |(at, byte): (usize, &u8)| match byte {
        b'%' | b'\\' | 0x80.. => true,
        b'/' => follows(at) && bytes.len() > 1,
        _ => false,
    };
    // `OPTIONS *` has no path.
    path == "*" || path.starts_with('/') && !bytes.iter().enumerate().any(suspect)
}

/// Whether a path reads the same with this character as with its escape. What ends a path, cuts it
/// or is a star of a pattern does not.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'/' | b'%' | b'?' | b'#' | b'\\' | b'*')
}

fn recoded(path: &str, decodes: fn(u8) -> bool) -> String {
    let mut recoded = String::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let escaped = if first == b'%' { after.first_chunk().and_then(byte_of_hex) } else { None };
        match escaped {
            Some(byte) => {
                rest = &after[2..];
                push(byte, decodes(byte), &mut recoded);
            }
            None => push(first, first.is_ascii(), &mut recoded),
        }
    }
    recoded
}

/// Appends a byte as the character that it is, or escaped.
fn push(byte: u8, as_it_is: bool, to: &mut String) {
    if as_it_is {
        to.push(char::from(byte));
    } else {
        // Writing to a String does not fail.
        let _ = write!(to, "%{byte:02X}");
    }
}

/// The byte that two hexadecimal digits are.
fn byte_of_hex(digits: &[u8; 2]) -> Option<u8> {
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    u8::try_from(high? * 16 + low?).ok()
}

/// Why a text is not a pattern, and at which byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PatternError {
    pub(crate) offset: usize,
    pub(crate) problem: Problem,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    NoSlash,
    NotAPath,
    NotNormal(String),
    RestNotLast,
    PartialStar,
}

impl Problem {
    /// What is accepted.
    pub(crate) fn expected(&self) -> String {
        match self {
            Self::NoSlash => "expected a path that begins with `/`".into(),
            Self::NotAPath => {
                "expected only characters of a path, without query, fragment or space".into()
            }
            Self::NotNormal(normal) => format!("expected its normal form, `{normal}`"),
            Self::RestNotLast => "expected `**` as the last segment only".into(),
            Self::PartialStar => "expected `*` or `**` as a whole segment".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, PathPattern, Problem};

    fn patterns(text: &str) -> [PathPattern; 1] {
        [PathPattern::new(text).unwrap()]
    }

    fn may(pattern: &str, path: &str) -> bool {
        Path::new(path).may_match(&patterns(pattern))
    }

    fn surely(pattern: &str, path: &str) -> bool {
        Path::new(path).surely_matches(&patterns(pattern))
    }

    #[test]
    fn stars_stand_for_a_segment_or_the_rest() {
        for (pattern, path, expected) in [
            ("/", "/", true),
            ("/", "/a", false),
            ("/**", "/", true),
            ("/**", "/a/b", true),
            ("/v1/**", "/v1", true),
            ("/v1/**", "/v1/", true),
            ("/v1/**", "/v10", false),
            ("/v1/*", "/v1/a", true),
            ("/v1/*", "/v1", false),
            ("/v1/*", "/v1/a/b", false),
            ("/*/b", "/a/b", true),
            ("/*/b", "//b", false),
            ("/a", "/A", true),
            ("/V1/*", "/v1/a", true),
            ("/a", "*", false),
            ("/**", "*", false),
        ] {
            assert_eq!(may(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn another_spelling_of_a_path_is_matched_too() {
        let spellings = [
            "/v1/a?b=/x",
            "/v1/a#b",
            "//v1/a",
            "/v1//a",
            "/v1/a/",
            "/v1/%61",
            "/%761/a",
            "/v1/./a",
            "/x/../v1/a",
            "/x/%2E%2e/v1/a",
            "http://host:80/v1/a?b",
            "/../v1/a",
            "/V1/a",
            "/v1/%41",
            "/v1\\a#b",
            "/x\\..\\v1\\a",
        ];
        for path in spellings {
            assert!(may("/v1/a", path), "{path}");
        }
        for path in ["/v1/a%2Fb", "/v1/a%", "/v1/a%zz", "/v1/a%2", "/v1/a;b", "/v1/a%253Ab"] {
            assert!(!may("/v1/a", path), "{path}");
        }
        for path in ["/v1%2Fa", "/v1%2fa", "/v1/x%2F..%2Fa", "/v1%2F%2Fa%2F", "/v1/x%2F%2E%2E/a"] {
            assert!(may("/v1/a", path), "{path}");
        }
        assert!(may("/v1/a:b@c", "/v1/a%3ab%40c"));
        assert!(!may("/v1/a:b", "/v1/a%253Ab"));
        assert!(may("/caf%C3%A9", "/caf\u{e9}"));
        assert!(may("/caf%C3%A9:x", "/caf%c3%a9%3Ax"));
        assert!(may("/a%2Fb", "/a%2fb"));
    }

    #[test]
    fn an_exemption_needs_every_form() {
        assert!(surely("/hooks/**", "/hooks/a?b"));
        assert!(surely("/hooks/**", "/hooks//a"));
        assert!(!surely("/hooks/**", "/hooks/../v1/a"));
        assert!(!surely("/hooks/**", "/x/../hooks/a"));
        assert!(!surely("/hooks/**", "/hooks/x%2F..%2F..%2Fv1/a"));
        assert!(!surely("/hooks/*", "/hooks/a%2Fb"));
        assert!(!surely("/hooks/*", "/hooks/a\\b"));
        assert!(!surely("/hooks/**", "/Hooks/a"));
    }

    #[test]
    fn what_is_no_pattern_is_refused_at_its_byte() {
        let error = |text| {
            let error = PathPattern::new(text).unwrap_err();
            (error.offset, error.problem)
        };
        assert_eq!(error("v1"), (0, Problem::NoSlash));
        assert_eq!(error(""), (0, Problem::NoSlash));
        assert_eq!(error("/v1?x"), (3, Problem::NotAPath));
        assert_eq!(error("/a/**/b"), (3, Problem::RestNotLast));
        assert_eq!(error("/a/b*"), (3, Problem::PartialStar));
        assert_eq!(error("/a//b/"), (0, Problem::NotNormal("/a/b".into())));
        assert_eq!(error("/%61"), (0, Problem::NotNormal("/a".into())));
        assert!(PathPattern::new("/a%2Fb/.well-known").is_ok());
    }
}
