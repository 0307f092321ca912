//! Every kind of fault is found at its own place and says what is accepted.

use ratecell_contract::{Contract, ContractError};

/// Marks in a text where the fault is.
const MARK: char = '¦';

const HEAD: &str = "name = \"shop\"\n[[rule]]\nname = \"key\"\nlimit = \"600/min\"\nby = \"ip\"\n";

/// The faults of a text.
fn faults(text: &str) -> ContractError {
    Contract::parse(text).expect_err(text)
}

/// Checks that a text with a mark has one fault, at the mark.
#[track_caller]
fn is_found(marked: &str, message: &str) {
    let offset = marked.find(MARK).unwrap();
    let text = marked.replace(MARK, "");
    let error = faults(&text);
    let [fault] = error.faults() else { panic!("not one fault:\n{error}") };
    let before = &text[..offset];
    assert_eq!(fault.offset(), offset, "{fault}");
    assert_eq!(fault.line(), before.matches('\n').count() + 1);
    let line = before.rsplit('\n').next().unwrap();
    assert_eq!(fault.column(), line.chars().count() + 1);
    let place = format!("{}:{}: ", fault.line(), fault.column());
    assert_eq!(fault.to_string().strip_prefix(&place), Some(message));
}

/// As [`is_found`], with lines added to the end of a good rule.
#[track_caller]
fn is_found_in_rule(marked: &str, message: &str) {
    is_found(&format!("{HEAD}{marked}"), message);
}

#[test]
fn a_good_contract_has_no_fault() {
    assert!(Contract::parse(HEAD).is_ok());
}

#[test]
fn what_is_missing_is_told_at_its_table() {
    is_found(
        &format!("¦{}", HEAD.replace("name = \"shop\"\n", "")),
        "the contract: found no `name`, expected name = \"...\"",
    );
    is_found(
        "¦name = \"shop\"",
        "the contract: found no [[rule]], expected at least one: a contract that limits nothing is \
         an error",
    );
    is_found(
        "name = \"shop\"\n¦[[rule]]\nname = \"key\"\nlimit = \"600/min\"",
        "[[rule]]: found no `by`, expected by = \"bearer\", \"ip\", \"header:NAME\" or \"value:NAME\"",
    );
    is_found(
        "name = \"shop\"\n¦[[rule]]\nby = \"ip\"\nlimit = \"600/min\"",
        "[[rule]]: found no `name`, expected name = \"...\"",
    );
    is_found(
        "name = \"shop\"\n¦[[rule]]\nname = \"key\"\nby = \"ip\"",
        "[[rule]]: found no `limit`, expected limit = \"...\", such as \"sliding 600/min\"",
    );
}

#[test]
fn an_unknown_key_or_word_is_told_with_those_that_are_known() {
    is_found(
        &format!("¦nmae = \"\"\n{HEAD}"),
        "the contract: found the key `nmae`, expected one of `name`, `rule`, `response`, `clients` \
         or `request_id`",
    );
    is_found_in_rule(
        "¦burst = 3",
        "[[rule]]: found the key `burst`, expected one of `name`, `limit`, `by`, `methods`, `paths`, \
         `except`, `stage`, `absent`, `message`, `show`, `enforce` or `refused`",
    );
    is_found_in_rule(
        "stage = ¦\"before\"",
        "stage: found `before`, expected one of `before-auth` or `after-auth`",
    );
    is_found_in_rule(
        "[response]\nheaders = [\"retry-after\", \"¦x-rate-limit\"]",
        "headers: found `x-rate-limit`, expected one of `x-ratelimit`, `x-concurrency`, `ratelimit`, \
         `draft-6`, `draft-7`, `retry-after`, `x-ratelimit-limit`, `x-ratelimit-remaining`, \
         `x-ratelimit-reset`, `x-concurrency-limit`, `x-concurrency-running`, `ratelimit-policy`, \
         `ratelimit-limit`, `ratelimit-remaining` or `ratelimit-reset`",
    );
}

