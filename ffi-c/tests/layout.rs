//! The layout of every struct of the header, as `abi.txt` has it: sizes, alignments, offsets.
//!
//! `tests/c/layout.c` prints the same from the header. A change here breaks programs that were built
//! before; it needs a new soname.
#![cfg(target_pointer_width = "64")]

use core::mem::offset_of;
use std::fmt::Write as _;

use ratecell_c::*;

macro_rules! layout {
    ($($name:literal $type:ident { $($field:ident)* })*) => {{
        let mut text = String::new();
        $(
            let (size, align) = (size_of::<$type>(), align_of::<$type>());
            writeln!(text, "{} size {size} align {align}", $name).unwrap();
            $(writeln!(text, "  {} {}", stringify!($field), offset_of!($type, $field)).unwrap();)*
        )*
        text
    }};
}

#[test]
fn every_struct_is_laid_out_as_the_committed_table_says() {
    let text = layout! {
        "ratecell_error" Error { struct_size status offset line column message_len message_cut message }
        "ratecell_options" Options { struct_size when_full capacity clock clock_context seed }
        "ratecell_counts" Counts { struct_size reserved slots keys inserted full_denied full_allowed stranded }
        "ratecell_rule_decision" RuleDecision { verdict rule limit remaining retry_after_ns reset_after_ns words }
        "ratecell_decision" Decision { struct_size verdict allowed rule limit remaining retry_after_ns reset_after_ns rules_len reserved rules }
        "ratecell_key" KeyOf { dimension data len }
        "ratecell_guard_options" GuardOptions { struct_size when_full capacity clock clock_context seed trusted_proxies trusted_proxies_len forwarded_field reserved }
        "ratecell_rule_counts" RuleCounts { struct_size reserved allowed refused would_have_refused table }
        "ratecell_header" Header { name value value_len }
        "ratecell_value" Value { name data len }
        "ratecell_own_limit" OwnLimit { rule text cap reserved }
        "ratecell_request" Request { struct_size cost method path peer peer_len headers headers_len header_function header_context values values_len limits limits_len }
        "ratecell_field" Field { name value }
        "ratecell_response" Response { struct_size status fields fields_len content_type body body_len rule retry_after_ns request_id would_refuse would_refuse_len }
        "ratecell_quota" Quota { kind limit period_ns interval_ns burst segments }
        "ratecell_tat" Tat { word }
        "ratecell_window" Window { word }
        "ratecell_held" Held { word }
        "ratecell_segment" Segment { word }
        "ratecell_table" Table { opaque }
    };
    assert_eq!(text, include_str!("../abi.txt"));
}
