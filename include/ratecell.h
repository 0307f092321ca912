/* ratecell: one rate limiter for every language of a service.
 *
 * Three parts. The limiter: rules read from text, key tables on the heap and a clock, for programs
 * with an operating system. The guard: a contract file that says what an HTTP API publishes, held to
 * requests. The cells: single limits and key tables in memory of your own, with the
 * time passed in; no heap, clock, threads or system calls, so they fit a static, a signal handler,
 * an interrupt or shared memory. Define RATECELL_FREESTANDING to have the cells alone.
 *
 * A call returns 0 for success and a number below or above it for a failure; see ratecell_status.
 * A refusal by a limit is an answer and not a failure. Outputs are written on success only. All
 * times are nanoseconds. What each function needs is said with it in the same words:
 *   Threads   which calls may run at the same time
 *   Signals   whether a signal handler or an interrupt may call it
 *   Memory    whether it allocates
 *   Clock     whether it reads one
 *   NULL      what it does with a pointer that is NULL
 *   Failure   what has happened when it fails
 *   Since     the version that it came with
 * Beyond NULL, alignment, sizes, lengths and numbers no call can check a pointer: objects must be
 * there, and handles not destroyed yet.
 *
 * Made from the library's source: do not edit. License: MIT OR Apache-2.0. */

#ifndef RATECELL_H
#define RATECELL_H

#include <stddef.h>
#include <stdint.h>

#define RATECELL_VERSION_MAJOR 0
#define RATECELL_VERSION_MINOR 1
#define RATECELL_VERSION_PATCH 0

/* The library without an operating system has the cells alone. */
#if !defined(RATECELL_FREESTANDING)
#define RATECELL_HOSTED 1
#endif

/* The alignment of objects that the caller owns, whatever the ABI would give a uint64_t. */
#if defined(_MSC_VER)
#define RATECELL_ALIGNED(n) __declspec(align(n))
#else
#define RATECELL_ALIGNED(n) __attribute__((aligned(n)))
#endif

/* Quotas as constants, with the numbers that ratecell_quota_gcra and its like accept: what they
 * refuse is refused by each call that uses it. Each argument is evaluated more than once. */
#define RATECELL_QUOTA_GCRA(limit, period_ns, burst)                                               \
    {RATECELL_GCRA, (uint32_t)(limit), (uint64_t)(period_ns),                                      \
     (uint64_t)(period_ns) / (limit) + ((uint64_t)(period_ns) % (limit) != 0), (uint32_t)(burst), 0}
#define RATECELL_QUOTA_FIXED(limit, period_ns)                                                     \
    {RATECELL_FIXED, (uint32_t)(limit), (uint64_t)(period_ns), 0, 0, 0}
#define RATECELL_QUOTA_SLIDING(limit, period_ns, segments)                                         \
    {RATECELL_SLIDING, (uint32_t)(limit), (uint64_t)(period_ns), 0, 0, (uint32_t)(segments)}
#define RATECELL_QUOTA_CONCURRENCY(limit) {RATECELL_CONCURRENCY, (uint32_t)(limit), 0, 0, 0, 0}

/* Spans in nanoseconds. */
#define RATECELL_MILLISECONDS(n) ((uint64_t)(n)*1000000U)
#define RATECELL_SECONDS(n) ((uint64_t)(n)*1000000000U)
#define RATECELL_MINUTES(n) ((uint64_t)(n)*60000000000U)

/* The words of a sliding cell. */
#define RATECELL_SEGMENT_WORDS(segments) ((size_t)(segments) + 2)

/* What ratecell_table_size writes, as a constant: the bytes of a table for so many keys, from 1, of
 * a sliding quota with so many segments, or with 0 for segments of a quota of any other kind. */
#define RATECELL_TABLE_SIZE(segments, keys)                                                        \
    ((size_t)8 *                                                                                   \
     (16 + (((size_t)(keys) + ((size_t)(keys) + 3) / 4 + 7) / 8) *                                 \
               8 * ((segments) == 0 ? 2 : (size_t)(segments) + 3)))

/* Initial values: what a struct must hold before it is passed. */
#if defined(__cplusplus)
#define RATECELL_OPTIONS_INIT                                                                      \
    ratecell_options{sizeof(ratecell_options), RATECELL_WHEN_FULL_DENY, RATECELL_DEFAULT_CAPACITY, \
                     nullptr, nullptr, nullptr}
#define RATECELL_DECISION_INIT ratecell_decision{sizeof(ratecell_decision), 0, 0, 0, 0, 0, 0, 0, 0, 0, {}}
#define RATECELL_COUNTS_INIT ratecell_counts{sizeof(ratecell_counts), 0, 0, 0, 0, 0, 0, 0}
#define RATECELL_ERROR_INIT ratecell_error{sizeof(ratecell_error), 0, 0, 0, 0, 0, 0, {}}
#define RATECELL_GUARD_OPTIONS_INIT \
    ratecell_guard_options{sizeof(ratecell_guard_options), RATECELL_WHEN_FULL_DENY, \
     RATECELL_DEFAULT_CAPACITY, nullptr, nullptr, nullptr, nullptr, 0, \
     RATECELL_FORWARDED_EITHER, 0}
#define RATECELL_REQUEST_INIT \
    ratecell_request{sizeof(ratecell_request), 1, nullptr, nullptr, nullptr, 0, nullptr, 0, \
     nullptr, nullptr, nullptr, 0, nullptr, 0}
#define RATECELL_RESPONSE_INIT \
    ratecell_response{sizeof(ratecell_response), 0, nullptr, 0, nullptr, nullptr, 0, nullptr, 0, \
     nullptr, nullptr, 0}
#define RATECELL_RULE_COUNTS_INIT \
    ratecell_rule_counts{sizeof(ratecell_rule_counts), 0, 0, 0, 0, {sizeof(ratecell_counts), 0, \
     0, 0, 0, 0, 0, 0}}
#else
#define RATECELL_OPTIONS_INIT                                                                      \
    {sizeof(ratecell_options), RATECELL_WHEN_FULL_DENY, RATECELL_DEFAULT_CAPACITY, NULL, NULL, NULL}
#define RATECELL_DECISION_INIT {sizeof(ratecell_decision), 0, 0, 0, 0, 0, 0, 0, 0, 0, {{0, 0, 0, 0, 0, 0, {0}}}}
#define RATECELL_COUNTS_INIT {sizeof(ratecell_counts), 0, 0, 0, 0, 0, 0, 0}
#define RATECELL_ERROR_INIT {sizeof(ratecell_error), 0, 0, 0, 0, 0, 0, {0}}
#define RATECELL_GUARD_OPTIONS_INIT \
    {sizeof(ratecell_guard_options), RATECELL_WHEN_FULL_DENY, RATECELL_DEFAULT_CAPACITY, NULL, \
     NULL, NULL, NULL, 0, RATECELL_FORWARDED_EITHER, 0}
#define RATECELL_REQUEST_INIT \
    {sizeof(ratecell_request), 1, NULL, NULL, NULL, 0, NULL, 0, NULL, NULL, NULL, 0, NULL, 0}
#define RATECELL_RESPONSE_INIT \
    {sizeof(ratecell_response), 0, NULL, 0, NULL, NULL, 0, NULL, 0, NULL, NULL, 0}
#define RATECELL_RULE_COUNTS_INIT \
    {sizeof(ratecell_rule_counts), 0, 0, 0, 0, {sizeof(ratecell_counts), 0, 0, 0, 0, 0, 0, 0}}
#endif

/**
 * The bytes that a message takes at most, its NUL among them.
 */
#define RATECELL_MESSAGE_SIZE 480

/**
 * Stands for "none" or "unknown" where a span in nanoseconds is expected.
 */
#define RATECELL_UNKNOWN UINT64_MAX

/**
 * The units were taken.
 */
#define RATECELL_ALLOW 1

/**
 * Not now. Nothing was taken.
 */
#define RATECELL_DENY 2

/**
 * Not at any time: the cost is above the capacity. Nothing was taken.
 */
#define RATECELL_NEVER 3

/**
 * The table had no slot for a new key and is set to refuse then. Nothing was taken.
 */
#define RATECELL_FULL 4

#if defined(RATECELL_HOSTED)
/**
 * Stands for "no rule" where the position of a rule is expected.
 */
#define RATECELL_NO_RULE UINT32_MAX
#endif

#if defined(RATECELL_HOSTED)
/**
 * The most rules in a plan.
 */
#define RATECELL_MAX_RULES 8
#endif

#if defined(RATECELL_HOSTED)
/**
 * The keys that a limiter has room for if nobody says.
 */
#define RATECELL_DEFAULT_CAPACITY 65536
#endif

#if defined(RATECELL_HOSTED)
/**
 * The most keys that a call may bring.
 */
#define RATECELL_MAX_KEYS 16
#endif

#if defined(RATECELL_HOSTED)
/**
 * X-RateLimit-Limit: the capacity in units.
 */
#define RATECELL_HEADER_X_RATELIMIT_LIMIT 1
#endif

#if defined(RATECELL_HOSTED)
/**
 * X-RateLimit-Remaining: units left after the decision.
 */
#define RATECELL_HEADER_X_RATELIMIT_REMAINING 2
#endif

