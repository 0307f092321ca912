//! Which requests pass, and what they are charged.

use ratecell::WhenFull;
use ratecell_contract::{Contract, Guard, Limit, Outcome, Request, RequestError, Stage};

use super::{admit, guard, one_rule, passes, with_headers};

#[test]
fn a_request_without_a_key_is_skipped_or_shares_as_the_contract_says() {
    let skipping = guard(&one_rule("limit = \"fixed 1/min\"\nby = \"bearer\""));
    for headers in
        [&[][..], &[("authorization", b"Basic YTpi".as_slice())], &[("authorization", b"Bearer ")]]
    {
        assert!((0..3).all(|_| passes(&skipping, headers)), "{headers:?}");
    }
    let sharing = guard(&one_rule("limit = \"fixed 1/min\"\nby = \"bearer\"\nabsent = \"share\""));
    assert!(passes(&sharing, &[]));
    assert!(!passes(&sharing, &[("authorization", b"Basic YTpi")]));
    assert!(passes(&sharing, &[("authorization", b"Bearer a")]));
}

#[test]
fn two_rules_by_one_key_may_differ_in_what_they_do_without_it() {
    let guard = guard(
        r#"
        name = "shop"
        [[rule]]
        name = "known"
        limit = "fixed 1/min"
        by = "bearer"
        [[rule]]
        name = "anonymous"
        limit = "fixed 3/min"
        by = "bearer"
        absent = "share"
        "#,
    );
    assert!((0..3).all(|_| passes(&guard, &[])));
    assert!(!passes(&guard, &[]));
    let allowed: Vec<_> = guard.stats().map(|stats| stats.allowed).collect();
    assert_eq!(allowed, [0, 3]);
}

#[test]
fn threads_hold_no_more_permits_than_there_are_and_lose_none() {
    let guard = guard(&one_rule("limit = \"concurrency 4\"\nby = \"bearer\""));
    let headers: &[(&str, &[u8])] = &[("authorization", b"Bearer a")];
    let held = std::sync::atomic::AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..2000 {
                    if let Outcome::Pass(pass) = admit(&guard, &with_headers(&headers)) {
                        let now = held.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
                        assert!(now <= 4, "{now}");
                        held.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                        drop(pass);
                    }
                }
            });
        }
    });
    let passes: Vec<_> = (0..4).map(|_| admit(&guard, &with_headers(&headers)).pass()).collect();
    assert!(passes.iter().all(Option::is_some));
    assert!(admit(&guard, &with_headers(&headers)).pass().is_none());
    let stats = guard.stats().next().unwrap();
    assert_eq!(stats.allowed + stats.refused, 8 * 2000 + 5);
}

#[test]
fn hostile_keys_are_never_unlimited() {
    let guard = guard(&one_rule("limit = \"fixed 1/min\"\nby = \"bearer\""));
    let long = [b"Bearer ".as_slice(), &[b'k'; 1 << 20]].concat();
    for key in [&long[..], b"Bearer \xff\x00\xfe", b"Bearer a, Bearer b"] {
        assert!(passes(&guard, &[("authorization", key)]));
        assert!(!passes(&guard, &[("authorization", key)]));
    }
    // Two credentials share one bucket with all others who send two: which of them the service
    // reads is not known here.
    assert!(passes(&guard, &[("authorization", b"Bearer x1"), ("authorization", b"Bearer y1")]));
    assert!(!passes(&guard, &[("authorization", b"Bearer x2"), ("authorization", b"Bearer y2")]));
    // The same twice is one.
    assert!(passes(&guard, &[("authorization", b"Bearer z"), ("Authorization", b"bearer z")]));
    assert!(!passes(&guard, &[("authorization", b"Bearer z")]));
}

