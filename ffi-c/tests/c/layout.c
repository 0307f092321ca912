/* Prints the size, the alignment and the offsets of every struct of the header, as abi.txt has
 * them. A struct that is missing here is missing there, which ffi-c/check looks for. */

#include <stddef.h>
#include <stdio.h>

#include "ratecell.h"

/* The alignment is where C99 puts the type behind a character. */
#define STRUCT(type) \
    do { \
        struct behind { \
            char before; \
            type object; \
        }; \
        printf(#type " size %zu align %zu\n", sizeof(type), offsetof(struct behind, object)); \
    } while (0)
#define FIELD(type, field) printf("  " #field " %zu\n", offsetof(type, field))

int main(void) {
    STRUCT(ratecell_error);
    FIELD(ratecell_error, struct_size);
    FIELD(ratecell_error, status);
    FIELD(ratecell_error, offset);
    FIELD(ratecell_error, line);
    FIELD(ratecell_error, column);
    FIELD(ratecell_error, message_len);
    FIELD(ratecell_error, message_cut);
    FIELD(ratecell_error, message);
    STRUCT(ratecell_options);
    FIELD(ratecell_options, struct_size);
    FIELD(ratecell_options, when_full);
    FIELD(ratecell_options, capacity);
    FIELD(ratecell_options, clock);
    FIELD(ratecell_options, clock_context);
    FIELD(ratecell_options, seed);
    STRUCT(ratecell_counts);
    FIELD(ratecell_counts, struct_size);
    FIELD(ratecell_counts, reserved);
    FIELD(ratecell_counts, slots);
    FIELD(ratecell_counts, keys);
    FIELD(ratecell_counts, inserted);
    FIELD(ratecell_counts, full_denied);
    FIELD(ratecell_counts, full_allowed);
    FIELD(ratecell_counts, stranded);
    STRUCT(ratecell_rule_decision);
    FIELD(ratecell_rule_decision, verdict);
    FIELD(ratecell_rule_decision, rule);
    FIELD(ratecell_rule_decision, limit);
    FIELD(ratecell_rule_decision, remaining);
    FIELD(ratecell_rule_decision, retry_after_ns);
    FIELD(ratecell_rule_decision, reset_after_ns);
    FIELD(ratecell_rule_decision, words);
    STRUCT(ratecell_decision);
    FIELD(ratecell_decision, struct_size);
    FIELD(ratecell_decision, verdict);
    FIELD(ratecell_decision, allowed);
    FIELD(ratecell_decision, rule);
    FIELD(ratecell_decision, limit);
    FIELD(ratecell_decision, remaining);
    FIELD(ratecell_decision, retry_after_ns);
    FIELD(ratecell_decision, reset_after_ns);
    FIELD(ratecell_decision, rules_len);
    FIELD(ratecell_decision, reserved);
    FIELD(ratecell_decision, rules);
    STRUCT(ratecell_key);
    FIELD(ratecell_key, dimension);
    FIELD(ratecell_key, data);
    FIELD(ratecell_key, len);
    STRUCT(ratecell_guard_options);
    FIELD(ratecell_guard_options, struct_size);
    FIELD(ratecell_guard_options, when_full);
    FIELD(ratecell_guard_options, capacity);
    FIELD(ratecell_guard_options, clock);
    FIELD(ratecell_guard_options, clock_context);
    FIELD(ratecell_guard_options, seed);
    FIELD(ratecell_guard_options, trusted_proxies);
    FIELD(ratecell_guard_options, trusted_proxies_len);
    FIELD(ratecell_guard_options, forwarded_field);
    FIELD(ratecell_guard_options, reserved);
    STRUCT(ratecell_rule_counts);
    FIELD(ratecell_rule_counts, struct_size);
    FIELD(ratecell_rule_counts, reserved);
    FIELD(ratecell_rule_counts, allowed);
    FIELD(ratecell_rule_counts, refused);
    FIELD(ratecell_rule_counts, would_have_refused);
    FIELD(ratecell_rule_counts, table);
    STRUCT(ratecell_header);
    FIELD(ratecell_header, name);
    FIELD(ratecell_header, value);
    FIELD(ratecell_header, value_len);
    STRUCT(ratecell_value);
    FIELD(ratecell_value, name);
    FIELD(ratecell_value, data);
    FIELD(ratecell_value, len);
    STRUCT(ratecell_own_limit);
    FIELD(ratecell_own_limit, rule);
    FIELD(ratecell_own_limit, text);
    FIELD(ratecell_own_limit, cap);
    FIELD(ratecell_own_limit, reserved);
    STRUCT(ratecell_request);
    FIELD(ratecell_request, struct_size);
    FIELD(ratecell_request, cost);
    FIELD(ratecell_request, method);
    FIELD(ratecell_request, path);
    FIELD(ratecell_request, peer);
    FIELD(ratecell_request, peer_len);
    FIELD(ratecell_request, headers);
    FIELD(ratecell_request, headers_len);
    FIELD(ratecell_request, header_function);
    FIELD(ratecell_request, header_context);
    FIELD(ratecell_request, values);
    FIELD(ratecell_request, values_len);
    FIELD(ratecell_request, limits);
    FIELD(ratecell_request, limits_len);
    STRUCT(ratecell_field);
    FIELD(ratecell_field, name);
    FIELD(ratecell_field, value);
    STRUCT(ratecell_response);
    FIELD(ratecell_response, struct_size);
    FIELD(ratecell_response, status);
    FIELD(ratecell_response, fields);
    FIELD(ratecell_response, fields_len);
    FIELD(ratecell_response, content_type);
    FIELD(ratecell_response, body);
    FIELD(ratecell_response, body_len);
    FIELD(ratecell_response, rule);
    FIELD(ratecell_response, retry_after_ns);
    FIELD(ratecell_response, request_id);
    FIELD(ratecell_response, would_refuse);
    FIELD(ratecell_response, would_refuse_len);
    STRUCT(ratecell_quota);
    FIELD(ratecell_quota, kind);
    FIELD(ratecell_quota, limit);
    FIELD(ratecell_quota, period_ns);
    FIELD(ratecell_quota, interval_ns);
    FIELD(ratecell_quota, burst);
    FIELD(ratecell_quota, segments);
    STRUCT(ratecell_tat);
    FIELD(ratecell_tat, word);
    STRUCT(ratecell_window);
    FIELD(ratecell_window, word);
    STRUCT(ratecell_held);
    FIELD(ratecell_held, word);
    STRUCT(ratecell_segment);
    FIELD(ratecell_segment, word);
    STRUCT(ratecell_table);
    FIELD(ratecell_table, opaque);
    return 0;
}