#if defined(RATECELL_HOSTED)
/**
 * X-RateLimit-Reset as Unix seconds.
 */
#define RATECELL_HEADER_X_RATELIMIT_RESET 4
#endif

#if defined(RATECELL_HOSTED)
/**
 * X-RateLimit-Reset as seconds from now; not with the one in Unix seconds.
 */
#define RATECELL_HEADER_X_RATELIMIT_RESET_AFTER 8
#endif

#if defined(RATECELL_HOSTED)
/**
 * Retry-After in seconds; written on refusals with a known wait only.
 */
#define RATECELL_HEADER_RETRY_AFTER 16
#endif

#if defined(RATECELL_HOSTED)
/**
 * X-Concurrency-Limit: how many requests may be in flight.
 */
#define RATECELL_HEADER_X_CONCURRENCY_LIMIT 32
#endif

#if defined(RATECELL_HOSTED)
/**
 * X-Concurrency-Running: how many are, after the decision.
 */
#define RATECELL_HEADER_X_CONCURRENCY_RUNNING 64
#endif

#if defined(RATECELL_HOSTED)
/**
 * RateLimit-Policy of the IETF's draft 11: every rule with its quota.
 */
#define RATECELL_HEADER_RATELIMIT_POLICY 128
#endif

#if defined(RATECELL_HOSTED)
/**
 * RateLimit of the IETF's draft 11: every rule with what is available.
 */
#define RATECELL_HEADER_RATELIMIT 256
#endif

#if defined(RATECELL_HOSTED)
/**
 * RateLimit-Limit of draft 6.
 */
#define RATECELL_HEADER_DRAFT_6_LIMIT 512
#endif

#if defined(RATECELL_HOSTED)
/**
 * RateLimit-Remaining of draft 6.
 */
#define RATECELL_HEADER_DRAFT_6_REMAINING 1024
#endif

#if defined(RATECELL_HOSTED)
/**
 * RateLimit-Reset of draft 6, in seconds from now.
 */
#define RATECELL_HEADER_DRAFT_6_RESET 2048
#endif

#if defined(RATECELL_HOSTED)
/**
 * RateLimit of draft 7: limit, remaining and reset in one; not with that of draft 11.
 */
#define RATECELL_HEADER_DRAFT_7 4096
#endif

#if defined(RATECELL_HOSTED)
/**
 * The three X-RateLimit fields, with the reset as Unix seconds.
 */
#define RATECELL_HEADERS_X_RATELIMIT 7
#endif

#if defined(RATECELL_HOSTED)
/**
 * Both X-Concurrency fields.
 */
#define RATECELL_HEADERS_X_CONCURRENCY 96
#endif

#if defined(RATECELL_HOSTED)
/**
 * Both fields of draft 11.
 */
#define RATECELL_HEADERS_DRAFT_11 384
#endif

#if defined(RATECELL_HOSTED)
/**
 * The three fields of draft 6.
 */
#define RATECELL_HEADERS_DRAFT_6 3584
#endif

#if defined(RATECELL_HOSTED)
/**
 * The trusted proxies write X-Forwarded-For or Forwarded; if both are there and do not agree, the
 * connection's address counts.
 */
#define RATECELL_FORWARDED_EITHER 1
#endif

#if defined(RATECELL_HOSTED)
/**
 * The trusted proxies write X-Forwarded-For.
 */
#define RATECELL_FORWARDED_X_FORWARDED_FOR 2
#endif

#if defined(RATECELL_HOSTED)
/**
 * The trusted proxies write Forwarded.
 */
#define RATECELL_FORWARDED_FORWARDED 3
#endif

#if defined(RATECELL_HOSTED)
/**
 * The rules that are held before anybody knows whose request it is.
 */
#define RATECELL_STAGE_BEFORE_AUTH 1
#endif

#if defined(RATECELL_HOSTED)
/**
 * The rules that are held once it is known whose request it is.
 */
#define RATECELL_STAGE_AFTER_AUTH 2
#endif

#if defined(RATECELL_HOSTED)
/**
 * Both stages, one after the other.
 */
#define RATECELL_STAGE_WHOLE 3
#endif

/**
 * One unit comes back each period / limit, at most a burst at once.
 */
#define RATECELL_GCRA 1

/**
 * A count for each window of one period, aligned to the clock.
 */
#define RATECELL_FIXED 2

/**
 * A count that holds in every span of one period.
 */
#define RATECELL_SLIDING 3

/**
 * Permits held at once.
 */
#define RATECELL_CONCURRENCY 4

/**
 * Refuse a new key that finds no slot, with the verdict RATECELL_FULL.
 */
#define RATECELL_WHEN_FULL_DENY 1

/**
 * Allow a new key that finds no slot, uncharged. It then has nothing to give back.
 */
#define RATECELL_WHEN_FULL_ALLOW 2

/**
 * The bytes of a seed.
 */
#define RATECELL_SEED_SIZE 16

#if defined(RATECELL_HOSTED)
/**
 * A contract with its limiters and clock: what a service asks on every request.
 */
typedef struct ratecell_guard ratecell_guard;
#endif

#if defined(RATECELL_HOSTED)
/**
 * Rules, their key tables and a clock: what a service asks on every request.
 */
typedef struct ratecell_limiter ratecell_limiter;
#endif

#if defined(RATECELL_HOSTED)
/**
 * What a request holds until ratecell_outcome_release: its permits, and the texts of its response.
 */
typedef struct ratecell_outcome ratecell_outcome;
#endif

#if defined(RATECELL_HOSTED)
/**
 * What an allowed call holds of concurrency rules, until ratecell_permit_release.
 */
typedef struct ratecell_permit ratecell_permit;
#endif

#if defined(RATECELL_HOSTED)
/**
 * Rules that stand in for a limiter's for single calls, by position.
 */
typedef struct ratecell_rules ratecell_rules;
#endif

/**
 * What a call returns: 0 is success, a negative number is a mistake of the caller's, a positive
 * one is neither's fault. A number never changes its meaning. A refusal by a limit is no failure:
 * it is RATECELL_OK with a decision that says so.
 */
typedef int32_t ratecell_status;

/**
 * What is wrong, and where. Set struct_size before it is passed, by RATECELL_ERROR_INIT.
 */
typedef struct RATECELL_ALIGNED(8) ratecell_error {
    /**
     * sizeof(ratecell_error), set by the caller.
     */
    uint32_t struct_size;
    /**
     * What the call returned.
     */
    ratecell_status status;
    /**
     * The byte of the text that is wrong, from 0, its length if something is missing at its end;
     * RATECELL_UNKNOWN if no text is.
     */
    uint64_t offset;
    /**
     * The line of a contract that is wrong, from 1; 0 if none is.
     */
    uint32_t line;
    /**
     * The column of that line in characters, from 1; 0 if no line is wrong.
     */
    uint32_t column;
    /**
     * The bytes of message before its NUL.
     */
    uint32_t message_len;
    /**
     * 1 if the message was longer than there is room, and is cut after a whole character.
     */
    uint32_t message_cut;
    /**
     * A sentence in UTF-8 that ends in NUL: which argument, what was found, what is accepted.
     */
    char message[RATECELL_MESSAGE_SIZE];
} ratecell_error;

#if defined(RATECELL_HOSTED)
/**
 * A clock: the time in nanoseconds, on any base, below 2^63. It may be called on any thread, on
 * several at once, and must return; it must not throw, jump out or call this library with the same
 * limiter.
 */
typedef uint64_t (*ratecell_clock)(void *context);
#endif

#if defined(RATECELL_HOSTED)
/**
 * How a limiter is made. Start from RATECELL_OPTIONS_INIT, which sets struct_size.
 */
typedef struct RATECELL_ALIGNED(8) ratecell_options {
    /**
     * sizeof(ratecell_options), set by the caller.
     */
    uint32_t struct_size;
    /**
     * What to do with a new key when there is no room: RATECELL_WHEN_FULL_DENY or
     * RATECELL_WHEN_FULL_ALLOW.
     */
    uint32_t when_full;
    /**
     * For how many keys each rule has room at once, from 1. It takes 32 bytes a key, and 170 for a
     * sliding rule of 14 segments. Keys whose limit is as good as new take no room.
     */
    uint64_t capacity;
    /**
     * The clock; NULL for the system's: monotonic, in nanoseconds since 1970 as the wall clock
     * stood when the limiter was made.
     */
    ratecell_clock clock;
    /**
     * What the clock function is called with; any value, NULL too.
     */
    void *clock_context;
    /**
     * RATECELL_SEED_SIZE secret bytes that keys are hashed with, copied; NULL to draw them from the
     * system.
     */
    const uint8_t *seed;
} ratecell_options;
#endif

/**
 * What a table has counted. Set struct_size before each call, by RATECELL_COUNTS_INIT.
 */
typedef struct RATECELL_ALIGNED(8) ratecell_counts {
    /**
     * sizeof(ratecell_counts), set by the caller.
     */
    uint32_t struct_size;
    /**
     * Always 0.
     */
    uint32_t reserved;
    /**
     * Slots in all.
     */
    uint64_t slots;
    /**
     * Slots that have a key, those as good as new among them.
     */
    uint64_t keys;
    /**
     * Keys that were given a slot so far.
     */
    uint64_t inserted;
    /**
     * Calls refused because no slot was in reach.
     */
    uint64_t full_denied;
    /**
     * Calls allowed uncharged because no slot was in reach.
     */
    uint64_t full_allowed;
    /**
     * Charges that had to stay although their call was refused or tried again.
     */
    uint64_t stranded;
} ratecell_counts;

