/* As arguments.c for the functions of the limiter and the guard. C99 and C++11. */

#include "arguments.h"

static const char *last_message(ratecell_status status) {
    static ratecell_error error = RATECELL_ERROR_INIT;
    CHECK_EQUAL(RATECELL_OK, ratecell_last_error(&error));
    CHECK_EQUAL(status, error.status);
    CHECK_EQUAL(strlen(error.message), error.message_len);
    return error.message;
}

static void making(void) {
    ratecell_options options = RATECELL_OPTIONS_INIT;
    ratecell_limiter *limiter = NULL;
    ratecell_rules *rules = NULL;
    ratecell_error error = RATECELL_ERROR_INIT;
    CHECK_EQUAL(RATECELL_OK, ratecell_last_error(&error));
    CHECK_EQUAL(RATECELL_OK, error.status);
    CHECK_EQUAL(RATECELL_NULL, ratecell_last_error(NULL));
    error.struct_size = 0;
    CHECK_EQUAL(RATECELL_STRUCT_SIZE, ratecell_last_error(&error));

    CHECK_EQUAL(RATECELL_NULL, ratecell_limiter_create(NULL, &options, &limiter));
    CHECK(strstr(last_message(RATECELL_NULL), "text"));
    CHECK_EQUAL(RATECELL_NULL, ratecell_limiter_create("7/s", &options, NULL));
    CHECK(strstr(last_message(RATECELL_NULL), "limiter"));
    CHECK_EQUAL(RATECELL_TEXT, ratecell_limiter_create("7/fortnight", NULL, &limiter));
    error.struct_size = sizeof error;
    CHECK_EQUAL(RATECELL_OK, ratecell_last_error(&error));
    CHECK_EQUAL(2, error.offset);
    CHECK_EQUAL(RATECELL_UTF8, ratecell_limiter_create("7/s \xc3", NULL, &limiter));
    CHECK_EQUAL(RATECELL_OK, ratecell_last_error(&error));
    CHECK_EQUAL(4, error.offset);
    options.struct_size++;
    CHECK_EQUAL(RATECELL_STRUCT_SIZE, ratecell_limiter_create("7/s", &options, &limiter));
    options.struct_size--;
    options.when_full = 0;
    CHECK_EQUAL(RATECELL_NUMBER, ratecell_limiter_create("7/s", &options, &limiter));
    options.when_full = RATECELL_WHEN_FULL_ALLOW;
    options.capacity = 0;
    CHECK_EQUAL(RATECELL_CAPACITY, ratecell_limiter_create("7/s", &options, &limiter));
    options.capacity = UINT64_MAX;
    CHECK_EQUAL(RATECELL_OUT_OF_MEMORY, ratecell_limiter_create("7/s", &options, &limiter));
    options.capacity = UINT64_MAX / 64;
    CHECK_EQUAL(RATECELL_OUT_OF_MEMORY, ratecell_limiter_create("7/s", &options, &limiter));
    CHECK_EQUAL(RATECELL_MISALIGNED,
                ratecell_limiter_create("7/s", (ratecell_options *)off(&options), &limiter));
    CHECK(limiter == NULL);
    CHECK_EQUAL(RATECELL_NULL, ratecell_rules_create(NULL, &rules));
    CHECK_EQUAL(RATECELL_NULL, ratecell_rules_create("7/s", NULL));
    CHECK_EQUAL(RATECELL_TEXT, ratecell_rules_create("", &rules));
    CHECK(rules == NULL);
    ratecell_limiter_destroy(NULL);
    ratecell_rules_destroy(NULL);
    ratecell_permit_release(NULL);
}