#[test]
fn a_flood_of_keys_is_refused_with_a_status_once_there_is_no_room() {
    let text = one_rule("limit = \"fixed 5/min\"\nby = \"bearer\"");
    let guard = guard(&text);
    let mut refused = 0;
    for number in 0..10_000 {
        let key = format!("Bearer {number}");
        let headers: &[(&str, &[u8])] = &[("authorization", key.as_bytes())];
        if let Outcome::Refuse(refusal) = admit(&guard, &with_headers(&headers)) {
            assert_eq!(refusal.status(), 429);
            assert!(refusal.retry_after_ns() <= Some(60_000_000_000));
            refused += 1;
        }
    }
    // Room is made in regions of eight, so a few more than asked for.
    assert!((9_000..9_900).contains(&refused), "{refused}");
    let stats = guard.stats().next().unwrap();
    assert_eq!((stats.refused, stats.table.full_denied), (refused, refused));
    let contract = Contract::parse(&text).unwrap();
    let open = Guard::builder(contract).capacity(8).when_full(WhenFull::Allow).build().unwrap();
    for number in 0..1000 {
        let key = format!("Bearer {number}");
        let headers: &[(&str, &[u8])] = &[("authorization", key.as_bytes())];
        assert!(open.admit(Stage::Whole, &with_headers(&headers)).unwrap().passes());
    }
}

#[test]
fn a_dry_run_counts_and_shows_and_never_refuses() {
    let guard = guard(
        r#"
        name = "shop"
        [[rule]]
        name = "key"
        limit = "fixed 10/min"
        by = "bearer"
        [[rule]]
        name = "tried"
        limit = "fixed 2/min"
        by = "bearer"
        enforce = false
        [response]
        headers = ["x-ratelimit-limit", "x-ratelimit-remaining", "ratelimit", "retry-after"]
        "#,
    );
    let headers: &[(&str, &[u8])] = &[("authorization", b"Bearer a")];
    let request = with_headers(&headers);
    for number in 1..=10_u64 {
        let pass = admit(&guard, &request).pass().unwrap();
        let would_refuse: Vec<_> = pass.would_refuse().collect();
        assert_eq!(would_refuse, if number > 2 { vec!["tried"] } else { vec![] });
        // The enforced rule speaks; both are listed.
        assert_eq!(pass.fields().get("x-ratelimit-limit"), Some("10"));
        let remaining = (10 - number).to_string();
        assert_eq!(pass.fields().get("x-ratelimit-remaining"), Some(&*remaining));
        let listed = pass.fields().get("ratelimit").unwrap();
        assert!(listed.contains("\"tried\";r="), "{listed}");
        assert_eq!(pass.fields().get("retry-after"), None);
    }
    // What is refused anyway is not tried.
    let refusal = admit(&guard, &request).refusal().unwrap();
    assert_eq!(refusal.rule(), "key");
    let stats: Vec<_> = guard.stats().collect();
    assert_eq!((stats[0].allowed, stats[0].refused, stats[0].would_have_refused), (10, 1, 0));
    assert_eq!((stats[1].allowed, stats[1].refused, stats[1].would_have_refused), (2, 0, 8));
}

#[test]
fn rules_of_one_stage_are_charged_all_or_none_and_stages_apart() {
    let guard = guard(
        r#"
        name = "shop"
        [[rule]]
        name = "ip"
        limit = "fixed 10/min"
        by = "ip"
        stage = "before-auth"
        [[rule]]
        name = "minute"
        limit = "fixed 10/min"
        by = "bearer"
        [[rule]]
        name = "second"
        limit = "fixed 1/s"
        by = "bearer"
        "#,
    );
    let headers: &[(&str, &[u8])] = &[("authorization", b"Bearer a")];
    let request = with_headers(&headers);
    assert!(admit(&guard, &request).passes());
    for _ in 0..5 {
        assert_eq!(admit(&guard, &request).refusal().unwrap().rule(), "second");
    }
    let allowed: Vec<_> = guard.stats().map(|stats| stats.allowed).collect();
    assert_eq!(allowed, [6, 1, 1]);
}