/**
 * What one rule or cell answers.
 *
 * Of an allowed call the numbers hold after it, of a refused one as if it had not been made.
 */
typedef struct RATECELL_ALIGNED(8) ratecell_rule_decision {
    /**
     * RATECELL_ALLOW, RATECELL_DENY, RATECELL_NEVER or RATECELL_FULL; never 0.
     */
    uint32_t verdict;
    /**
     * The position of the rule in its plan, from 0; 0 for a cell or a table.
     */
    uint32_t rule;
    /**
     * The capacity in units: the limit, or the burst of a gcra rule.
     */
    uint32_t limit;
    /**
     * The largest cost that would be allowed right now; rounded down.
     */
    uint32_t remaining;
    /**
     * The smallest wait in nanoseconds after which the same call would pass if nobody else called,
     * exact: 0 when allowed, RATECELL_UNKNOWN when no wait helps or nobody can know it.
     */
    uint64_t retry_after_ns;
    /**
     * The wait in nanoseconds until the cell is as good as new if nobody calls; RATECELL_UNKNOWN
     * for concurrency.
     */
    uint64_t reset_after_ns;
    /**
     * For ratecell_headers and its like; not to be read or written.
     */
    uint64_t words[5];
} ratecell_rule_decision;

#if defined(RATECELL_HOSTED)
/**
 * What a limiter answers. Its numbers are those of the governing rule: of a refused call the one
 * that refuses longest, of an allowed one the one with the smallest share left.
 *
 * Set struct_size before each call, by RATECELL_DECISION_INIT.
 */
typedef struct RATECELL_ALIGNED(8) ratecell_decision {
    /**
     * sizeof(ratecell_decision), set by the caller.
     */
    uint32_t struct_size;
    /**
     * RATECELL_ALLOW, RATECELL_DENY, RATECELL_NEVER or RATECELL_FULL; never 0.
     */
    uint32_t verdict;
    /**
     * 1 if the units were taken, else 0.
     */
    uint32_t allowed;
    /**
     * The position of the governing rule in the plan, from 0; RATECELL_NO_RULE if no rule applies
     * to the keys given. The call is allowed then, and limit, remaining and retry_after_ns are 0.
     */
    uint32_t rule;
    /**
     * The capacity in units: the limit, or the burst of a gcra rule.
     */
    uint32_t limit;
    /**
     * The largest cost that the governing rule would allow right now; rounded down.
     */
    uint32_t remaining;
    /**
     * The smallest wait in nanoseconds after which the same call would pass if nobody else called,
     * exact: 0 when allowed, RATECELL_UNKNOWN when no wait helps or nobody can know it.
     */
    uint64_t retry_after_ns;
    /**
     * The wait in nanoseconds until the governing rule is as good as new if nobody calls;
     * RATECELL_UNKNOWN for concurrency and if no rule applies.
     */
    uint64_t reset_after_ns;
    /**
     * How many entries of rules are written.
     */
    uint32_t rules_len;
    /**
     * Always 0.
     */
    uint32_t reserved;
    /**
     * Each applied rule's own answer, in the order of the plan; of a refused call what the rule
     * would have answered, uncharged. Entries from rules_len on are not written.
     */
    struct ratecell_rule_decision rules[RATECELL_MAX_RULES];
} ratecell_decision;
#endif

#if defined(RATECELL_HOSTED)
/**
 * A key of one dimension: whom a limit is counted by. Nothing of it is kept after the call.
 */
typedef struct ratecell_key {
    /**
     * What it is a key of, as in "by ip": a text that ends in NUL. NULL only if the call brings no
     * other key: it is then for the dimension "key", or the only one that the rules have.
     */
    const char *dimension;
    /**
     * Its bytes; not NULL even if there are none.
     */
    const void *data;
    /**
     * How many bytes it has.
     */
    size_t len;
} ratecell_key;
#endif

#if defined(RATECELL_HOSTED)
/**
 * How a guard is made. Start from RATECELL_GUARD_OPTIONS_INIT, which sets struct_size.
 */
typedef struct RATECELL_ALIGNED(8) ratecell_guard_options {
    /**
     * sizeof(ratecell_guard_options), set by the caller.
     */
    uint32_t struct_size;
    /**
     * As in ratecell_options.
     */
    uint32_t when_full;
    /**
     * As in ratecell_options.
     */
    uint64_t capacity;
    /**
     * As in ratecell_options; it must give Unix time if responses show a reset as Unix seconds, or
     * if fixed windows are to fall on wall-clock minutes.
     */
    ratecell_clock clock;
    /**
     * As in ratecell_options.
     */
    void *clock_context;
    /**
     * As in ratecell_options.
     */
    const uint8_t *seed;
    /**
     * Networks such as "10.0.0.0/8" and addresses of proxies whose word is taken for where a request
     * comes from, and "unix:" for whoever connects without an address, as through a Unix socket.
     * Each of these proxies must write the field of forwarded_field. NULL for none.
     */
    const char *const *trusted_proxies;
    /**
     * How many there are.
     */
    size_t trusted_proxies_len;
    /**
     * In which field they write: RATECELL_FORWARDED_EITHER and its like.
     */
    uint32_t forwarded_field;
    /**
     * Always 0.
     */
    uint32_t reserved;
} ratecell_guard_options;
#endif

#if defined(RATECELL_HOSTED)
/**
 * What a rule of a contract has counted. Set struct_size before each call, by
 * RATECELL_RULE_COUNTS_INIT.
 */
typedef struct RATECELL_ALIGNED(8) ratecell_rule_counts {
    /**
     * sizeof(ratecell_rule_counts), set by the caller.
     */
    uint32_t struct_size;
    /**
     * Always 0.
     */
    uint32_t reserved;
    /**
     * Requests that it was charged for.
     */
    uint64_t allowed;
    /**
     * Requests that it refused, as the governing rule.
     */
    uint64_t refused;
    /**
     * Requests that it would have refused, were it enforced.
     */
    uint64_t would_have_refused;
    /**
     * What its key table has counted.
     */
    struct ratecell_counts table;
} ratecell_rule_counts;
#endif

#if defined(RATECELL_HOSTED)
/**
 * A header field of a request; a name that comes several times is given several times.
 */
typedef struct ratecell_header {
    /**
     * Its name, in any case; ends in NUL.
     */
    const char *name;
    /**
     * The bytes of its value.
     */
    const void *value;
    /**
     * How many there are.
     */
    size_t value_len;
} ratecell_header;
#endif

#if defined(RATECELL_HOSTED)
/**
 * What a header function calls once for each value, in order; len bytes that stay where they are
 * until ratecell_admit returns.
 */
typedef void (*ratecell_header_visit)(void *state, const void *value, size_t len);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Finds the values of the header field called name, which is in small letters and ends in NUL, and
 * calls visit with state and each of them. It must return; it must not throw or jump out.
 */
typedef void (*ratecell_header_function)(void *context,
                                         const char *name,
                                         ratecell_header_visit visit,
                                         void *state);
#endif

#if defined(RATECELL_HOSTED)
/**
 * What the service has worked out about a request: the key of rules with by = "value:NAME", or
 * "request_id".
 */
typedef struct ratecell_value {
    /**
     * NAME; ends in NUL.
     */
    const char *name;
    /**
     * Its bytes.
     */
    const void *data;
    /**
     * How many there are.
     */
    size_t len;
} ratecell_value;
#endif

#if defined(RATECELL_HOSTED)
/**
 * A caller's own limit in place of a rule's.
 */
typedef struct ratecell_own_limit {
    /**
     * The name of the rule; ends in NUL.
     */
    const char *rule;
    /**
     * The text of the limit, such as "sliding 1200/min segments 62", of the rule's kind, period and
     * segments; NULL to change only the number, to cap.
     */
    const char *text;
    /**
     * Units a period, or permits, if text is NULL.
     */
    uint32_t cap;
    /**
     * Always 0.
     */
    uint32_t reserved;
} ratecell_own_limit;
#endif

#if defined(RATECELL_HOSTED)
/**
 * A request, as far as a contract may look at it. Start from RATECELL_REQUEST_INIT, which sets
 * struct_size and cost. All that it points to stays where it is until ratecell_admit returns.
 */
typedef struct RATECELL_ALIGNED(8) ratecell_request {
    /**
     * sizeof(ratecell_request), set by the caller.
     */
    uint32_t struct_size;
    /**
     * What the request costs in units of every rule that applies, usually 1.
     */
    uint32_t cost;
    /**
     * The method as it was sent; ends in NUL.
     */
    const char *method;
    /**
     * The path as it was sent, a query passed over; ends in NUL.
     */
    const char *path;
    /**
     * The address that the connection comes from, in network order; NULL if it has none.
     */
    const uint8_t *peer;
    /**
     * 4 or 16, the bytes of peer; 0 if it is NULL.
     */
    size_t peer_len;
    /**
     * The header fields; NULL if there are none or header_function finds them.
     */
    const struct ratecell_header *headers;
    /**
     * How many there are.
     */
    size_t headers_len;
    /**
     * Finds header fields if headers is NULL; NULL for none.
     */
    ratecell_header_function header_function;
    /**
     * What header_function is called with.
     */
    void *header_context;
    /**
     * What the service has worked out; NULL for nothing.
     */
    const struct ratecell_value *values;
    /**
     * How many there are.
     */
    size_t values_len;
    /**
     * This caller's own limits; NULL for none.
     */
    const struct ratecell_own_limit *limits;
    /**
     * How many there are.
     */
    size_t limits_len;
} ratecell_request;
#endif

