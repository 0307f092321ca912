//! A guard as one thread of JavaScript has it: reads a request, and writes what becomes of it.
//!
//! A request comes as arguments, and its outcome goes back as one text, which costs a tenth of
//! objects or lists; the package takes it apart when somebody looks. What many outcomes have in
//! common, the names of the fields above all, is a [`Shape`] that crosses once.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::net::IpAddr;

use ratecell_contract::{
    ContractRule, Fields, Guard, Headers, KeySource, Limit, Outcome, Pass, Refusal, Request, Stage,
};

use crate::clock::NodeClock;
use crate::permits::Permits;
use crate::raw_call::{Arguments, Callee, Thrown};
use crate::shape::Shapes;
use crate::words::{self, Words};

/// The arguments that every request has: the method, the path, the address.
const ALWAYS_GIVEN: usize = 3;

/// The most arguments of a request; `lib/guard.js` has the same number.
pub(crate) const MAX_ARGUMENTS: usize = 48;

/// Stands between the lines of a field that came several times: no character, and so in no field;
/// `lib/guard.js` has the same.
const NEXT_LINE: char = '\u{ffff}';

/// A guard with what belongs to one thread of JavaScript.
pub(crate) struct BoundGuard {
    pub(crate) guard: Guard<NodeClock>,
    /// What an argument may be, by number: a header field, after those a value, after those another
    /// number for a rule's limit, after those a text in its place.
    header_names: Vec<String>,
    pub(crate) value_names: Vec<String>,
    pub(crate) rule_names: Vec<String>,
    pub(crate) passes: RefCell<Permits<Pass<NodeClock>>>,
    pub(crate) shapes: RefCell<Shapes>,
    /// Whether any rule is for certain methods or paths only.
    looks_at_target: bool,
    /// Whether any rule counts by address.
    pub(crate) looks_at_peer: bool,
    /// The address that was read last.
    last_peer: Cell<Option<IpAddr>>,
}

impl BoundGuard {
    pub(crate) fn new(guard: Guard<NodeClock>) -> Self {
        let mut value_names = vec!["request_id".to_owned()];
        for rule in guard.contract().rules() {
            if let KeySource::Value(name) = rule.source()
                && !value_names.iter().any(|known| **known == **name)
            {
                value_names.push(name.to_string());
            }
        }
        let is_scoped = |rule: &ContractRule| {
            rule.methods().len() + rule.paths().len() + rule.except().len() > 0
        };
        let by_address = |rule: &ContractRule| *rule.source() == KeySource::Ip;
        Self {
            looks_at_target: guard.contract().rules().iter().any(is_scoped),
            looks_at_peer: guard.contract().rules().iter().any(by_address),
            header_names: guard.header_names().into_iter().map(str::to_owned).collect(),
            value_names,
            rule_names: guard.contract().rules().iter().map(|rule| rule.name().into()).collect(),
            guard,
            passes: RefCell::default(),
            shapes: RefCell::default(),
            last_peer: Cell::default(),
        }
    }

    fn read_given(
        &self,
        arguments: &Arguments<'_>,
        words: &Words<'_>,
    ) -> Result<Given<'_>, Thrown> {
        let mut given = Given::default();
        for index in 0..words.get(words::GIVEN) as usize {
            if words::NAMES + index >= words::LEN {
                return Err(Thrown::Malformed);
            }
            let number = words.get(words::NAMES + index) as usize;
            let argument = ALWAYS_GIVEN + index;
            let value_number = number.wrapping_sub(self.header_names.len());
            let cap_number = value_number.wrapping_sub(self.value_names.len());
            let text_number = cap_number.wrapping_sub(self.rule_names.len());
            if let Some(name) = self.header_names.get(number) {
                let lines = text(arguments, argument, name)?;
                given
                    .headers
                    .0
                    .extend(lines.split(NEXT_LINE).map(|line| (&**name, field_bytes(line))));
            } else if let Some(name) = self.value_names.get(value_number) {
                let bytes = arguments.with_bytes(argument, <[u8]>::to_vec);
                let bytes = bytes.map_err(|fault| fault_of(&format!("values.{name}"), fault))?;
                given.values.push((name, bytes));
            } else if let Some(name) = self.rule_names.get(cap_number) {
                let cap =
                    text(arguments, argument, name)?.parse().map_err(|_| Thrown::Malformed)?;
                given.limits.push((name, GivenLimit::Cap(cap)));
            } else if let Some(name) = self.rule_names.get(text_number) {
                let limit = text(arguments, argument, &format!("limits.{name}"))?;
                given.limits.push((name, GivenLimit::Text(limit)));
            } else {
                return Err(Thrown::Malformed);
            }
        }
        Ok(given)
    }

    /// The fields' values, the request's id, the dry-run rules that would have refused.
    fn passed(&self, pass: Pass<NodeClock>, words: &mut Words<'_>) -> String {
        let mut text = Lines(String::with_capacity(128));
        text.push_head(pass.fields(), pass.request_id(), pass.would_refuse());
        words.set(words::SHAPE, self.shapes.borrow_mut().number_of(pass.fields(), None));
        words.set_u64(words::WAIT, 0);
        let held = if pass.holds_permits() { self.passes.borrow_mut().keep(pass) } else { 0 };
        words.set(words::PERMIT, held);
        text.0
    }

    /// As [`Self::passed`], with the body behind it.
    fn refused(&self, refusal: &Refusal, words: &mut Words<'_>) -> String {
        let mut text = Lines(String::with_capacity(512));
        text.push_head(refusal.fields(), refusal.request_id(), refusal.would_refuse());
        let number = self.shapes.borrow_mut().number_of(refusal.fields(), Some(refusal));
        words.set(words::SHAPE, number);
        words.set(words::PERMIT, 0);
        words.set_u64(words::WAIT, refusal.retry_after_ns().unwrap_or(u64::MAX));
        // All of the head is ASCII, so its bytes are as many as JavaScript's units.
        words.set(words::HEAD_LEN, u32::try_from(text.0.len()).unwrap_or(u32::MAX));
        text.0.push_str(refusal.body());
        text.0
    }
}