#[test]
fn a_wrong_type_is_told_with_what_was_found() {
    is_found_in_rule("message = ¦7", "message: found the integer 7, expected a string");
    is_found_in_rule("show = ¦\"no\"", "show: found the string \"no\", expected true or false");
    is_found_in_rule(
        "paths = ¦\"/v1\"",
        "paths: found the string \"/v1\", expected a list of strings, with at least one",
    );
    is_found_in_rule(
        "methods = ¦[]",
        "methods: found an empty list, expected a list of strings, with at least one",
    );
    is_found_in_rule(
        "[clients]\nipv6_prefix = ¦0",
        "ipv6_prefix: found the integer 0, expected an integer from 1 to 128",
    );
    is_found(
        "name = \"shop\"\n[¦rule]\nname = \"key\"\nlimit = \"600/min\"\nby = \"ip\"",
        "rule: found a table, expected [[rule]], with two brackets each",
    );
}

#[test]
fn a_fault_in_a_limit_is_found_inside_its_quotes() {
    let in_limit = |limit: &str, message: &str| {
        is_found(&HEAD.replace("\"600/min\"", limit), message);
    };
    in_limit(
        "\"600/¦fortnight\"",
        "limit: found `fortnight`, expected a unit: ns, us, ms, s, min, h or d",
    );
    in_limit(
        "'600/¦fortnight'",
        "limit: found `fortnight`, expected a unit: ns, us, ms, s, min, h or d",
    );
    in_limit(
        "\"600\\u002f¦fortnight\"",
        "limit: found `fortnight`, expected a unit: ns, us, ms, s, min, h or d",
    );
    in_limit(
        "\"\"\"\n  sliding\n 600/¦x\"\"\"",
        "limit: found `x`, expected a unit: ns, us, ms, s, min, h or d",
    );
    in_limit("\"600¦\"", "limit: found the end of the text, expected `/` or per, then a period");
    in_limit("\"¦0/min\"", "limit: found `0`, but the limit is 0, accepted are 1 and more");
    in_limit("\"600/min¦; 5/s\"", "limit: found `;`, expected the end of a single rule");
    in_limit(
        "\"key¦: 600/min\"",
        "limit: found `:`, expected a limit without a name; the rule's name is a key of its own",
    );
    in_limit(
        "\"600/min ¦BY ip\"",
        "limit: found `by`, expected a limit without a dimension; `by` is a key of its own",
    );
}

#[test]
fn a_name_is_checked_and_must_be_new() {
    let named = |name: &str| HEAD.replace("\"key\"", name);
    is_found(
        &named("¦\"9x\""),
        "name: found `9x`, but a name is an ASCII letter, then letters, digits, `_` and `-`",
    );
    is_found(
        &format!("{HEAD}[[rule]]\nname = ¦\"key\"\nlimit = \"5/s\"\nby = \"bearer\""),
        "name: found `key`, expected a name that no earlier rule has",
    );
}

#[test]
fn a_stage_holds_eight_rules_of_a_kind() {
    let rules = |count: usize, last: &str| {
        let mut text = "name = \"shop\"\n".to_owned();
        for number in 1..=count {
            let mark = if number == count { last } else { "" };
            text +=
                &format!("{mark}[[rule]]\nname = \"r{number}\"\nlimit = \"5/s\"\nby = \"ip\"\n");
        }
        text
    };
    assert!(Contract::parse(&rules(8, "")).is_ok());
    is_found(
        &rules(9, "¦"),
        "[[rule]]: found one rule more, `r9`, expected at most 8 enforced rules after authentication",
    );
    // Those that only try are a plan of their own, as is each stage.
    assert!(Contract::parse(&(rules(9, "") + "enforce = false\n")).is_ok());
    assert!(Contract::parse(&(rules(9, "") + "stage = \"before-auth\"\n")).is_ok());
}

