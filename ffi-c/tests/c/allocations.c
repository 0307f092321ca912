/* What says "Memory: allocates nothing" asks nothing of the heap, on its first call as on any
 * other, in success and in error. The library finds this file's malloc in place of the system's.
 * With a 1 as its argument it allocates once itself, and must then fail. C99, glibc. */

#include <stdint.h>
#include <string.h>

#include "check.h"
#include "ratecell.h"

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
int posix_memalign(void **block, size_t alignment, size_t size);

static unsigned long allocations;

void *malloc(size_t size) {
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
    allocations++;
    return __libc_realloc(block, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    allocations++;
    *block = __libc_memalign(alignment, size);
    return *block == NULL;
}

static RATECELL_ALIGNED(128) unsigned char memory[RATECELL_TABLE_SIZE(0, 8)];

static void ask_table(const ratecell_table *table, uint64_t now_ns) {
    ratecell_rule_decision one;
    ratecell_counts counts = RATECELL_COUNTS_INIT;
    unsigned char key;
    for (key = 0; key < 40; key++) {
        CHECK_EQUAL(RATECELL_OK, ratecell_table_acquire(table, &key, 1, now_ns, 1, &one));
        CHECK_EQUAL(RATECELL_OK, ratecell_table_peek(table, &key, 1, now_ns, 1, &one));
    }
    CHECK_EQUAL(RATECELL_OK, ratecell_table_reset(table, &key, 1));
    CHECK_EQUAL(RATECELL_OK, ratecell_table_stats(table, &counts));
}

static void ask_limiter(const ratecell_limiter *limiter, const ratecell_rules *rules) {
    ratecell_decision whole = RATECELL_DECISION_INIT;
    ratecell_counts counts = RATECELL_COUNTS_INIT;
    ratecell_error error = RATECELL_ERROR_INIT;
    const uint32_t style = RATECELL_HEADERS_X_RATELIMIT | RATECELL_HEADERS_DRAFT_11;
    char text[4096];
    size_t length;
    uint64_t now_ns;
    unsigned char byte;
    CHECK_EQUAL(RATECELL_OK, ratecell_now(limiter, &now_ns));
    CHECK_EQUAL(RATECELL_OK, ratecell_rules_text(limiter, text, sizeof text, &length));
    for (byte = 0; byte < 40; byte++) {
        const ratecell_key keys[2] = {{"ip", &byte, 1}, {"key", &byte, 1}};
        CHECK_EQUAL(RATECELL_OK, ratecell_acquire(limiter, &byte, 1, 1, &whole));
        CHECK_EQUAL(RATECELL_OK, ratecell_acquire_keys(limiter, keys, 2, 1, &whole));
        CHECK_EQUAL(RATECELL_OK, ratecell_acquire_at(limiter, now_ns, keys, 2, 1, &whole));
        CHECK_EQUAL(RATECELL_OK, ratecell_acquire_with(limiter, rules, keys, 2, 1, &whole));
        CHECK_EQUAL(RATECELL_OK, ratecell_peek(limiter, &byte, 1, 1, &whole));
        CHECK_EQUAL(RATECELL_OK, ratecell_headers(limiter, &whole, style, now_ns, text,
                                                  sizeof text, &length));
        CHECK_EQUAL(RATECELL_OK, ratecell_problem(limiter, &whole, text, sizeof text, &length));
        CHECK_EQUAL(RATECELL_OK, ratecell_explain(limiter, &whole, text, sizeof text, &length));
        (void)ratecell_release(limiter, &byte, 1, 1);
        CHECK_EQUAL(RATECELL_OK, ratecell_reset(limiter, &byte, 1));
    }
    CHECK_EQUAL(RATECELL_OK, ratecell_stats(limiter, 0, &counts));
    CHECK(ratecell_acquire(limiter, "k", SIZE_MAX, 1, &whole) != RATECELL_OK);
    CHECK_EQUAL(RATECELL_OK, ratecell_last_error(&error));
}

int main(int argc, char **argv) {
    static const char *const text = "ip: fixed 3/min by ip; key: sliding 3/min; n: concurrency 3";
    const ratecell_quota quota = RATECELL_QUOTA_GCRA(3, RATECELL_MINUTES(1), 3);
    static const uint8_t seed[16] = {1};
    ratecell_options options = RATECELL_OPTIONS_INIT;
    ratecell_limiter *limiter;
    ratecell_rules *rules;
    ratecell_table table;
    unsigned long before;
    options.capacity = 8;
    CHECK_EQUAL(RATECELL_OK, ratecell_limiter_create(text, &options, &limiter));
    CHECK_EQUAL(RATECELL_OK, ratecell_rules_create(text, &rules));
    CHECK(allocations > 0);

    before = allocations;
    CHECK_EQUAL(RATECELL_OK, ratecell_table_init(&table, memory, sizeof memory, &quota,
                                                 RATECELL_WHEN_FULL_DENY, seed));
    ask_table(&table, 0);
    ask_table(&table, RATECELL_MINUTES(2));
    ask_limiter(limiter, rules);
    ask_limiter(limiter, rules);
    if (argc > 1 && strcmp(argv[1], "1") == 0) free(malloc(1));
    CHECK_EQUAL(0, allocations - before);

    ratecell_rules_destroy(rules);
    ratecell_limiter_destroy(limiter);
    return 0;
}