#if defined(RATECELL_HOSTED)
/**
 * A header field of a response. Both texts end in NUL.
 */
typedef struct ratecell_field {
    /**
     * Its name, as published.
     */
    const char *name;
    /**
     * Its value.
     */
    const char *value;
} ratecell_field;
#endif

#if defined(RATECELL_HOSTED)
/**
 * What a response must carry. Set struct_size before each call, by RATECELL_RESPONSE_INIT. All
 * that it points to is valid until the outcome is released. Texts end in NUL.
 */
typedef struct RATECELL_ALIGNED(8) ratecell_response {
    /**
     * sizeof(ratecell_response), set by the caller.
     */
    uint32_t struct_size;
    /**
     * 0 if the request passes, else the HTTP status of the refusal, 400 to 599.
     */
    uint32_t status;
    /**
     * The header fields, to be set in place of what the response carried under these names.
     */
    const struct ratecell_field *fields;
    /**
     * How many there are.
     */
    size_t fields_len;
    /**
     * The media type of a refusal's body; NULL if the request passes.
     */
    const char *content_type;
    /**
     * A refusal's body; NULL if the request passes.
     */
    const char *body;
    /**
     * How many bytes it has, without its NUL.
     */
    size_t body_len;
    /**
     * The name of the rule that refuses; NULL if the request passes.
     */
    const char *rule;
    /**
     * The smallest wait in nanoseconds after which the stage that refuses would let the same request
     * pass if nobody else came: 0 if it passes, RATECELL_UNKNOWN if nobody can know it or no wait
     * helps.
     */
    uint64_t retry_after_ns;
    /**
     * The id of the request if the contract shows it, else NULL.
     */
    const char *request_id;
    /**
     * The names of the rules of a dry run that would have refused the request.
     */
    const char *const *would_refuse;
    /**
     * How many there are.
     */
    size_t would_refuse_len;
} ratecell_response;
#endif

/**
 * A limit: plain numbers, checked whenever they are used.
 *
 * Made by ratecell_quota_gcra and its like, by ratecell_quota_parse, or as a constant by
 * RATECELL_QUOTA_GCRA and its like. Copy it as you like; threads may share it.
 */
typedef struct RATECELL_ALIGNED(8) ratecell_quota {
    /**
     * RATECELL_GCRA, RATECELL_FIXED, RATECELL_SLIDING or RATECELL_CONCURRENCY.
     */
    uint32_t kind;
    /**
     * Units a period, or permits at once; from 1.
     */
    uint32_t limit;
    /**
     * The period in nanoseconds, 1 ms to 366 days; 0 for concurrency.
     */
    uint64_t period_ns;
    /**
     * Of gcra the nanoseconds between two units: period_ns / limit, rounded up. Else 0.
     */
    uint64_t interval_ns;
    /**
     * Of gcra the units at once, from 1. Else 0.
     */
    uint32_t burst;
    /**
     * Of sliding the number of segments, 1 to 62. Else 0.
     */
    uint32_t segments;
} ratecell_quota;

/**
 * A gcra cell. Zeros are a cell that has counted nothing; only calls of this library touch it.
 */
typedef struct RATECELL_ALIGNED(8) ratecell_tat {
    /**
     * The state; not to be written.
     */
    uint64_t word;
} ratecell_tat;

/**
 * A fixed-window cell. Zeros are a cell that has counted nothing; only calls of this library
 * touch it.
 */
typedef struct RATECELL_ALIGNED(8) ratecell_window {
    /**
     * The state; not to be written.
     */
    uint64_t word;
} ratecell_window;

/**
 * A concurrency cell. Zeros are a cell of which nothing is held; only calls of this library touch
 * it.
 */
typedef struct RATECELL_ALIGNED(8) ratecell_held {
    /**
     * The state; not to be written.
     */
    uint64_t word;
} ratecell_held;

/**
 * A word of a sliding cell, which takes segments + 2 of them in a row. Zeros are a cell that has
 * counted nothing; only calls of this library touch it.
 */
typedef struct RATECELL_ALIGNED(8) ratecell_segment {
    /**
     * A part of the state; not to be written.
     */
    uint64_t word;
} ratecell_segment;

/**
 * A key table's handle, in memory of the caller's: made by ratecell_table_init or
 * ratecell_table_attach, never copied or moved, and of no use to another process.
 *
 * It needs no clean-up: when no call uses it any more its memory may be used for something else.
 */
typedef struct RATECELL_ALIGNED(8) ratecell_table {
    /**
     * Not to be touched.
     */
    uint64_t opaque[16];
} ratecell_table;

/**
 * The call has done what it says.
 */
#define RATECELL_OK 0

/**
 * The system has no memory for it.
 */
#define RATECELL_OUT_OF_MEMORY 1

/**
 * A defect of this library was met and contained. Please report it.
 */
#define RATECELL_INTERNAL 2

/**
 * A pointer is NULL.
 */
#define RATECELL_NULL -1

/**
 * A pointer is not aligned as its type needs it.
 */
#define RATECELL_MISALIGNED -2

/**
 * struct_size is not the size of that struct in this version or an earlier one.
 */
#define RATECELL_STRUCT_SIZE -3

/**
 * A length, a count or a position is beyond what is accepted.
 */
#define RATECELL_LENGTH -4

/**
 * A number is none of those that have a meaning there.
 */
#define RATECELL_NUMBER -5

/**
 * A text is not UTF-8.
 */
#define RATECELL_UTF8 -6

/**
 * An object was not made by its init function or macro, or was overwritten since.
 */
#define RATECELL_NOT_INITIALIZED -7

/**
 * A text is no rule or plan; the error says at which byte.
 */
#define RATECELL_TEXT -8

/**
 * The capacity is 0. Room for no key is a mistake, never "unlimited".
 */
#define RATECELL_CAPACITY -9

/**
 * The memory given is too small for a table.
 */
#define RATECELL_TOO_SMALL -10

/**
 * The memory given, or the number of keys, is too large for a table.
 */
#define RATECELL_TOO_LARGE -11

/**
 * The memory to attach to was never made a table.
 */
#define RATECELL_NOT_A_TABLE -12

/**
 * The memory to attach to is a table of another kind, period, segments or version.
 */
#define RATECELL_OTHER_LAYOUT -13

/**
 * A key was given without its dimension, and the plan counts by several, none called "key".
 */
#define RATECELL_DIMENSION_MISSING -14

/**
 * Two keys were given for one dimension.
 */
#define RATECELL_DIMENSION_TWICE -15

/**
 * The other rules for a call cannot stand in for the plan's.
 */
#define RATECELL_OTHER_RULES -16

/**
 * More permits were given back than are held; nothing was given back.
 */
#define RATECELL_RELEASE -17

/**
 * The quota is of another kind than the cell.
 */
#define RATECELL_KIND -18

/**
 * A limit of 0.
 */
#define RATECELL_ZERO_LIMIT -19

/**
 * A burst of 0.
 */
#define RATECELL_ZERO_BURST -20

/**
 * A period outside 1 ms to 366 days.
 */
#define RATECELL_PERIOD -21

/**
 * A limit too large for the kind and period.
 */
#define RATECELL_LIMIT -22

/**
 * A gcra rate that whole nanoseconds between units would lower by over 1 %.
 */
#define RATECELL_RATE -23

/**
 * A gcra burst that takes over 2^62 ns to come back.
 */
#define RATECELL_BURST -24

/**
 * A number of segments outside 1 to 62.
 */
#define RATECELL_SEGMENTS -25

/**
 * The text of a contract is wrong; the error says in which line and column.
 */
#define RATECELL_CONTRACT -26

/**
 * A file cannot be read.
 */
#define RATECELL_FILE -27

/**
 * A limit that a request brings is for no rule of the contract, or cannot stand in for the rule's.
 */
#define RATECELL_REQUEST -28

/**
 * A text is no network such as "10.0.0.0/8", no address, and not "unix:".
 */
#define RATECELL_NETWORK -29

/**
 * A mistake that has no number of its own; the error says what it is.
 */
#define RATECELL_INVALID -127

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

#if defined(RATECELL_CRITICAL_SECTION)
/**
 * To be provided by the application, if the library is made with the feature
 * "critical-section": keeps everything else that uses this library from running, other cores
 * included, until ratecell_critical_exit, and returns what that has to restore. Sections may
 * nest. On one core: read whether interrupts are enabled, disable them, return what was read.
 */
extern uint32_t ratecell_critical_enter(void);
#endif

#if defined(RATECELL_CRITICAL_SECTION)
/**
 * To be provided by the application: ends the section whose ratecell_critical_enter has
 * returned state, by restoring it.
 */