#[test]
fn a_pattern_or_method_that_matches_nothing_is_refused() {
    is_found_in_rule(
        "paths = [\"¦v1\"]",
        "paths: found `v1`, expected a path that begins with `/`",
    );
    is_found_in_rule(
        "except = [\"/v1/¦a*\"]",
        "except: found `a*`, expected `*` or `**` as a whole segment",
    );
    is_found_in_rule(
        "paths = [\"/v1¦?a=b\"]",
        "paths: found `?a=b`, expected only characters of a path, without query, fragment or space",
    );
    is_found_in_rule("paths = [\"¦/v1/\"]", "paths: found `/v1/`, expected its normal form, `/v1`");
    is_found_in_rule(
        "methods = [\"GET\", \"¦get\"]",
        "methods: found `get`, expected a method in capitals, such as `GET`",
    );
    is_found_in_rule("methods = [\"GET\", \"¦GET\"]", "methods: found `GET`, expected once only");
}

#[test]
fn a_field_must_be_one_and_come_once() {
    is_found_in_rule(
        "[response.always]\n¦\"X Id\" = \"a\"",
        "[response.always]: found `X Id`, expected the name of a header field: letters, digits, `-` \
         and `_`",
    );
    is_found_in_rule(
        "[response.always]\nX-Id = \"a\"\n¦x-id = \"b\"",
        "[response.always]: found `x-id`, expected once only",
    );
    is_found_in_rule(
        "[response.always]\n¦Retry-After = \"1\"",
        "[response.always]: found `Retry-After`, expected a field that neither `headers` nor the \
         body brings",
    );
    is_found_in_rule(
        "[response.always]\nX-Id = \"a¦\\nb\"",
        "X-Id: found `\\nb`, expected visible ASCII characters and spaces",
    );
    is_found_in_rule(
        "[response.always]\nX-Left = \"a ¦{remaining}\"",
        "X-Left: found `{remaining}`, expected no other placeholder than `{request_id}` in a field \
         of every response",
    );
    is_found_in_rule(
        "[response]\nheaders = [\"x-ratelimit\", \"¦x-ratelimit-limit\"]",
        "headers: found `x-ratelimit-limit`, expected each field once only",
    );
    is_found_in_rule(
        "[response]\nheaders = [\"draft-7\", \"¦ratelimit\"]",
        "headers: found `ratelimit`, but the field RateLimit is asked for in two forms, accepted is one",
    );
    is_found(
        &HEAD.replace("\"ip\"", "\"header:¦a b\""),
        "by: found `a b`, expected the name of a header field: letters, digits, `-` and `_`",
    );
}

#[test]
fn a_field_of_every_response_comes_on_refusals_once_only() {
    let always = "[response.always]\nX-Id = \"{request_id}\"\n";
    let expected = "found `x-id`, expected a field that `[response.always]` does not bring";
    is_found_in_rule(
        &format!("{always}[response.refused.headers]\n¦x-id = \"1\""),
        &format!("the headers of refusals: {expected}"),
    );
    is_found_in_rule(
        &format!("[rule.refused.headers]\n¦x-id = \"1\"\n{always}"),
        &format!("the headers of refusals: {expected}"),
    );
}

