//! Which paths a rule is for: patterns, and the forms in which a request's path is held to them.
//!
//! A path is compared as it was sent and in normal form, because a server that a limiter stands
//! before may read `//v1/a/`, `/v1/%61` and `/v1/a` alike: what the server takes for a limited path
//! must not get by under another spelling. Letters count in their case.
//! SOURCE: RFC 3986 sections 2.3 and 6.2.2.

use core::cell::OnceCell;
use std::borrow::Cow;

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
        if let Cow::Owned(normal) = normal_form(text) {
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

    fn matches(&self, path: &str) -> bool {
        let Some(rest) = path.strip_prefix('/') else { return false };
        let mut found = rest.split('/');
        if rest.is_empty() {
            found.next();
        }
        for wanted in &self.segments {
            match (found.next(), wanted) {
                (Some(segment), Some(literal)) if segment == &**literal => {}
                (Some(segment), None) if !segment.is_empty() => {}
                _ => return false,
            }
        }
        self.takes_rest || found.next().is_none()
    }
}

/// The path of a request, as it was sent and in normal form.
#[derive(Debug)]
pub(crate) struct Path<'r> {
    target: &'r str,
    /// Read once a rule asks: many contracts have no rule for some paths only.
    forms: OnceCell<Forms<'r>>,
}

/// The two forms of a path.
#[derive(Debug)]
struct Forms<'r> {
    sent: &'r str,
    normal: Cow<'r, str>,
}

impl<'r> Path<'r> {
    /// The path of a request target; a query, a fragment and what stands before an absolute path
    /// are no part of it.
    pub(crate) const fn new(target: &'r str) -> Self {
        Self { target, forms: OnceCell::new() }
    }

    /// Whether either form matches any of the patterns.
    pub(crate) fn may_match(&self, patterns: &[PathPattern]) -> bool {
        let forms = self.forms();
        patterns
            .iter()
            .any(|one| one.matches(forms.sent) || forms.differ() && one.matches(&forms.normal))
    }

    /// Whether each form matches one of the patterns.
    pub(crate) fn surely_matches(&self, patterns: &[PathPattern]) -> bool {
        let forms = self.forms();
        let any = |path: &str| patterns.iter().any(|one| one.matches(path));
        any(forms.sent) && (!forms.differ() || any(&forms.normal))
    }

    fn forms(&self) -> &Forms<'r> {
        self.forms.get_or_init(|| {
            let target = self.target;
            let end = target.bytes().position(|byte| matches!(byte, b'?' | b'#'));
            let target = &target[..end.unwrap_or(target.len())];
            let sent = if target.starts_with('/') { target } else { path_of_uri(target) };
            Forms { sent, normal: normal_form(sent) }
        })
    }
}

impl Forms<'_> {
    const fn differ(&self) -> bool {
        matches!(self.normal, Cow::Owned(_))
    }
}

/// What follows the host in an absolute URI; anything else as it is.
fn path_of_uri(target: &str) -> &str {
    match target.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
        None => target,
    }
}

/// The path with unreserved characters decoded, other escapes in capitals, `.` and `..` resolved,
/// and without empty segments; borrowed if it is so already.
fn normal_form(path: &str) -> Cow<'_, str> {
    if is_normal(path) {
        return Cow::Borrowed(path);
    }
    let decoded = decode_unreserved(path);
    let mut segments: Vec<&str> = Vec::new();
    for segment in decoded.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    let normal = format!("/{}", segments.join("/"));
    if normal == path { Cow::Borrowed(path) } else { Cow::Owned(normal) }
}

/// Whether a path has nothing that could change; some that have keep their form all the same.
fn is_normal(path: &str) -> bool {
    let bytes = path.as_bytes();
    let follows = |at: usize| bytes.get(at + 1).is_none_or(|next| matches!(next, b'/' | b'.'));
    let suspect = |(at, byte): (usize, &u8)| match byte {
        b'%' => true,
        b'/' => follows(at) && bytes.len() > 1,
        _ => false,
    };
    // `OPTIONS *` has no path.
    path == "*" || path.starts_with('/') && !bytes.iter().enumerate().any(suspect)
}

fn decode_unreserved(path: &str) -> String {
    let mut decoded = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(percent) = rest.find('%') {
        decoded.push_str(&rest[..percent]);
        let hex = rest.get(percent + 1..percent + 3);
        let is_hex = |hex: &&str| hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        let Some(hex) = hex.filter(is_hex) else {
            decoded.push('%');
            rest = &rest[percent + 1..];
            continue;
        };
        // Two digits of base 16 are a byte.
        let byte = u8::from_str_radix(hex, 16).unwrap_or_default();
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            decoded.push(char::from(byte));
        } else {
            decoded.push('%');
            decoded.push_str(&hex.to_ascii_uppercase());
        }
        rest = &rest[percent + 3..];
    }
    decoded.push_str(rest);
    decoded
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
            ("/a", "/A", false),
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
        ];
        for path in spellings {
            assert!(may("/v1/a", path), "{path}");
        }
        for path in ["/v1/a%2Fb", "/v1/a%", "/v1/a%zz", "/v1/a%2", "/v1/a;b"] {
            assert!(!may("/v1/a", path), "{path}");
        }
    }

    #[test]
    fn an_exemption_needs_both_forms() {
        assert!(surely("/hooks/**", "/hooks/a?b"));
        assert!(surely("/hooks/**", "/hooks//a"));
        assert!(!surely("/hooks/**", "/hooks/../v1/a"));
        assert!(!surely("/hooks/**", "/x/../hooks/a"));
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