extern void ratecell_critical_exit(uint32_t state);
#endif

/**
 * A sentence that says what a status means, for any number: never NULL, never freed.
 *
 * Threads: any. Signals: safe. Memory: allocates nothing. Clock: not read. NULL: no pointer
 * taken. Failure: none. Since 0.1.
 */
const char *ratecell_status_text(ratecell_status status);

#if defined(RATECELL_HOSTED)
/**
 * Writes what was wrong with this thread's last call of the limiter level that failed: the calls
 * that take a ratecell_limiter or make one. Its status is RATECELL_OK if none has failed yet.
 *
 * A call that succeeds leaves it as it is, so ask only after one that failed.
 *
 * Fails with RATECELL_STRUCT_SIZE.
 *
 * Threads: any; each has its own. Signals: not safe. Memory: allocates nothing. Clock: not read.
 * NULL: RATECELL_NULL. Failure: nothing is written, and the last error stays. Since 0.1.
 */
ratecell_status ratecell_last_error(struct ratecell_error *error);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Makes a limiter from the text of its rules, such as
 * "ip: fixed 300/min by ip; key: sliding 600/min; inflight: concurrency 8".
 *
 * All memory that it ever needs is taken here. options NULL is RATECELL_OPTIONS_INIT.
 *
 * Fails with RATECELL_TEXT (ratecell_last_error has the byte), RATECELL_UTF8, RATECELL_CAPACITY,
 * RATECELL_TOO_LARGE, RATECELL_NUMBER for another when_full, RATECELL_STRUCT_SIZE or
 * RATECELL_OUT_OF_MEMORY.
 *
 * Threads: any, at once. Signals: not safe. Memory: allocates. Clock: not read, but the system's
 * is measured for some milliseconds the first time. NULL: RATECELL_NULL for text and limiter.
 * Failure: nothing is made or written. Since 0.1.
 */
ratecell_status ratecell_limiter_create(const char *text,
                                        const struct ratecell_options *options,
                                        struct ratecell_limiter **limiter);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Ends a limiter. Permits that are still held stay valid and keep its memory until they are
 * released.
 *
 * Threads: no other call may use the limiter meanwhile or later. Signals: not safe. Memory: gives
 * it back. Clock: not read; its function is called no more once the last permit is released.
 * NULL: does nothing. Failure: none. Since 0.1.
 */
void ratecell_limiter_destroy(struct ratecell_limiter *limiter);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Writes the number of rules of a limiter, 1 to RATECELL_MAX_RULES.
 *
 * Threads: any, at once. Signals: not safe. Memory: allocates nothing. Clock: not read. NULL:
 * RATECELL_NULL. Failure: nothing is written. Since 0.1.
 */
ratecell_status ratecell_rule_count(const struct ratecell_limiter *limiter, uint32_t *count);
#endif

#if defined(RATECELL_HOSTED)
/**
 * The name of the rule at a position, as in a decision; NULL for RATECELL_NO_RULE, another
 * position that no rule has, and for a limiter that is NULL. It is valid as long as the limiter.
 *
 * Threads: any, at once. Signals: safe. Memory: allocates nothing. Clock: not read. NULL: returns
 * NULL. Failure: returns NULL. Since 0.1.
 */
const char *ratecell_rule_name(const struct ratecell_limiter *limiter, uint32_t rule);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Writes the rules of a limiter as text, every name, kind, option and dimension written out, which
 * makes the same rules again. By the rules of snprintf: see ratecell_explain.
 *
 * Threads: any, at once. Signals: not safe. Memory: allocates nothing. Clock: not read. NULL:
 * RATECELL_NULL for limiter and length; buffer may be NULL if size is 0. Failure: nothing is
 * written. Since 0.1.
 */
ratecell_status ratecell_rules_text(const struct ratecell_limiter *limiter,
                                    char *buffer,
                                    size_t size,
                                    size_t *length);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Writes the time by a limiter's clock, in nanoseconds.
 *
 * Threads: any, at once. Signals: not safe. Memory: allocates nothing. Clock: read once. NULL:
 * RATECELL_NULL. Failure: nothing is written. Since 0.1.
 */
ratecell_status ratecell_now(const struct ratecell_limiter *limiter, uint64_t *now_ns);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Writes what the table of the rule at a position has counted so far. The counters wrap at 2^64.
 *
 * Fails with RATECELL_LENGTH for a position that no rule has, or RATECELL_STRUCT_SIZE.
 *
 * Threads: any, at once. Signals: not safe. Memory: allocates nothing. Clock: not read. NULL:
 * RATECELL_NULL. Failure: nothing is written. Since 0.1.
 */
ratecell_status ratecell_stats(const struct ratecell_limiter *limiter,
                               uint32_t rule,
                               struct ratecell_counts *counts);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Takes cost units of every rule that a key applies to, or of none; a cost of 0 takes nothing.
 *
 * The key is for the dimension "key", or the only one that the rules have. Permits of concurrency
 * rules stay taken until ratecell_release; ratecell_hold keeps an account of them instead.
 *
 * Fails with RATECELL_DIMENSION_MISSING, RATECELL_LENGTH or RATECELL_STRUCT_SIZE. That a limit
 * refuses is no failure: look at decision->allowed.
 *
 * Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: read once.
 * NULL: RATECELL_NULL. Failure: nothing is taken or written. Since 0.1.
 */
ratecell_status ratecell_acquire(const struct ratecell_limiter *limiter,
                                 const void *key,
                                 size_t key_len,
                                 uint32_t cost,
                                 struct ratecell_decision *decision);
#endif

#if defined(RATECELL_HOSTED)
/**
 * As ratecell_acquire with a key for each dimension the call has, count in all, up to
 * RATECELL_MAX_KEYS. A rule of another dimension is skipped; a key of one that no rule counts by
 * is passed over.
 *
 * Fails with RATECELL_DIMENSION_TWICE, RATECELL_UTF8 for a dimension, or as ratecell_acquire.
 *
 * Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: read once.
 * NULL: RATECELL_NULL. Failure: nothing is taken or written. Since 0.1.
 */
ratecell_status ratecell_acquire_keys(const struct ratecell_limiter *limiter,
                                      const struct ratecell_key *keys,
                                      size_t count,
                                      uint32_t cost,
                                      struct ratecell_decision *decision);
#endif

#if defined(RATECELL_HOSTED)
/**
 * As ratecell_acquire_keys at a time of the caller's: nanoseconds on the base of the limiter's
 * clock, below 2^63. On the state that a key has, a late or stepped-back time never gets more than
 * the true one would; what it takes comes back as much sooner.
 *
 * Fails as ratecell_acquire_keys does.
 *
 * Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: not read.
 * NULL: RATECELL_NULL. Failure: nothing is taken or written. Since 0.1.
 */
ratecell_status ratecell_acquire_at(const struct ratecell_limiter *limiter,
                                    uint64_t now_ns,
                                    const struct ratecell_key *keys,
                                    size_t count,
                                    uint32_t cost,
                                    struct ratecell_decision *decision);
#endif

#if defined(RATECELL_HOSTED)
/**
 * As ratecell_acquire_keys under other rules for this call, such as a customer's own cap. The
 * keys' state stays as it is: a raised rate never applies to the past.
 *
 * Fails with RATECELL_OTHER_RULES for rules that cannot stand in, or as ratecell_acquire_keys.
 *
 * Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: read once.
 * NULL: RATECELL_NULL. Failure: nothing is taken or written. Since 0.1.
 */
ratecell_status ratecell_acquire_with(const struct ratecell_limiter *limiter,
                                      const ratecell_rules *rules,
                                      const struct ratecell_key *keys,
                                      size_t count,
                                      uint32_t cost,
                                      struct ratecell_decision *decision);
#endif

#if defined(RATECELL_HOSTED)
/**
 * As ratecell_acquire_with at a time of the caller's: see ratecell_acquire_at.
 *
 * Fails as ratecell_acquire_with does.
 *
 * Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: not read.
 * NULL: RATECELL_NULL. Failure: nothing is taken or written. Since 0.1.
 */
ratecell_status ratecell_acquire_with_at(const struct ratecell_limiter *limiter,
                                         uint64_t now_ns,
                                         const ratecell_rules *rules,
                                         const struct ratecell_key *keys,
                                         size_t count,
                                         uint32_t cost,
                                         struct ratecell_decision *decision);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Says what ratecell_acquire would answer, with remaining before the charge. Changes nothing.
 *
 * Fails as ratecell_acquire does.
 *
 * Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: read once.
 * NULL: RATECELL_NULL. Failure: nothing is written. Since 0.1.
 */
ratecell_status ratecell_peek(const struct ratecell_limiter *limiter,
                              const void *key,
                              size_t key_len,
                              uint32_t cost,
                              struct ratecell_decision *decision);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Says what ratecell_acquire_keys would answer, with remaining before the charge. Changes nothing.
 *
 * Fails as ratecell_acquire_keys does.
 *
 * Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: read once.
 * NULL: RATECELL_NULL. Failure: nothing is written. Since 0.1.
 */