#[test]
fn a_body_must_make_what_its_type_says() {
    is_found_in_rule(
        "[response.refused]\nbody = '{\"a\":¦{limitt}}'",
        "body: found the placeholder `{limitt}`, expected one of `{rule.name}`, `{rule.message}`, \
         `{limit}`, `{remaining}`, `{window}`, `{window_seconds}`, `{retry_after_seconds}`, \
         `{reset_seconds}`, `{reset_unix}`, `{request_id}`, `{concurrency.limit}`, \
         `{concurrency.running}`",
    );
    is_found_in_rule(
        "[response.refused]\nbody = '{\"a\":{limit},¦}'",
        "body: found `}`, expected JSON: trailing comma",
    );
    is_found_in_rule(
        "[response.refused]\nbody = \"\"\"\n{\n  \\\"a\\\": 1\n  ¦\\\"b\\\": 2}\"\"\"",
        "body: found `\"b\": 2}`, expected JSON: expected `,` or `}`",
    );
    is_found_in_rule(
        "[rule.refused]\ncontent_type = \"application/problem+json\"\nbody = 'n¦onsense'",
        "body: found `onsense`, expected JSON: expected ident",
    );
    // Not JSON, and not said to be.
    let plain = "[response.refused]\ncontent_type = \"text/plain\"\nbody = 'wait {limit}'";
    assert!(Contract::parse(&format!("{HEAD}{plain}")).is_ok());
    is_found_in_rule(
        "[response.refused]\ncontent_type = ¦\"json\"\nbody = '{}'",
        "content_type: found `json`, expected a media type such as `application/json`",
    );
    for bad in [
        "/json",
        "text/",
        "text/ ;a=b",
        "a/b/c",
        "application/json{",
        "text plain/x",
        "text/pl\u{e4}in",
        "text/plain;a=\\u0007",
    ] {
        let error =
            faults(&format!("{HEAD}[response.refused]\ncontent_type = \"{bad}\"\nbody = ''"));
        let [fault] = error.faults() else { panic!("{error}") };
        assert_eq!(fault.expected(), "expected a media type such as `application/json`", "{bad}");
    }
    let spaced = "[response.refused]\ncontent_type = \"text/plain; charset=utf-8\"\nbody = ''";
    assert!(Contract::parse(&format!("{HEAD}{spaced}")).is_ok());
    is_found_in_rule(
        "[response.refused]\ncontent_type = ¦\"text/plain\"",
        "content_type: found `text/plain`, expected a body beside it; without one the body is a \
         problem of RFC 9457",
    );
    is_found_in_rule(
        "[response.refused]\nstatus = ¦200",
        "status: found the integer 200, expected an integer from 400 to 599",
    );
}

#[test]
fn a_message_that_is_shown_must_be_there() {
    is_found_in_rule(
        "[response.refused]\nbody = '{\"a\":\"¦{rule.message}\"}'",
        "body: found `{rule.message}`, but no message in the rule `key`, expected message = \"...\" \
         in every rule it is for",
    );
    // A body may hold any text, a header field may not.
    let shown = "[response.refused]\nbody = '{\"a\":\"{rule.message}\"}'\n";
    assert!(Contract::parse(&format!("{HEAD}message = \"d\u{e9}bit\"\n{shown}")).is_ok());
    let field = "[response.refused.headers]\nWhy = \"{rule.message}\"";
    assert!(Contract::parse(&format!("{HEAD}message = \"too fast\"\n{field}")).is_ok());
    is_found_in_rule(
        &format!("message = ¦\"d\u{e9}bit\"\n{field}"),
        "message: found `d\u{e9}bit`, expected visible ASCII characters and spaces in a header field",
    );
}

#[test]
fn every_fault_of_a_file_is_told_at_once() {
    let error = faults(
        r#"
        name = "shop"
        [[rule]]
        name = "1st"
        limit = "600/fortnight"
        by = "nobody"
        [[rule]]
        name = "quiet"
        limit = "600/fortnight"
        by = "ip"
        [[rule]]
        name = "loud"
        limit = "600/min"
        by = "ip"
        message = 5
        [response.refused]
        body = '{"error":"{rule.message}"}'
        "#,
    );
    let told: Vec<_> = error.faults().iter().map(|fault| (fault.line(), fault.subject())).collect();
    let expected = [
        (4, "name"),
        (5, "limit"),
        (6, "by"),
        (9, "limit"),
        (15, "message"),
        (17, "body"),
        (17, "body"),
    ];
    assert_eq!(told, expected, "{error}");
    let without = |rule| format!("no message in the rule `{rule}`");
    for rule in ["1st", "quiet"] {
        assert!(error.to_string().contains(&without(rule)), "{error}");
    }
    assert!(!error.to_string().contains(&without("loud")), "{error}");
}

