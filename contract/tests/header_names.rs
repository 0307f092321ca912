//! `Guard::header_names`: a language that hands over these fields alone hands over enough.

use std::cell::RefCell;
use std::collections::BTreeSet;

use ratecell::ManualClock;
use ratecell_contract::{Contract, ForwardedField, Guard, Headers, Request, Stage};

const CONTRACT: &str = r#"
    name = "shop"
    [request_id]
    header = "x-request-id"
    [[rule]]
    name = "ip"
    limit = "fixed 10/min"
    by = "ip"
    stage = "before-auth"
    [[rule]]
    name = "bearer"
    limit = "fixed 10/min"
    by = "bearer"
    [[rule]]
    name = "key"
    limit = "fixed 10/min"
    by = "header:X-API-Key"
    [[rule]]
    name = "user"
    limit = "fixed 10/min"
    by = "value:user"
    [response.always]
    "X-Request-Id" = "{request_id}"
"#;

/// No fields, and the names of those that were looked for.
#[derive(Default)]
struct Asked(RefCell<BTreeSet<String>>);

impl Headers for Asked {
    fn each<'h>(&'h self, name: &str, _visit: &mut dyn FnMut(&'h [u8])) {
        self.0.borrow_mut().insert(name.to_owned());
    }
}

#[test]
fn a_guard_looks_at_the_fields_it_names_and_no_others() {
    for (proxies, field, forwarded) in [
        (false, ForwardedField::Either, &[][..]),
        (true, ForwardedField::Either, &["forwarded", "x-forwarded-for"][..]),
        (true, ForwardedField::Forwarded, &["forwarded"][..]),
        (true, ForwardedField::XForwardedFor, &["x-forwarded-for"][..]),
    ] {
        let networks = if proxies { vec!["192.0.2.0/24".parse().unwrap()] } else { Vec::new() };
        let guard = Guard::builder(CONTRACT.parse().unwrap())
            .clock(ManualClock::new(0))
            .trusted_proxies(&networks)
            .forwarded_field(field)
            .build()
            .unwrap();
        let asked = Asked::default();
        let peer = Some([192, 0, 2, 1].into());
        let request = Request { peer, headers: &asked, ..Request::new("GET", "/") };
        assert!(guard.admit(Stage::Whole, &request).unwrap().passes());
        let asked: Vec<_> = asked.0.into_inner().into_iter().collect();
        assert_eq!(guard.header_names(), asked);
        let mut named: Vec<_> = ["authorization", "x-api-key", "x-request-id"].to_vec();
        named.extend(forwarded);
        named.sort_unstable();
        assert_eq!(asked, named);
    }
}

#[test]
fn a_contract_by_address_alone_needs_no_field() {
    let text = "name = \"a\"\n[[rule]]\nname = \"ip\"\nlimit = \"1/s\"\nby = \"ip\"\n";
    let guard = Guard::builder(Contract::parse(text).unwrap()).build().unwrap();
    assert!(guard.header_names().is_empty());
}