static void calls(void) {
    const ratecell_key two[2] = {{"ip", "1", 1}, {"key", "2", 1}};
    const ratecell_key alone = {NULL, "2", 1};
    ratecell_key many[RATECELL_MAX_KEYS + 1], bad[2];
    ratecell_limiter *l = NULL, *split = NULL;
    ratecell_rules *rules = NULL, *others = NULL;
    ratecell_permit *permit = NULL;
    ratecell_decision d = RATECELL_DECISION_INIT;
    ratecell_decision before;
    ratecell_counts counts = RATECELL_COUNTS_INIT;
    uint32_t count = 0;
    uint64_t now_ns = 0;
    size_t i;
    CHECK_EQUAL(RATECELL_OK, ratecell_limiter_create("fixed 7/min by ip; concurrency 3", NULL, &l));
    CHECK_EQUAL(RATECELL_OK, ratecell_limiter_create("7/s by ip; 7/s by org", NULL, &split));
    CHECK_EQUAL(RATECELL_OK, ratecell_rules_create("fixed 9/min; concurrency 4", &rules));
    CHECK_EQUAL(RATECELL_OK, ratecell_rules_create("fixed 9/s; concurrency 4", &others));
    memset(&d, 0xA5, sizeof d);
    d.struct_size = sizeof d;
    before = d;

    CHECK_EQUAL(RATECELL_NULL, ratecell_acquire(NULL, "k", 1, 1, &d));
    CHECK(strstr(last_message(RATECELL_NULL), "limiter"));
    CHECK_EQUAL(RATECELL_NULL, ratecell_acquire(l, NULL, 1, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_acquire(l, "k", 1, 1, NULL));
    CHECK_EQUAL(RATECELL_LENGTH, ratecell_acquire(l, "k", too_long, 1, &d));
    CHECK_EQUAL(RATECELL_MISALIGNED, ratecell_acquire(l, "k", 1, 1, (ratecell_decision *)off(&d)));
    CHECK_EQUAL(RATECELL_DIMENSION_MISSING, ratecell_acquire(split, "k", 1, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_acquire_keys(l, NULL, 0, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_acquire_keys(l, NULL, 2, 1, &d));
    CHECK_EQUAL(RATECELL_LENGTH, ratecell_acquire_keys(l, two, SIZE_MAX / 16, 1, &d));
    for (i = 0; i <= RATECELL_MAX_KEYS; i++) many[i] = two[0];
    CHECK_EQUAL(RATECELL_LENGTH, ratecell_acquire_keys(l, many, RATECELL_MAX_KEYS + 1, 1, &d));
    CHECK_EQUAL(RATECELL_DIMENSION_TWICE, ratecell_acquire_keys(l, many, 2, 1, &d));
    bad[0] = two[0];
    bad[1] = two[1];
    bad[1].dimension = NULL;
    CHECK_EQUAL(RATECELL_NULL, ratecell_acquire_keys(l, bad, 2, 1, &d));
    bad[1] = two[1];
    bad[1].data = NULL;
    CHECK_EQUAL(RATECELL_NULL, ratecell_acquire_keys(l, bad, 2, 1, &d));
    bad[1] = two[1];
    bad[1].len = too_long;
    CHECK_EQUAL(RATECELL_LENGTH, ratecell_acquire_keys(l, bad, 2, 1, &d));
    bad[1] = two[1];
    bad[1].dimension = "\xff";
    CHECK_EQUAL(RATECELL_UTF8, ratecell_acquire_keys(l, bad, 2, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_acquire_at(NULL, 0, two, 2, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_acquire_at(l, 0, NULL, 2, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_acquire_with(l, NULL, two, 2, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_acquire_with_at(l, 0, NULL, two, 2, 1, &d));
    CHECK_EQUAL(RATECELL_OTHER_RULES, ratecell_acquire_with(l, others, two, 2, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_peek(NULL, "k", 1, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_peek_keys(l, NULL, 1, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_peek_at(l, 0, two, 2, 1, NULL));
    CHECK_EQUAL(RATECELL_OTHER_RULES, ratecell_peek_with(l, others, two, 2, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_hold(l, two, 2, 1, &d, NULL));
    CHECK_EQUAL(RATECELL_NULL, ratecell_hold(l, two, 2, 1, NULL, &permit));
    CHECK_EQUAL(RATECELL_NULL, ratecell_hold(NULL, two, 2, 1, &d, &permit));
    CHECK_EQUAL(RATECELL_OTHER_RULES, ratecell_hold_with(l, others, two, 2, 1, &d, &permit));
    CHECK_EQUAL(RATECELL_NULL, ratecell_release(NULL, "k", 1, 1));
    CHECK_EQUAL(RATECELL_NULL, ratecell_release(l, NULL, 1, 1));
    CHECK_EQUAL(RATECELL_NULL, ratecell_release_keys(l, NULL, 1, 1));
    CHECK_EQUAL(RATECELL_RELEASE, ratecell_release_keys(l, two, 2, 1));
    CHECK_EQUAL(RATECELL_NULL, ratecell_reset(NULL, "k", 1));
    CHECK_EQUAL(RATECELL_NULL, ratecell_reset_keys(l, NULL, 1));
    CHECK_EQUAL(RATECELL_NULL, ratecell_rule_count(NULL, &count));
    CHECK_EQUAL(RATECELL_NULL, ratecell_rule_count(l, NULL));
    CHECK_EQUAL(RATECELL_NULL, ratecell_now(NULL, &now_ns));
    CHECK_EQUAL(RATECELL_NULL, ratecell_now(l, NULL));
    CHECK_EQUAL(RATECELL_NULL, ratecell_stats(NULL, 0, &counts));
    CHECK_EQUAL(RATECELL_NULL, ratecell_stats(l, 0, NULL));
    CHECK_EQUAL(RATECELL_LENGTH, ratecell_stats(l, 2, &counts));
    CHECK(!ratecell_rule_name(NULL, 0) && !ratecell_rule_name(l, 2));
    CHECK(!ratecell_rule_name(l, RATECELL_NO_RULE));
    CHECK(count == 0 && now_ns == 0 && permit == NULL);
    CHECK(memcmp(&d, &before, sizeof d) == 0);
    d.struct_size = 0;
    CHECK_EQUAL(RATECELL_STRUCT_SIZE, ratecell_acquire(l, "k", 1, 1, &d));
    d.struct_size = sizeof d;

    /* None of the failures has taken anything. */
    CHECK_EQUAL(RATECELL_OK, ratecell_peek_keys(l, two, 2, 1, &d));
    CHECK(d.rules_len == 2 && d.rules[0].remaining == 7 && d.rules[1].remaining == 3);
    CHECK_EQUAL(RATECELL_OK, ratecell_acquire_keys(l, two, 2, 3, &d));
    CHECK(d.allowed == 1 && d.rule == 1 && d.remaining == 0 && d.limit == 3);
    CHECK_EQUAL(RATECELL_OK, ratecell_hold(l, &alone, 1, 1, &d, &permit));
    CHECK(d.verdict == RATECELL_DENY && !permit && d.retry_after_ns == RATECELL_UNKNOWN);
    CHECK_EQUAL(RATECELL_OK, ratecell_hold_with(l, rules, &alone, 1, 1, &d, &permit));
    CHECK(d.allowed && permit && d.limit == 4);
    CHECK_EQUAL(RATECELL_OK, ratecell_release_keys(l, two, 2, 3));
    CHECK_EQUAL(RATECELL_OK, ratecell_peek(l, "2", 1, 1, &d));
    CHECK_EQUAL(2, d.remaining);
    ratecell_permit_release(permit);
    CHECK_EQUAL(RATECELL_OK, ratecell_peek(l, "2", 1, 1, &d));
    CHECK_EQUAL(3, d.remaining);
    CHECK_EQUAL(RATECELL_OK, ratecell_acquire_keys(l, two, 0, 1, &d));
    CHECK(d.allowed && d.rule == RATECELL_NO_RULE && d.rules_len == 0);
    CHECK_EQUAL(RATECELL_OK, ratecell_rule_count(l, &count));
    CHECK_EQUAL(2, count);
    CHECK(strcmp(ratecell_rule_name(l, 1), "concurrency") == 0);
    CHECK_EQUAL(RATECELL_OK, ratecell_stats(l, 1, &counts));
    CHECK_EQUAL(1, counts.inserted);

    /* A permit outlives its limiter. */
    CHECK_EQUAL(RATECELL_OK, ratecell_hold(l, &alone, 1, 1, &d, &permit));
    ratecell_limiter_destroy(l);
    ratecell_permit_release(permit);
    ratecell_limiter_destroy(split);
    ratecell_rules_destroy(rules);
    ratecell_rules_destroy(others);
}

static void texts(void) {
    const ratecell_key key = {NULL, "k", 1};
    ratecell_limiter *l = NULL;
    ratecell_decision d = RATECELL_DECISION_INIT;
    char text[512], small[8];
    size_t i, length = 0;
    CHECK_EQUAL(RATECELL_OK, ratecell_limiter_create("key: fixed 1/min", NULL, &l));
    CHECK_EQUAL(RATECELL_OK, ratecell_acquire_at(l, 0, &key, 1, 1, &d));
    CHECK_EQUAL(RATECELL_OK, ratecell_acquire_at(l, 0, &key, 1, 1, &d));
    CHECK_EQUAL(RATECELL_OK, ratecell_headers(l, &d,
                                              RATECELL_HEADERS_X_RATELIMIT | RATECELL_HEADER_RETRY_AFTER,
                                              RATECELL_SECONDS(5), text, sizeof text, &length));
    CHECK(strcmp(text, "X-RateLimit-Limit: 1\r\nX-RateLimit-Remaining: 0\r\n"
                       "X-RateLimit-Reset: 65\r\nRetry-After: 60\r\n") == 0);
    CHECK_EQUAL(strlen(text), length);
    CHECK_EQUAL(RATECELL_OK, ratecell_explain(l, &d, small, sizeof small, &length));
    CHECK(strcmp(small, "key: de") == 0 && length > sizeof small);
    CHECK_EQUAL(RATECELL_OK, ratecell_explain(l, &d, NULL, 0, &length));
    CHECK_EQUAL(RATECELL_OK, ratecell_explain(l, &d, text, length + 1, &length));
    CHECK_EQUAL(strlen(text), length);
    CHECK_EQUAL(RATECELL_OK, ratecell_problem(l, &d, text, sizeof text, &length));
    CHECK(strstr(text, "\"status\":429") && strstr(text, "quota-exceeded"));
    CHECK_EQUAL(RATECELL_OK, ratecell_rules_text(l, text, sizeof text, &length));
    CHECK(strcmp(text, "key: fixed 1/min by key") == 0);

    length = 77;
    FILL(text);
    CHECK_EQUAL(RATECELL_NULL, ratecell_explain(NULL, &d, text, sizeof text, &length));
    CHECK_EQUAL(RATECELL_NULL, ratecell_explain(l, NULL, text, sizeof text, &length));
    CHECK_EQUAL(RATECELL_NULL, ratecell_explain(l, &d, NULL, 1, &length));
    CHECK_EQUAL(RATECELL_NULL, ratecell_explain(l, &d, text, sizeof text, NULL));
    CHECK_EQUAL(RATECELL_LENGTH, ratecell_explain(l, &d, text, too_long, &length));
    CHECK_EQUAL(RATECELL_NULL, ratecell_problem(l, NULL, text, sizeof text, &length));
    CHECK_EQUAL(RATECELL_NULL, ratecell_rules_text(NULL, text, sizeof text, &length));
    CHECK_EQUAL(RATECELL_NUMBER, ratecell_headers(l, &d, 1u << 31, 0, text, sizeof text, &length));
    CHECK_EQUAL(RATECELL_NUMBER, ratecell_headers(l, &d,
                                                  RATECELL_HEADER_X_RATELIMIT_RESET |
                                                      RATECELL_HEADER_X_RATELIMIT_RESET_AFTER,
                                                  0, text, sizeof text, &length));
    d.rules_len = 9;
    CHECK_EQUAL(RATECELL_LENGTH, ratecell_explain(l, &d, text, sizeof text, &length));
    d.rules_len = 1;
    d.rules[0].words[0] = UINT64_MAX;
    CHECK_EQUAL(RATECELL_NOT_INITIALIZED, ratecell_problem(l, &d, text, sizeof text, &length));
    CHECK_EQUAL(77, length);
    UNTOUCHED(text);
    /* Whatever the words say, a text comes of it or a status. */
    for (i = 0; i < 5 * 64; i++) {
        memset(d.rules[0].words, i % 2 ? 0 : 0xff, sizeof d.rules[0].words);
        d.rules[0].words[0] = i % 4 | (uint64_t)(i % 9) << 8 | (uint64_t)i << 32;
        d.rules[0].words[i / 64] ^= (uint64_t)1 << i % 64;
        (void)ratecell_headers(l, &d, 0xfff & ~8u, UINT64_MAX, text, sizeof text, &length);
        (void)ratecell_explain(l, &d, text, sizeof text, &length);
        (void)ratecell_problem(l, &d, text, sizeof text, &length);
    }
    ratecell_limiter_destroy(l);
}

/* A clock that stands still. */
static uint64_t noon(void *context) {
    (void)context;
    return UINT64_C(1795348800000000000);
}

static void find_none(void *context, const char *name, ratecell_header_visit visit, void *state) {
    CHECK(!context && *name);
    visit(state, NULL, 0);
    visit(state, "x", too_long);
    visit(NULL, "x", 1);
}

static void guards(void) {
    static const char shop[] =
        "name = \"shop\"\n[[rule]]\nname = \"key\"\nlimit = \"fixed 1/min\"\n"
        "by = \"header:x-api-key\"\n[response]\nheaders = [\"retry-after\"]\n"
        "[response.refused]\ncontent_type = \"text/plain\"\nbody = \"no\"\n";
    const uint8_t peer[4] = {192, 0, 2, 1};
    const char *networks[1] = {"10.0.0.0/33"};
    const ratecell_header header = {"X-Api-Key", "k", 1};
    ratecell_header bad_header = {NULL, "k", 1};
    ratecell_own_limit limit = {"nobody", NULL, 5, 0};
    ratecell_guard_options options = RATECELL_GUARD_OPTIONS_INIT;
    ratecell_request request = RATECELL_REQUEST_INIT;
    ratecell_response response = RATECELL_RESPONSE_INIT;
    ratecell_rule_counts counts = RATECELL_RULE_COUNTS_INIT;
    ratecell_error error = RATECELL_ERROR_INIT;
    ratecell_guard *guard = NULL;
    ratecell_outcome *outcome = NULL, *second = NULL;
    CHECK_EQUAL(RATECELL_NULL, ratecell_guard_create(NULL, &options, &guard));
    CHECK_EQUAL(RATECELL_NULL, ratecell_guard_create(shop, &options, NULL));
    CHECK_EQUAL(RATECELL_NULL, ratecell_guard_load(NULL, &options, &guard));
    CHECK_EQUAL(RATECELL_NULL, ratecell_guard_load("x", &options, NULL));
    CHECK_EQUAL(RATECELL_FILE, ratecell_guard_load("/nowhere/at all", &options, &guard));
    CHECK_EQUAL(RATECELL_CONTRACT,
                ratecell_guard_create("name = \"shop\"\n[[rule]]\nname = 7\n", NULL, &guard));
    CHECK_EQUAL(RATECELL_OK, ratecell_last_error(&error));
    CHECK(error.line >= 2 && error.column >= 1 && error.message_len > 0);
    options.trusted_proxies_len = 1;
    CHECK_EQUAL(RATECELL_NULL, ratecell_guard_create(shop, &options, &guard));
    options.trusted_proxies = networks;
    CHECK_EQUAL(RATECELL_NETWORK, ratecell_guard_create(shop, &options, &guard));
    CHECK(strstr(last_message(RATECELL_NETWORK), "10.0.0.0/33"));
    CHECK(strstr(last_message(RATECELL_NETWORK), "and unix:"));
    networks[0] = "unix:";
    CHECK_EQUAL(RATECELL_OK, ratecell_guard_create(shop, &options, &guard));
    ratecell_guard_destroy(guard);
    guard = NULL;
    networks[0] = NULL;
    CHECK_EQUAL(RATECELL_NULL, ratecell_guard_create(shop, &options, &guard));
    networks[0] = "10.0.0.0/8";
    options.forwarded_field = 0;
    CHECK_EQUAL(RATECELL_NUMBER, ratecell_guard_create(shop, &options, &guard));
    options.forwarded_field = RATECELL_FORWARDED_FORWARDED;
    options.reserved = 1;
    CHECK_EQUAL(RATECELL_NUMBER, ratecell_guard_create(shop, &options, &guard));
    CHECK(strcmp(last_message(RATECELL_NUMBER), "options->reserved is 1, accepted are 0 alone") == 0);
    options.reserved = 0;
    options.capacity = 0;
    CHECK_EQUAL(RATECELL_CAPACITY, ratecell_guard_create(shop, &options, &guard));
    options.capacity = 100;
    options.clock = noon;
    options.struct_size = 7;
    CHECK_EQUAL(RATECELL_STRUCT_SIZE, ratecell_guard_create(shop, &options, &guard));
    options.struct_size = sizeof options;
    CHECK(guard == NULL);
    CHECK_EQUAL(RATECELL_OK, ratecell_guard_create(shop, &options, &guard));

    request.method = "GET";
    request.path = "/";
    CHECK_EQUAL(RATECELL_NULL, ratecell_admit(NULL, 3, &request, &response, &outcome));
    CHECK_EQUAL(RATECELL_NULL, ratecell_admit(guard, 3, NULL, &response, &outcome));
    CHECK_EQUAL(RATECELL_NULL, ratecell_admit(guard, 3, &request, NULL, &outcome));
    CHECK_EQUAL(RATECELL_NULL, ratecell_admit(guard, 3, &request, &response, NULL));
    CHECK_EQUAL(RATECELL_NUMBER, ratecell_admit(guard, 0, &request, &response, &outcome));
    request.path = NULL;
    CHECK_EQUAL(RATECELL_NULL, ratecell_admit(guard, 3, &request, &response, &outcome));
    request.path = "/\xff";
    CHECK_EQUAL(RATECELL_UTF8, ratecell_admit(guard, 3, &request, &response, &outcome));
    request.path = "/";
    request.peer = peer;
    CHECK_EQUAL(RATECELL_NUMBER, ratecell_admit(guard, 3, &request, &response, &outcome));
    request.peer_len = 4;
    request.headers_len = 1;
    CHECK_EQUAL(RATECELL_NULL, ratecell_admit(guard, 3, &request, &response, &outcome));
    request.headers = &bad_header;
    CHECK_EQUAL(RATECELL_NULL, ratecell_admit(guard, 3, &request, &response, &outcome));
    bad_header = header;
    bad_header.value = NULL;
    CHECK_EQUAL(RATECELL_NULL, ratecell_admit(guard, 3, &request, &response, &outcome));
    request.headers_len = SIZE_MAX;
    CHECK_EQUAL(RATECELL_LENGTH, ratecell_admit(guard, 3, &request, &response, &outcome));
    request.headers = &header;
    request.headers_len = 1;
    request.values_len = 1;
    CHECK_EQUAL(RATECELL_NULL, ratecell_admit(guard, 3, &request, &response, &outcome));
    request.values_len = 0;
    request.limits = &limit;
    request.limits_len = 1;
    CHECK_EQUAL(RATECELL_REQUEST, ratecell_admit(guard, 3, &request, &response, &outcome));
    CHECK(strstr(last_message(RATECELL_REQUEST), "nobody"));
    limit.rule = "key";
    limit.text = "5/fortnight";
    CHECK_EQUAL(RATECELL_REQUEST, ratecell_admit(guard, 3, &request, &response, &outcome));
    limit.text = NULL;
    limit.reserved = 7;
    CHECK_EQUAL(RATECELL_NUMBER, ratecell_admit(guard, 3, &request, &response, &outcome));
    request.limits = NULL;
    request.limits_len = 0;
    response.struct_size = 0;
    CHECK_EQUAL(RATECELL_STRUCT_SIZE, ratecell_admit(guard, 3, &request, &response, &outcome));
    response.struct_size = sizeof response;
    CHECK(outcome == NULL && response.fields == NULL);

    /* None of the failures has taken anything. */
    CHECK_EQUAL(RATECELL_OK, ratecell_admit(guard, 3, &request, &response, &outcome));
    CHECK(response.status == 0 && response.body == NULL && response.retry_after_ns == 0);
    CHECK_EQUAL(RATECELL_OK, ratecell_admit(guard, 3, &request, &response, &second));
    CHECK_EQUAL(429, response.status);
    CHECK(strcmp(response.body, "no") == 0 && response.body_len == 2);
    CHECK(strcmp(response.rule, "key") == 0);
    CHECK(response.fields_len >= 1);
    CHECK(strcmp(response.fields[0].name, "Retry-After") == 0);
    CHECK(strcmp(ratecell_guard_rule_name(guard, 0), "key") == 0);
    CHECK(!ratecell_guard_rule_name(guard, 1) && !ratecell_guard_rule_name(NULL, 0));
    CHECK_EQUAL(RATECELL_NULL, ratecell_guard_stats(NULL, 0, &counts));
    CHECK_EQUAL(RATECELL_NULL, ratecell_guard_stats(guard, 0, NULL));
    CHECK_EQUAL(RATECELL_LENGTH, ratecell_guard_stats(guard, 1, &counts));
    CHECK_EQUAL(RATECELL_OK, ratecell_guard_stats(guard, 0, &counts));
    CHECK(counts.allowed == 1 && counts.refused == 1 && counts.table.inserted == 1);
    counts.struct_size--;
    CHECK_EQUAL(RATECELL_STRUCT_SIZE, ratecell_guard_stats(guard, 0, &counts));
    ratecell_outcome_release(outcome);

    /* A header function that gives nothing usable: the rule does not apply. */
    request.headers = NULL;
    request.headers_len = 0;
    request.header_function = find_none;
    CHECK_EQUAL(RATECELL_OK, ratecell_admit(guard, 3, &request, &response, &outcome));
    CHECK_EQUAL(0, response.status);
    ratecell_guard_destroy(guard);
    ratecell_outcome_release(outcome);
    ratecell_outcome_release(second);
    ratecell_outcome_release(NULL);
    ratecell_guard_destroy(NULL);
}

int main(void) {
    making();
    calls();
    texts();
    guards();
    return 0;
}