#[test]
fn what_is_no_toml_is_told_where_it_ends_to_be() {
    is_found(
        "name = \"shop¦",
        "TOML: found the end of the file, invalid basic string, expected `\"`",
    );
    is_found("name = \"shop\"\n¦name = \"b\"", "TOML: found `name = \"b\"`, duplicate key");
}

#[test]
fn columns_count_characters() {
    is_found(
        &HEAD
            .replace("\"shop\"", "\"caf\u{e9}\" \n\"\u{1F600}\" = ¦1")
            .replace("\"\u{1F600}\" = ¦", "¦\"\u{1F600}\" = "),
        "the contract: found the key `\u{1F600}`, expected one of `name`, `rule`, `response`, \
         `clients` or `request_id`",
    );
    let error = faults("\u{e9}\u{e9} x");
    assert!(error.faults()[0].column() <= 5, "{error}");
}

#[test]
fn a_byte_order_mark_is_no_column() {
    let error = faults(&format!("\u{feff}{}", HEAD.replace("name = \"shop\"", "nam = \"shop\"")));
    let places = error.faults().iter().map(|fault| (fault.line(), fault.column()));
    assert_eq!(places.collect::<Vec<_>>(), [(1, 1), (1, 1)], "{error}");
    let error = faults("name = \"\u{feff}\"\nx = 1");
    assert_eq!((error.faults()[0].line(), error.faults()[0].column()), (1, 1), "{error}");
}

#[test]
fn what_a_fault_repeats_of_the_file_is_short_and_printable() {
    for (len, shown) in [(40, "k".repeat(40)), (41, format!("{}...", "k".repeat(40)))] {
        let error = faults(&format!("{} = 1\n{HEAD}", "k".repeat(len)));
        assert_eq!(error.faults()[0].found(), format!("the key `{shown}`"));
        assert!(error.faults()[0].expected().starts_with("expected one of"), "{error}");
    }
    let long = "k".repeat(1_000);
    for text in [
        format!("\"a\\n\\u001b[2J\" = 1\n{HEAD}"),
        format!("{long} = 1\n{HEAD}"),
        HEAD.replace("600/min", "600/\\u001b"),
        format!("{HEAD}[response.always]\n\"a\\n{long}\" = 1"),
        format!("{HEAD}[response.always]\n\"a\\n{long}\" = \"{{limit}}\\u0007\""),
        format!("{HEAD}[response.refused]\ncontent_type = \"text/plain\"\nbody = \"{{{long}}}\""),
    ] {
        for fault in faults(&text).faults() {
            let line = fault.to_string();
            assert!(line.len() < 500, "{line}");
            assert!(!line.contains(char::is_control), "{line:?}");
        }
    }
}

#[test]
fn each_of_many_faults_has_its_own_place() {
    let keys: String = (0..2_000).map(|number| format!("\u{e9}\n  k{number} = 1\n")).collect();
    let keys = keys.replace('\u{e9}', "# \u{e9}");
    let error = faults(&format!("{keys}{HEAD}"));
    assert_eq!(error.to_string().lines().count(), 2_000, "a line each");
    let places = error.faults().iter().map(|fault| (fault.line(), fault.column()));
    assert!(places.eq((1..=2_000).map(|number| (2 * number, 3))), "{error}");
}

#[test]
fn a_field_of_the_connection_or_of_the_body_is_not_a_contracts_to_write() {
    for name in ["Connection", "Keep-Alive", "Upgrade", "TE", "Content-Encoding", "content-range"] {
        for table in ["[response.always]", "[response.refused.headers]"] {
            let error = faults(&format!("{HEAD}{table}\n{name} = \"x\""));
            let expected = "expected a field that neither `headers` nor the body brings";
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
