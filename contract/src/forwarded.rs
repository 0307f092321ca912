//! What proxies say of where a request came from: `X-Forwarded-For` and `Forwarded`.
//!
//! Read from the right, where the nearest proxy has written, and only as far as the writers are
//! trusted. A line that cannot be read says nothing: guessing at it would let a client choose its
//! own address. SOURCE: RFC 7239; for the older field, what proxies send.

use core::net::{IpAddr, SocketAddr};

/// What one proxy says of its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hop {
    Address(IpAddr),
    /// Hidden, unknown or not readable.
    Obscure,
}

/// Appends the hops of a line of `X-Forwarded-For`, the nearest last.
pub(crate) fn read_x_forwarded_for(line: &[u8], hops: &mut Vec<Hop>) {
    for member in line.split(|&byte| byte == b',') {
        // Each by itself: what a client has written must not hide what the proxy wrote after it.
        match str::from_utf8(member).map(trimmed) {
            // An empty list member counts for nothing. SOURCE: RFC 9110 section 5.6.1.2.
            Ok("") => {}
            Ok(member) => hops.push(node(member)),
            Err(_) => hops.push(Hop::Obscure),
        }
    }
}

/// Appends the hops of a line of `Forwarded`, the nearest last. A line with a member that is not
/// well formed counts as one obscure hop: where its quotes end is then anybody's guess.
pub(crate) fn read_forwarded(line: &[u8], hops: &mut Vec<Hop>) {
    let before = hops.len();
    let mut rest = match str::from_utf8(line) {
        Ok(line) => trimmed(line),
        Err(_) => "=",
    };
    while !rest.is_empty() {
        let Some((hop, after)) = element(rest) else {
            hops.truncate(before);
            hops.push(Hop::Obscure);
            return;
        };
        hops.extend(hop);
        rest = after;
    }
}

/// Reads one element up to its comma: what its `for` says, if it has any pair, and what follows.
fn element(text: &str) -> Option<(Option<Hop>, &str)> {
    let mut rest = text;
    let mut hop = None;
    let mut is_empty = true;
    loop {
        rest = trimmed(rest);
        match rest.as_bytes().first() {
            None => break,
            Some(b',') => {
                rest = trimmed(&rest[1..]);
                break;
            }
            Some(b';') => {
                rest = &rest[1..];
                continue;
            }
            Some(_) => {}
        }
        let (name, after) = rest.split_once('=')?;
        if name.is_empty() || !name.bytes().all(is_token) {
            return None;
        }
        let (value, after) = value(after)?;
        rest = trimmed(after);
        if !matches!(rest.as_bytes().first(), None | Some(b',' | b';')) {
            return None;
        }
        is_empty = false;
        if name.eq_ignore_ascii_case("for") && hop.replace(node(&value)).is_some() {
            return None;
        }
    }
    let said = if is_empty { None } else { Some(hop.unwrap_or(Hop::Obscure)) };
    Some((said, rest))
}

/// Reads a token or a quoted string, and gives what follows.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.bytes().position(|byte| !is_token(byte)).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            _ => value.push(character),
        }
    }
    None
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// An address with or without brackets and a port.
fn node(text: &str) -> Hop {
    let bare = || text.parse::<IpAddr>().ok();
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let ported = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    // A port may be hidden as well: `192.0.2.1:_a`. SOURCE: RFC 7239 section 6.3.
    let oddly_ported = || {
        let (node, port) = text.rsplit_once(':')?;
        if !port.starts_with('_') {
            return None;
        }
        let v6 = node.strip_prefix('[').and_then(|node| node.strip_suffix(']'));
        match v6 {
            Some(node) => node.parse().ok().map(IpAddr::V6),
            None => node.parse().ok().map(IpAddr::V4),
        }
    };
    bare()
        .or_else(bracketed)
        .or_else(ported)
        .or_else(oddly_ported)
        .map_or(Hop::Obscure, |address| Hop::Address(address.to_canonical()))
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::Hop::{Address, Obscure};
    use super::{Hop, read_forwarded, read_x_forwarded_for};

    fn address(text: &str) -> Hop {
        Address(text.parse().unwrap())
    }

    #[test]
    fn x_forwarded_for_is_read_member_by_member() {
        for (line, expected) in [
            ("192.0.2.1", vec![address("192.0.2.1")]),
            (" 192.0.2.1 ,, 2001:db8::1,", vec![address("192.0.2.1"), address("2001:db8::1")]),
            ("192.0.2.1:80, [2001:db8::1]:80", vec![address("192.0.2.1"), address("2001:db8::1")]),
            ("[2001:db8::1]", vec![address("2001:db8::1")]),
            ("::ffff:192.0.2.1", vec![address("192.0.2.1")]),
            ("unknown, 1.2.3, 1.2.3.4.5, 01.2.3.4, fe80::1%eth0", vec![Obscure; 5]),
            ("", vec![]),
        ] {
            let mut hops = Vec::new();
            read_x_forwarded_for(line.as_bytes(), &mut hops);
            assert_eq!(hops, expected, "{line}");
        }
        let mut hops = Vec::new();
        read_x_forwarded_for(b"192.0.2.1, \xff, 192.0.2.2", &mut hops);
        assert_eq!(hops, [address("192.0.2.1"), Obscure, address("192.0.2.2")]);
    }

    #[test]
    fn forwarded_is_read_in_every_form() {
        for (line, expected) in [
            ("for=192.0.2.1", vec![address("192.0.2.1")]),
            ("For=\"[2001:db8::1]:4711\"", vec![address("2001:db8::1")]),
            ("for=192.0.2.60;proto=http; by=203.0.113.43", vec![address("192.0.2.60")]),
            (
                "for=192.0.2.1, FOR=198.51.100.1",
                vec![address("192.0.2.1"), address("198.51.100.1")],
            ),
            ("for=\"192.0.2.1:80\"", vec![address("192.0.2.1")]),
            ("for=\"192.0.2.1:_p\"", vec![address("192.0.2.1")]),
            ("for=\"[2001:db8::1]:_p\"", vec![address("2001:db8::1")]),
            ("for=\"1\\92.0.2.1\"", vec![address("192.0.2.1")]),
            ("host=\"a,b;for=1.2.3.4\";for=192.0.2.1", vec![address("192.0.2.1")]),
            ("for=_hidden, for=unknown, for=\"_x:80\"", vec![Obscure; 3]),
            ("proto=https", vec![Obscure]),
            (" , for=192.0.2.1,", vec![address("192.0.2.1")]),
            ("", vec![]),
        ] {
            let mut hops = Vec::new();
            read_forwarded(line.as_bytes(), &mut hops);
            assert_eq!(hops, expected, "{line}");
        }
    }

    #[test]
    fn a_forwarded_line_that_cannot_be_read_says_nothing() {
        for line in [
            "for=\"x, for=192.0.2.1",
            "for=192.0.2.1, for",
            "for=192.0.2.1 x",
            "for=192.0.2.1;for=198.51.100.1",
            "=192.0.2.1",
            "for=",
            "for=\"192.0.2.1\"x",
            "for=[2001:db8::1]",
            "f\u{f6}r=192.0.2.1",
            "for=\"192.0.2.1\\",
            "for=192.0.2.1;proto=",
            "for=192.0.2.1;=https",
            "for=192.0.2.1;pro(to=https",
        ] {
            let mut hops = vec![address("198.51.100.9")];
            read_forwarded(line.as_bytes(), &mut hops);
            assert_eq!(hops, [address("198.51.100.9"), Obscure], "{line}");
        }
    }
}