impl Callee for BoundGuard {
    fn call(
        &self,
        arguments: &Arguments<'_>,
        words: &mut Words<'_>,
    ) -> Result<Option<String>, Thrown> {
        self.guard.clock().give(words.get_u64(words::NOW));
        let reads_all = words.get(words::READ_ALL) != 0;
        // What stands in for a target that nobody looks at is one that is quickly read.
        let (mut method, mut path, mut peer) = (Cow::Borrowed("GET"), Cow::Borrowed("/"), None);
        if reads_all || self.looks_at_target {
            method = text(arguments, 0, "method")?.into();
            path = text(arguments, 1, "path")?.into();
        }
        if words.get(words::SAME_PEER) != 0 {
            peer = self.last_peer.get();
        } else if reads_all || self.looks_at_peer {
            peer =
                arguments.with_bytes(2, read_peer).map_err(|fault| fault_of("peer", fault))??;
            self.last_peer.set(peer);
        }
        let given = self.read_given(arguments, words)?;
        let values: Vec<(&str, &[u8])> =
            given.values.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
        let limits: Vec<(&str, Limit<'_>)> =
            given.limits.iter().map(|(rule, limit)| (*rule, limit.as_limit())).collect();
        let request = Request {
            peer,
            headers: &given.headers,
            values: &values,
            limits: &limits,
            cost: words.get(words::COST),
            ..Request::new(&method, &path)
        };
        let stage = match words.get(words::STAGE) {
            0 => Stage::BeforeAuth,
            1 => Stage::AfterAuth,
            _ => Stage::Whole,
        };
        let outcome = self.guard.admit(stage, &request);
        Ok(Some(match outcome.map_err(|error| Thrown::Range(error.to_string()))? {
            Outcome::Pass(pass) => self.passed(pass, words),
            Outcome::Refuse(refusal) => self.refused(&refusal, words),
        }))
    }
}

/// Lines that hold no line break: names, ids of plain characters, visible ASCII.
struct Lines(String);

impl Lines {
    fn push(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn push_head<'o>(
        &mut self,
        fields: &Fields,
        request_id: Option<&str>,
        mut would_refuse: impl Iterator<Item = &'o str>,
    ) {
        for (_, value) in fields.iter() {
            self.push(value);
        }
        self.push(request_id.unwrap_or_default());
        self.0.push_str(would_refuse.next().unwrap_or_default());
        for name in would_refuse {
            self.0.push(',');
            self.0.push_str(name);
        }
        self.0.push('\n');
    }
}

/// What a request brings beside its method, path and address.
#[derive(Default)]
struct Given<'g> {
    headers: HeaderLines<'g>,
    values: Vec<(&'g str, Vec<u8>)>,
    limits: Vec<(&'g str, GivenLimit)>,
}

/// A caller's own limit.
enum GivenLimit {
    Cap(u32),
    Text(String),
}

impl GivenLimit {
    fn as_limit(&self) -> Limit<'_> {
        match self {
            Self::Cap(cap) => Limit::Cap(*cap),
            Self::Text(text) => Limit::Text(text),
        }
    }
}

/// Header fields, each value as the bytes that it had on the wire.
#[derive(Default)]
struct HeaderLines<'g>(Vec<(&'g str, Vec<u8>)>);

impl Headers for HeaderLines<'_> {
    fn each<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        self.0.iter().filter(|(other, _)| *other == name).for_each(|(_, value)| visit(value));
    }
}

/// Engines show each byte of a field as the character of that number.
fn field_bytes(value: &str) -> Vec<u8> {
    if value.is_ascii() {
        return value.into();
    }
    let bytes: Option<Vec<u8>> = value.chars().map(|unit| u8::try_from(unit).ok()).collect();
    bytes.unwrap_or_else(|| value.into())
}

fn text(arguments: &Arguments<'_>, index: usize, name: &str) -> Result<String, Thrown> {
    let utf8 =
        arguments.with_bytes(index, <[u8]>::to_vec).map_err(|fault| fault_of(name, fault))?;
    String::from_utf8(utf8).map_err(|_| Thrown::Type(format!("{name} is not UTF-8")))
}

fn fault_of(name: &str, fault: crate::bytes_fault::BytesFault) -> Thrown {
    Thrown::Type(format!("{name} {fault}"))
}

/// An address, without the zone that a link-local one has in some engines.
fn read_peer(utf8: &[u8]) -> Result<Option<IpAddr>, Thrown> {
    if utf8.is_empty() {
        return Ok(None);
    }
    let address = utf8.split(|&byte| byte == b'%').next().and_then(|it| str::from_utf8(it).ok());
    address.and_then(|address| address.parse().ok()).map(Some).ok_or_else(|| {
        let found = String::from_utf8_lossy(utf8);
        Thrown::Range(format!(
            "peer: found `{found}`, accepted is an IP address, such as 192.0.2.1"
        ))
    })
}