ratecell_status ratecell_peek_keys(const struct ratecell_limiter *limiter,
                                   const struct ratecell_key *keys,
                                   size_t count,
                                   uint32_t cost,
                                   struct ratecell_decision *decision);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Says what ratecell_acquire_at would answer, with remaining before the charge. Changes nothing.
 *
 * Fails as ratecell_acquire_keys does.
 *
 * Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: not read.
 * NULL: RATECELL_NULL. Failure: nothing is written. Since 0.1.
 */
ratecell_status ratecell_peek_at(const struct ratecell_limiter *limiter,
                                 uint64_t now_ns,
                                 const struct ratecell_key *keys,
                                 size_t count,
                                 uint32_t cost,
                                 struct ratecell_decision *decision);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Says what ratecell_acquire_with would answer, with remaining before the charge. Changes nothing.
 *
 * Fails as ratecell_acquire_with does.
 *
 * Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: read once.
 * NULL: RATECELL_NULL. Failure: nothing is written. Since 0.1.
 */
ratecell_status ratecell_peek_with(const struct ratecell_limiter *limiter,
                                   const ratecell_rules *rules,
                                   const struct ratecell_key *keys,
                                   size_t count,
                                   uint32_t cost,
                                   struct ratecell_decision *decision);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Gives back the permits that an allowed ratecell_acquire with the same key and cost took. Units of
 * rates stay taken.
 *
 * With RATECELL_WHEN_FULL_ALLOW a call may be allowed without taking any: use ratecell_hold then.
 *
 * Fails with RATECELL_RELEASE if a concurrency rule has fewer held; nothing is given back then. Or
 * as ratecell_acquire does.
 *
 * Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: not read.
 * NULL: RATECELL_NULL. Failure: nothing is given back. Since 0.1.
 */
ratecell_status ratecell_release(const struct ratecell_limiter *limiter,
                                 const void *key,
                                 size_t key_len,
                                 uint32_t cost);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Gives back the permits that an allowed ratecell_acquire_keys, or the like, with the same keys and
 * cost took: see ratecell_release.
 *
 * Fails as ratecell_release and ratecell_acquire_keys do.
 *
 * Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: not read.
 * NULL: RATECELL_NULL. Failure: nothing is given back. Since 0.1.
 */
ratecell_status ratecell_release_keys(const struct ratecell_limiter *limiter,
                                      const struct ratecell_key *keys,
                                      size_t count,
                                      uint32_t cost);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Forgets what a key has used; a charge that happens meanwhile may stay. Permits stay with their
 * holders.
 *
 * Fails as ratecell_acquire does.
 *
 * Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: not read.
 * NULL: RATECELL_NULL. Failure: nothing is forgotten. Since 0.1.
 */
ratecell_status ratecell_reset(const struct ratecell_limiter *limiter,
                               const void *key,
                               size_t key_len);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Forgets what keys have used: see ratecell_reset.
 *
 * Fails as ratecell_acquire_keys does.
 *
 * Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: not read.
 * NULL: RATECELL_NULL. Failure: nothing is forgotten. Since 0.1.
 */
ratecell_status ratecell_reset_keys(const struct ratecell_limiter *limiter,
                                    const struct ratecell_key *keys,
                                    size_t count);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Makes rules from their text. They can stand in for those of a limiter that are as many and of
 * the same kinds, and if fixed or sliding of the same periods and segments; names and dimensions
 * play no part.
 *
 * Fails with RATECELL_TEXT (ratecell_last_error has the byte) or RATECELL_UTF8.
 *
 * Threads: any, at once. Signals: not safe. Memory: allocates. Clock: not read. NULL:
 * RATECELL_NULL. Failure: nothing is made or written. Since 0.1.
 */
ratecell_status ratecell_rules_create(const char *text, ratecell_rules **rules);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Ends rules.
 *
 * Threads: no other call may use the rules meanwhile or later. Signals: not safe. Memory: gives it
 * back. Clock: not read. NULL: does nothing. Failure: none. Since 0.1.
 */
void ratecell_rules_destroy(ratecell_rules *rules);
#endif

#if defined(RATECELL_HOSTED)
/**
 * As ratecell_acquire_keys, with an account of what the call has taken of concurrency rules:
 * ratecell_permit_release gives it back. Units of rates stay taken. permit is NULL if the call is
 * refused.
 *
 * Fails as ratecell_acquire_keys does.
 *
 * Threads: any, at once; lock-free but for the allocation. Signals: not safe. Memory: allocates
 * the permit. Clock: read once. NULL: RATECELL_NULL. Failure: nothing is taken or written. Since
 * 0.1.
 */
ratecell_status ratecell_hold(const struct ratecell_limiter *limiter,
                              const struct ratecell_key *keys,
                              size_t count,
                              uint32_t cost,
                              struct ratecell_decision *decision,
                              struct ratecell_permit **permit);
#endif

#if defined(RATECELL_HOSTED)
/**
 * As ratecell_hold under other rules for this call: see ratecell_acquire_with.
 *
 * Fails as ratecell_acquire_with does.
 *
 * Threads: any, at once; lock-free but for the allocation. Signals: not safe. Memory: allocates
 * the permit. Clock: read once. NULL: RATECELL_NULL. Failure: nothing is taken or written. Since
 * 0.1.
 */
ratecell_status ratecell_hold_with(const struct ratecell_limiter *limiter,
                                   const ratecell_rules *rules,
                                   const struct ratecell_key *keys,
                                   size_t count,
                                   uint32_t cost,
                                   struct ratecell_decision *decision,
                                   struct ratecell_permit **permit);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Gives back what a permit holds, and ends the permit. It may be done on any thread, and after the
 * limiter was destroyed.
 *
 * Threads: no other call may use the permit meanwhile or later. Signals: not safe. Memory: gives
 * it back. Clock: not read. NULL: does nothing. Failure: none. Since 0.1.
 */
void ratecell_permit_release(struct ratecell_permit *permit);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Writes the header fields that a response with this decision carries, each as
 * "Name: value" and the end of a line (CR LF).
 *
 * style is a set of RATECELL_HEADER_ fields, put together with |. unix_now_ns is the time in
 * nanoseconds since 1970, which only resets in Unix seconds look at; ratecell_now gives it if the
 * limiter has the system's clock. By the rules of snprintf: see ratecell_explain.
 *
 * Fails with RATECELL_NUMBER for a style with a bit that means nothing or with two forms of one
 * field, or as ratecell_explain does.
 *
 * Threads: any, at once. Signals: not safe. Memory: allocates nothing. Clock: not read. NULL:
 * RATECELL_NULL for limiter, decision and length; buffer may be NULL if size is 0. Failure: nothing
 * is written. Since 0.1.
 */
ratecell_status ratecell_headers(const struct ratecell_limiter *limiter,
                                 const struct ratecell_decision *decision,
                                 uint32_t style,
                                 uint64_t unix_now_ns,
                                 char *buffer,
                                 size_t size,
                                 size_t *length);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Writes the JSON body of a refusal, of the media type application/problem+json (RFC 9457). By the
 * rules of snprintf: see ratecell_explain.
 *
 * Fails as ratecell_explain does.
 *
 * Threads: any, at once. Signals: not safe. Memory: allocates nothing. Clock: not read. NULL:
 * RATECELL_NULL for limiter, decision and length; buffer may be NULL if size is 0. Failure: nothing
 * is written. Since 0.1.
 */
ratecell_status ratecell_problem(const struct ratecell_limiter *limiter,
                                 const struct ratecell_decision *decision,
                                 char *buffer,
                                 size_t size,
                                 size_t *length);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Writes a sentence that says why, such as "key: denied: 0 of 600 left, retry after 100ms".
 *
 * By the rules of snprintf: at most size bytes are written, a NUL at the end if size is not 0, and
 * length says how many bytes the whole has without its NUL; from size on, it was cut.
 *
 * Fails with RATECELL_NOT_INITIALIZED for a decision that no call has written, RATECELL_LENGTH or
 * RATECELL_STRUCT_SIZE.
 *
 * Threads: any, at once. Signals: not safe. Memory: allocates nothing. Clock: not read. NULL:
 * RATECELL_NULL for limiter, decision and length; buffer may be NULL if size is 0. Failure: nothing
 * is written. Since 0.1.
 */
ratecell_status ratecell_explain(const struct ratecell_limiter *limiter,
                                 const struct ratecell_decision *decision,
                                 char *buffer,
                                 size_t size,
                                 size_t *length);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Makes a guard from the text of a contract file. options NULL is RATECELL_GUARD_OPTIONS_INIT.
 *
 * All memory for keys is taken here.
 *
 * Fails with RATECELL_CONTRACT (ratecell_last_error has line and column, and every fault in its
 * message as far as there is room), RATECELL_NETWORK, RATECELL_UTF8, RATECELL_CAPACITY,
 * RATECELL_TOO_LARGE, RATECELL_NUMBER, RATECELL_STRUCT_SIZE or RATECELL_OUT_OF_MEMORY.
 *
 * Threads: any, at once. Signals: not safe. Memory: allocates. Clock: not read, but the system's
 * is measured for some milliseconds the first time. NULL: RATECELL_NULL for text and guard.
 * Failure: nothing is made or written. Since 0.1.
 */
ratecell_status ratecell_guard_create(const char *text,
                                      const struct ratecell_guard_options *options,
                                      struct ratecell_guard **guard);
#endif