#[test]
fn permits_of_an_earlier_stage_come_back_when_a_later_one_refuses() {
    let guard = guard(
        r#"
        name = "shop"
        [[rule]]
        name = "open"
        limit = "concurrency 2"
        by = "ip"
        stage = "before-auth"
        [[rule]]
        name = "key"
        limit = "fixed 1/min"
        by = "bearer"
        [response]
        headers = ["x-concurrency"]
        "#,
    );
    let headers: &[(&str, &[u8])] = &[("authorization", b"Bearer a")];
    let request = with_headers(&headers);
    let pass = admit(&guard, &request).pass().unwrap();
    for _ in 0..5 {
        let refusal = admit(&guard, &request).refusal().unwrap();
        assert_eq!(refusal.rule(), "key");
        assert_eq!(refusal.fields().get("X-Concurrency-Running"), Some("2"));
    }
    drop(pass);
    let anonymous = admit(&guard, &Request::new("GET", "/")).pass().unwrap();
    assert_eq!(anonymous.fields().get("X-Concurrency-Running"), Some("1"));
}

#[test]
fn limits_that_do_not_fit_are_errors_and_take_nothing() {
    let guard = guard(&one_rule("limit = \"sliding 5/min\"\nby = \"bearer\""));
    let headers: &[(&str, &[u8])] = &[("authorization", b"Bearer a")];
    let error = |limits: &[(&str, Limit<'_>)]| {
        let request = Request { limits, ..with_headers(&headers) };
        let error: RequestError = guard.admit(Stage::Whole, &request).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        error(&[("kye", Limit::Cap(1))]),
        "limits: found one for the rule `kye`, expected one of `key`"
    );
    assert_eq!(
        error(&[("key", Limit::Cap(1)), ("key", Limit::Cap(2))]),
        "limits: found two for the rule `key`, expected one at the most"
    );
    assert_eq!(
        error(&[("key", Limit::Cap(0))]),
        "limits: for the rule `key`: the limit is 0, accepted are 1 and more"
    );
    assert_eq!(
        error(&[("key", Limit::Text("sliding 5/fortnight"))]),
        "limits: for the rule `key`: at byte 10: found `fortnight`, expected a unit: ns, us, ms, s, \
         min, h or d"
    );
    for text in ["fixed 9/min", "sliding 9/h", "sliding 9/min segments 62"] {
        let expected = "expected one that can stand in for `sliding 5/min segments 14`: the same \
                        kind, and if fixed or sliding the same period and segments";
        assert!(error(&[("key", Limit::Text(text))]).contains(expected), "{text}");
    }
    assert_eq!(guard.stats().next().unwrap().allowed, 0);
}

#[test]
fn a_limit_that_does_not_fit_one_plan_is_an_error_before_another_is_charged() {
    let guard = guard(
        r#"
        name = "shop"
        [[rule]]
        name = "early"
        limit = "fixed 1/min"
        by = "ip"
        stage = "before-auth"
        [[rule]]
        name = "key"
        limit = "fixed 1/min"
        by = "ip"
        [[rule]]
        name = "tried"
        limit = "fixed 1/min"
        by = "ip"
        enforce = false
        "#,
    );
    for rule in ["key", "tried"] {
        let limits = [(rule, Limit::Cap(0))];
        let request = Request { limits: &limits, ..Request::new("GET", "/") };
        assert!(guard.admit(Stage::Whole, &request).is_err(), "{rule}");
    }
    assert!(guard.stats().all(|stats| stats.allowed == 0));
    assert!(admit(&guard, &Request::new("GET", "/")).passes());
}

#[test]
fn a_cap_keeps_a_burst_that_is_not_the_limit() {
    let capped = |text: &str, cap: u32| {
        let guard = guard(
            &(one_rule(&format!("limit = \"{text}\"\nby = \"bearer\""))
                + "[response]\nheaders = [\"x-ratelimit-limit\"]\n"),
        );
        let headers: &[(&str, &[u8])] = &[("authorization", b"Bearer a")];
        let limits = [("key", Limit::Cap(cap))];
        let request = Request { limits: &limits, ..with_headers(&headers) };
        admit(&guard, &request).fields().get("x-ratelimit-limit").unwrap().to_owned()
    };
    assert_eq!(capped("600/min", 1200), "1200");
    assert_eq!(capped("600/min burst 20", 1200), "20");
    assert_eq!(capped("fixed 600/min", 7), "7");
}

#[test]
fn methods_and_paths_choose_the_requests() {
    let guard = guard(&one_rule(
        "limit = \"fixed 1/min\"\nby = \"ip\"\nmethods = [\"GET\", \"POST\"]\n\
         paths = [\"/v1/**\"]\nexcept = [\"/v1/hooks/**\"]",
    ));
    let counted = |method: &str, path: &str| {
        let before = guard.stats().next().unwrap();
        let _ = admit(&guard, &Request::new(method, path));
        let after = guard.stats().next().unwrap();
        after.allowed + after.refused > before.allowed + before.refused
    };
    for (method, path) in
        [("GET", "/v1"), ("HEAD", "/v1/a"), ("POST", "//v1/a"), ("GET", "/v1/%68ooks/../a")]
    {
        // Some servers take `get` for GET, so it must not get by.
        assert!(counted(&method.to_ascii_lowercase(), path), "{method} {path}");
        assert!(counted(method, path), "{method} {path}");
    }
    for (method, path) in
        [("GETS", "/v1"), ("PUT", "/v1"), ("GET", "/v2"), ("GET", "/v1/hooks/a"), ("GET", "")]
    {
        assert!(!counted(method, path), "{method} {path}");
    }
}

#[test]
fn a_cost_is_taken_whole_or_never() {
    let guard = guard(&one_rule("limit = \"fixed 10/min\"\nby = \"ip\""));
    let request = |cost| Request { cost, ..Request::new("GET", "/") };
    assert!(admit(&guard, &request(7)).passes());
    let refusal = admit(&guard, &request(4)).refusal().unwrap();
    assert_eq!(refusal.retry_after_ns(), Some(60_000_000_000));
    assert!(admit(&guard, &request(3)).passes());
    assert!(admit(&guard, &request(0)).passes());
    let never = admit(&guard, &request(11)).refusal().unwrap();
    assert_eq!((never.status(), never.retry_after_ns()), (429, None));
}

#[test]
fn permits_of_rules_by_one_key_and_by_several_come_back_together() {
    let rule = |name: &str, by: &str| {
        format!("[[rule]]\nname = \"{name}\"\nlimit = \"concurrency 2\"\nby = \"{by}\"\n")
    };
    let alike = rule("a", "bearer") + &rule("b", "bearer");
    let apart = rule("a", "bearer") + &rule("b", "header:x-team");
    let headers: &[(&str, &[u8])] = &[("authorization", b"Bearer a"), ("x-team", b"t")];
    for rules in [alike, apart] {
        let guard = guard(&format!("name = \"shop\"\n{rules}"));
        for _ in 0..5 {
            let held = [(); 2].map(|()| admit(&guard, &with_headers(&headers)).pass().unwrap());
            assert!(held.iter().all(|pass| pass.holds_permits()), "{rules}");
            assert!(!passes(&guard, headers));
        }
    }
    let rate = guard(&one_rule("limit = \"fixed 9/min\"\nby = \"bearer\""));
    assert!(!admit(&rate, &with_headers(&headers)).pass().unwrap().holds_permits());
}

#[test]
fn a_value_of_the_service_is_a_key_unless_it_is_empty() {
    let guard = guard(&one_rule("limit = \"fixed 1/min\"\nby = \"value:user\""));
    let user = |user: &'static [u8]| {
        let values = [("user", user)];
        admit(&guard, &Request { values: &values, ..Request::new("GET", "/") }).passes()
    };
    assert!(user(b"alice") && !user(b"alice") && user(b"bob"));
    assert!((0..3).all(|_| user(b"")), "a request without a key is not counted");
}