#if defined(RATECELL_HOSTED)
/**
 * As ratecell_guard_create with the text in a file of at most 1 MiB; path is UTF-8.
 *
 * Fails with RATECELL_FILE, or as ratecell_guard_create does.
 *
 * Threads: any, at once. Signals: not safe. Memory: allocates. Clock: as ratecell_guard_create.
 * NULL: RATECELL_NULL for path and guard. Failure: nothing is made or written. Since 0.1.
 */
ratecell_status ratecell_guard_load(const char *path,
                                    const struct ratecell_guard_options *options,
                                    struct ratecell_guard **guard);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Ends a guard. Outcomes that are not released yet stay valid.
 *
 * Threads: no other call may use the guard meanwhile or later. Signals: not safe. Memory: gives it
 * back. Clock: not read; its function is called no more once the last outcome is released. NULL:
 * does nothing. Failure: none. Since 0.1.
 */
void ratecell_guard_destroy(struct ratecell_guard *guard);
#endif

#if defined(RATECELL_HOSTED)
/**
 * The name of the rule at a position of the contract, from 0; NULL for a position that no rule
 * has, and for a guard that is NULL. It is valid as long as the guard.
 *
 * Threads: any, at once. Signals: safe. Memory: allocates nothing. Clock: not read. NULL: returns
 * NULL. Failure: returns NULL. Since 0.1.
 */
const char *ratecell_guard_rule_name(const struct ratecell_guard *guard, uint32_t rule);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Writes what the rule at a position of the contract, from 0, has counted so far.
 *
 * Fails with RATECELL_LENGTH for a position that no rule has, or RATECELL_STRUCT_SIZE.
 *
 * Threads: any, at once. Signals: not safe. Memory: allocates nothing. Clock: not read. NULL:
 * RATECELL_NULL. Failure: nothing is written. Since 0.1.
 */
ratecell_status ratecell_guard_stats(const struct ratecell_guard *guard,
                                     uint32_t rule,
                                     struct ratecell_rule_counts *counts);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Decides about a request at a stage, or at both in order by RATECELL_STAGE_WHOLE.
 *
 * response->status is 0 if the request goes on to its handler; else it is answered by the fields,
 * content_type and body of the response. Either way release the outcome when the last byte of the
 * response is sent or given up, which gives back the permits that the request holds. A request
 * that no rule applies to passes.
 *
 * Fails with RATECELL_REQUEST for a limit of the caller's own that fits no rule, RATECELL_NUMBER
 * for another stage, length of an address or reserved number, RATECELL_UTF8, RATECELL_LENGTH or
 * RATECELL_STRUCT_SIZE.
 *
 * Threads: any, at once; lock-free but for the allocator. Signals: not safe. Memory: allocates the
 * outcome. Clock: read once. NULL: RATECELL_NULL, but for what ratecell_request says may be.
 * Failure: nothing is taken or written. Since 0.1.
 */
ratecell_status ratecell_admit(const struct ratecell_guard *guard,
                               uint32_t stage,
                               const struct ratecell_request *request,
                               struct ratecell_response *response,
                               struct ratecell_outcome **outcome);
#endif

#if defined(RATECELL_HOSTED)
/**
 * Gives back what a request holds, and ends the outcome. It may be done on any thread, and after
 * the guard was destroyed.
 *
 * Threads: no other call may use the outcome meanwhile or later. Signals: not safe. Memory: gives
 * it back, and with it all that the response points to. Clock: not read. NULL: does nothing.
 * Failure: none. Since 0.1.
 */
void ratecell_outcome_release(struct ratecell_outcome *outcome);
#endif

/**
 * A quota of limit units per period_ns nanoseconds on average and burst units at once.
 *
 * Fails with RATECELL_ZERO_LIMIT, RATECELL_ZERO_BURST, RATECELL_PERIOD (1 ms to 366 days),
 * RATECELL_RATE (whole nanoseconds between units would lower the rate by over 1 %) or
 * RATECELL_BURST (it takes over 2^62 ns to come back).
 *
 * Threads: any, at once. Signals: safe. Memory: allocates nothing. Clock: not read. NULL:
 * RATECELL_NULL. Failure: nothing is written. Since 0.1.
 */
ratecell_status ratecell_quota_gcra(uint32_t limit,
                                    uint64_t period_ns,
                                    uint32_t burst,
                                    struct ratecell_quota *quota);

/**
 * A quota of limit units in each window of period_ns nanoseconds.
 *
 * Fails with RATECELL_ZERO_LIMIT, RATECELL_PERIOD (1 ms to 366 days) or RATECELL_LIMIT (about one
 * unit a nanosecond; from 2.2 s on, any limit is accepted).
 *
 * Threads: any, at once. Signals: safe. Memory: allocates nothing. Clock: not read. NULL:
 * RATECELL_NULL. Failure: nothing is written. Since 0.1.
 */
ratecell_status ratecell_quota_fixed(uint32_t limit,
                                     uint64_t period_ns,
                                     struct ratecell_quota *quota);

/**
 * A quota of limit units in any span of period_ns nanoseconds, tracked in so many segments.
 *
 * A cell of it takes segments + 2 words of 8 bytes; steady traffic gets at least
 * segments / (segments + 1) of the limit. Rule texts take 14 where none are named.
 *
 * Fails with RATECELL_ZERO_LIMIT, RATECELL_LIMIT (8,388,607), RATECELL_PERIOD (1 ms to 366 days)
 * or RATECELL_SEGMENTS (1 to 62).
 *
 * Threads: any, at once. Signals: safe. Memory: allocates nothing. Clock: not read. NULL:
 * RATECELL_NULL. Failure: nothing is written. Since 0.1.
 */
ratecell_status ratecell_quota_sliding(uint32_t limit,
                                       uint64_t period_ns,
                                       uint32_t segments,
                                       struct ratecell_quota *quota);

/**
 * A quota of limit permits held at once. Fails with RATECELL_ZERO_LIMIT.
 *
 * Threads: any, at once. Signals: safe. Memory: allocates nothing. Clock: not read. NULL:
 * RATECELL_NULL. Failure: nothing is written. Since 0.1.
 */
ratecell_status ratecell_quota_concurrency(uint32_t limit, struct ratecell_quota *quota);

/**
 * The quota of one rule's text, such as "600/min burst 20"; its name and dimension play no part.
 *
 * If it fails, the error is written if it is not NULL; error->offset is the byte that is wrong.
 *
 * Threads: any, at once. Signals: safe. Memory: allocates nothing. Clock: not read. NULL:
 * RATECELL_NULL for text and quota; error may be NULL. Failure: quota is not written. Since 0.1.
 */
ratecell_status ratecell_quota_parse(const char *text,
                                     struct ratecell_quota *quota,
                                     struct ratecell_error *error);

/**
 * The bytes of a sliding cell of this quota: 8 for each of segments + 2 words.
 *
 * Fails with RATECELL_KIND for a quota that is not sliding.
 *
 * Threads: any, at once. Signals: safe. Memory: allocates nothing. Clock: not read. NULL:
 * RATECELL_NULL. Failure: nothing is written. Since 0.1.
 */
ratecell_status ratecell_segments_size(const struct ratecell_quota *quota, size_t *size);

/**
 * Takes cost units of a gcra cell at now_ns if the quota allows it; a cost of 0 takes nothing.
 *
 * now_ns is nanoseconds on any one clock, below 2^63; a clock that runs late or steps back never
 * admits more.
 *
 * Fails with RATECELL_KIND for a quota that is not gcra, RATECELL_NOT_INITIALIZED for none.
 *
 * Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
 * Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
 * written. Since 0.1.
 */
ratecell_status ratecell_tat_acquire(struct ratecell_tat *cell,
                                     const struct ratecell_quota *quota,
                                     uint64_t now_ns,
                                     uint32_t cost,
                                     struct ratecell_rule_decision *decision);

/**
 * Says what ratecell_tat_acquire would answer, with remaining before the charge. Changes nothing.
 *
 * Fails as ratecell_tat_acquire does.
 *
 * Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
 * Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
 * written. Since 0.1.
 */
ratecell_status ratecell_tat_peek(struct ratecell_tat *cell,
                                  const struct ratecell_quota *quota,
                                  uint64_t now_ns,
                                  uint32_t cost,
                                  struct ratecell_rule_decision *decision);

/**
 * Forgets all units that a gcra cell has counted.
 *
 * Fails as ratecell_tat_acquire does.
 *
 * Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
 * Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
 * written. Since 0.1.
 */
ratecell_status ratecell_tat_reset(struct ratecell_tat *cell, const struct ratecell_quota *quota);

/**
 * Takes cost units of a fixed cell at now_ns if the quota allows it; a cost of 0 takes nothing.
 *
 * now_ns is nanoseconds on any one clock, below 2^63; a clock that runs late or steps back never
 * admits more.
 *
 * Fails with RATECELL_KIND for a quota that is not fixed, RATECELL_NOT_INITIALIZED for none.
 *
 * Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
 * Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
 * written. Since 0.1.
 */
ratecell_status ratecell_window_acquire(struct ratecell_window *cell,
                                        const struct ratecell_quota *quota,
                                        uint64_t now_ns,
                                        uint32_t cost,
                                        struct ratecell_rule_decision *decision);

/**
 * Says what ratecell_window_acquire would answer, with remaining before the charge. Changes nothing.
 *
 * Fails as ratecell_window_acquire does.
 *
 * Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
 * Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
 * written. Since 0.1.
 */
ratecell_status ratecell_window_peek(struct ratecell_window *cell,
                                     const struct ratecell_quota *quota,
                                     uint64_t now_ns,
                                     uint32_t cost,
                                     struct ratecell_rule_decision *decision);

/**
 * Forgets all units that a fixed cell has counted.
 *
 * Fails as ratecell_window_acquire does.
 *
 * Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
 * Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
 * written. Since 0.1.
 */
ratecell_status ratecell_window_reset(struct ratecell_window *cell,
                                      const struct ratecell_quota *quota);

/**
 * Takes cost permits of a concurrency cell if the quota allows it; a cost of 0 takes nothing.
 *
 * Fails with RATECELL_KIND for a quota that is not concurrency, RATECELL_NOT_INITIALIZED for none.
 *
 * Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
 * Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
 * written. Since 0.1.
 */
ratecell_status ratecell_held_acquire(struct ratecell_held *cell,
                                      const struct ratecell_quota *quota,
                                      uint32_t cost,
                                      struct ratecell_rule_decision *decision);

/**
 * Says what ratecell_held_acquire would answer, with remaining before the charge. Changes nothing.
 *
 * Fails as ratecell_held_acquire does.
 *
 * Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
 * Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
 * written. Since 0.1.
 */
ratecell_status ratecell_held_peek(struct ratecell_held *cell,
                                   const struct ratecell_quota *quota,
                                   uint32_t cost,
                                   struct ratecell_rule_decision *decision);

/**
 * Gives cost permits of a concurrency cell back.
 *
 * Fails with RATECELL_RELEASE if fewer are held; nothing changes then.
 *
 * Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
 * Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
 * written. Since 0.1.
 */
ratecell_status ratecell_held_release(struct ratecell_held *cell, uint32_t cost);

/**
 * Takes cost units of a sliding cell at now_ns if the quota allows it; a cost of 0 takes nothing.
 *
 * words are segments + 2 or more, and always go with one period and one number of segments; now_ns
 * is as for ratecell_tat_acquire.
 *
 * Fails with RATECELL_TOO_SMALL for fewer words, RATECELL_KIND for a quota that is not sliding,
 * RATECELL_NOT_INITIALIZED for none.
 *
 * Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
 * Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
 * written. Since 0.1.
 */
ratecell_status ratecell_segments_acquire(struct ratecell_segment *words,
                                          size_t count,
                                          const struct ratecell_quota *quota,
                                          uint64_t now_ns,
                                          uint32_t cost,
                                          struct ratecell_rule_decision *decision);

/**
 * Says what ratecell_segments_acquire would answer, with remaining before the charge. Changes
 * nothing.
 *
 * Fails as ratecell_segments_acquire does.
 *
 * Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
 * Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
 * written. Since 0.1.
 */
ratecell_status ratecell_segments_peek(struct ratecell_segment *words,
                                       size_t count,
                                       const struct ratecell_quota *quota,
                                       uint64_t now_ns,
                                       uint32_t cost,
                                       struct ratecell_rule_decision *decision);

/**
 * Forgets all units that a sliding cell has counted; a charge that happens meanwhile may stay.
 *
 * Fails as ratecell_segments_acquire does.
 *
 * Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
 * Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
 * written. Since 0.1.
 */
ratecell_status ratecell_segments_reset(struct ratecell_segment *words,
                                        size_t count,
                                        const struct ratecell_quota *quota);

/**
 * The bytes of memory of a table for so many keys that all owe.
 *
 * 20 bytes a key, for a sliding quota 10 for each of segments + 3; at least a region of 8 slots. Even
 * with four fifths of the slots taken fewer than one new key in 10,000 finds none.
 * For a constant at compile time there is RATECELL_TABLE_SIZE.
 *
 * Fails with RATECELL_CAPACITY for 0 keys, RATECELL_TOO_LARGE for more than fit in memory, or as
 * ratecell_table_init does for the quota.
 *
 * Threads: any, at once. Signals: safe. Memory: allocates nothing. Clock: not read. NULL:
 * RATECELL_NULL. Failure: nothing is written. Since 0.1.
 */
ratecell_status ratecell_table_size(const struct ratecell_quota *quota,
                                    size_t keys,
                                    size_t *size);

/**
 * Makes a table without keys in size bytes of memory, whatever they held.
 *
 * memory is aligned to 8, for speed to 128, and belongs to the table until the table is used no
 * more. seed is RATECELL_SEED_SIZE secret bytes: whoever can guess them can aim for the slot of
 * another's key. All of the memory is written.
 *
 * Fails with RATECELL_TOO_SMALL, RATECELL_TOO_LARGE, RATECELL_MISALIGNED, RATECELL_LENGTH for a
 * size that no object has, RATECELL_NUMBER for another when_full, RATECELL_NOT_INITIALIZED or a
 * quota's status for a quota that is none.
 *
 * Threads: no other call may use the table or its memory before this one returns. Signals: safe.
 * Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: table is not written;
 * its memory may be. Since 0.1.
 */
ratecell_status ratecell_table_init(struct ratecell_table *table,
                                    void *memory,
                                    size_t size,
                                    const struct ratecell_quota *quota,
                                    uint32_t when_full,
                                    const uint8_t *seed);

/**
 * Makes a handle to the table that is in the memory already, with its keys and its seed: one that
 * another process made in shared memory, or that was there before a restart.
 *
 * Fails with RATECELL_NOT_A_TABLE, RATECELL_OTHER_LAYOUT for a table of another kind, period,
 * segments or version, or as ratecell_table_init does.
 *
 * Threads: no other call may use this handle before this one returns; others may use the memory.
 * Signals: safe. Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing
 * is written. Since 0.1.
 */
ratecell_status ratecell_table_attach(struct ratecell_table *table,
                                      void *memory,
                                      size_t size,
                                      const struct ratecell_quota *quota,
                                      uint32_t when_full);

/**
 * Takes cost units of a key at now_ns if the table's quota allows it; a cost of 0 takes nothing.
 *
 * key is key_len bytes, of which no copy is kept. now_ns is nanoseconds on any one clock, below
 * 2^63; a clock that runs late or steps back never admits more.
 *
 * Fails with RATECELL_NOT_INITIALIZED for a table that is none and RATECELL_LENGTH for a length
 * that no object has.
 *
 * Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
 * Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL, also for a key of length 0.
 * Failure: nothing is taken or written. Since 0.1.
 */
ratecell_status ratecell_table_acquire(const struct ratecell_table *table,
                                       const void *key,
                                       size_t key_len,
                                       uint64_t now_ns,
                                       uint32_t cost,
                                       struct ratecell_rule_decision *decision);

/**
 * As ratecell_table_acquire under another quota for this call, such as a customer's own cap: of
 * the same kind, and if fixed or sliding of the same period and segments. The key's state stays as
 * it is: a raised rate never applies to the past.
 *
 * Fails with RATECELL_OTHER_RULES for a quota that cannot stand in, or as ratecell_table_acquire.
 *
 * Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
 * Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL, also for a key of length 0.
 * Failure: nothing is taken or written. Since 0.1.
 */
ratecell_status ratecell_table_acquire_with(const struct ratecell_table *table,
                                            const struct ratecell_quota *quota,
                                            const void *key,
                                            size_t key_len,
                                            uint64_t now_ns,
                                            uint32_t cost,
                                            struct ratecell_rule_decision *decision);

/**
 * Says what ratecell_table_acquire would answer, with remaining before the charge. Changes
 * nothing. Fails as it does.
 *
 * Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
 * Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL, also for a key of length 0.
 * Failure: nothing is written. Since 0.1.
 */
ratecell_status ratecell_table_peek(const struct ratecell_table *table,
                                    const void *key,
                                    size_t key_len,
                                    uint64_t now_ns,
                                    uint32_t cost,
                                    struct ratecell_rule_decision *decision);

/**
 * Gives cost permits of a key back, for a table of a concurrency quota.
 *
 * Fails with RATECELL_RELEASE if the key holds fewer, as it does in a table of any other quota;
 * nothing changes then. Else as ratecell_table_acquire.
 *
 * Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
 * Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL, also for a key of length 0.
 * Failure: nothing is given back. Since 0.1.
 */
ratecell_status ratecell_table_release(const struct ratecell_table *table,
                                       const void *key,
                                       size_t key_len,
                                       uint32_t cost);

/**
 * Forgets what a key has used; a charge that happens meanwhile may stay. Permits of a concurrency
 * quota stay with their holders. Fails as ratecell_table_acquire does.
 *
 * Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
 * Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL, also for a key of length 0.
 * Failure: nothing is forgotten. Since 0.1.
 */
ratecell_status ratecell_table_reset(const struct ratecell_table *table,
                                     const void *key,
                                     size_t key_len);

/**
 * Writes what the table has counted so far. The counters wrap at 2^64.
 *
 * Fails with RATECELL_STRUCT_SIZE, or RATECELL_NOT_INITIALIZED for a table that is none.
 *
 * Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
 * Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is written.
 * Since 0.1.
 */
ratecell_status ratecell_table_stats(const struct ratecell_table *table,
                                     struct ratecell_counts *counts);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* RATECELL_H */
