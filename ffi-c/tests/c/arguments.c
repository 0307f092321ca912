/* Every function of the cells with NULL in every place, wrong sizes, misaligned blocks, numbers that
 * mean nothing and lengths that no object has: a status, and nothing written. C99 and C++11. */

#include "arguments.h"

const ratecell_quota *quota_of_another_file(void);

static const ratecell_quota gcra = RATECELL_QUOTA_GCRA(7, RATECELL_SECONDS(1), 3);
static const ratecell_quota fixed = RATECELL_QUOTA_FIXED(7, RATECELL_MINUTES(1));
static const ratecell_quota sliding = RATECELL_QUOTA_SLIDING(7, RATECELL_MINUTES(1), 14);
static const ratecell_quota permits = RATECELL_QUOTA_CONCURRENCY(7);
static const ratecell_quota none = {0, 0, 0, 0, 0, 0};
static const uint8_t seed[RATECELL_SEED_SIZE] = {9};

static void quotas(void) {
    ratecell_quota quota, same;
    ratecell_error error = RATECELL_ERROR_INIT;
    size_t size;
    FILL(quota);
    CHECK_EQUAL(RATECELL_NULL, ratecell_quota_gcra(7, RATECELL_SECONDS(1), 3, NULL));
    CHECK_EQUAL(RATECELL_NULL, ratecell_quota_fixed(7, RATECELL_SECONDS(1), NULL));
    CHECK_EQUAL(RATECELL_NULL, ratecell_quota_sliding(7, RATECELL_SECONDS(1), 14, NULL));
    CHECK_EQUAL(RATECELL_NULL, ratecell_quota_concurrency(7, NULL));
    CHECK_EQUAL(RATECELL_NULL, ratecell_quota_parse(NULL, &quota, NULL));
    CHECK_EQUAL(RATECELL_NULL, ratecell_quota_parse("7/s", NULL, NULL));
    CHECK_EQUAL(RATECELL_MISALIGNED,
                ratecell_quota_gcra(7, RATECELL_SECONDS(1), 3, (ratecell_quota *)off(&quota)));
    CHECK_EQUAL(RATECELL_ZERO_LIMIT, ratecell_quota_gcra(0, RATECELL_SECONDS(1), 3, &quota));
    CHECK_EQUAL(RATECELL_ZERO_BURST, ratecell_quota_gcra(7, RATECELL_SECONDS(1), 0, &quota));
    CHECK_EQUAL(RATECELL_PERIOD, ratecell_quota_gcra(7, 999999, 3, &quota));
    CHECK_EQUAL(RATECELL_PERIOD, ratecell_quota_fixed(7, UINT64_MAX, &quota));
    CHECK_EQUAL(RATECELL_RATE, ratecell_quota_gcra(900000000, RATECELL_SECONDS(1), 1, &quota));
    CHECK_EQUAL(RATECELL_BURST, ratecell_quota_gcra(1, RATECELL_MINUTES(1440), UINT32_MAX, &quota));
    CHECK_EQUAL(RATECELL_LIMIT, ratecell_quota_sliding(8388608, RATECELL_SECONDS(1), 14, &quota));
    CHECK_EQUAL(RATECELL_SEGMENTS, ratecell_quota_sliding(7, RATECELL_SECONDS(1), 63, &quota));
    CHECK_EQUAL(RATECELL_ZERO_LIMIT, ratecell_quota_concurrency(0, &quota));
    CHECK_EQUAL(RATECELL_TEXT, ratecell_quota_parse("7/fortnight", &quota, NULL));
    CHECK_EQUAL(RATECELL_TEXT, ratecell_quota_parse("7/fortnight", &quota, &error));
    CHECK_EQUAL(2, error.offset);
    CHECK_EQUAL(RATECELL_TEXT, error.status);
    CHECK(strstr(error.message, "fortnight") && error.message_len == strlen(error.message));
    error.struct_size = 4;
    CHECK_EQUAL(RATECELL_STRUCT_SIZE, ratecell_quota_parse("7/s", &quota, &error));
    CHECK_EQUAL(RATECELL_UTF8, ratecell_quota_parse("7/s\xff", &quota, NULL));
    CHECK_EQUAL(RATECELL_KIND, ratecell_segments_size(&gcra, &size));
    CHECK_EQUAL(RATECELL_NULL, ratecell_segments_size(NULL, &size));
    CHECK_EQUAL(RATECELL_NULL, ratecell_segments_size(&sliding, NULL));
    UNTOUCHED(quota);

    /* The constants are what the functions make. */
    CHECK_EQUAL(RATECELL_OK, ratecell_quota_gcra(7, RATECELL_SECONDS(1), 3, &same));
    CHECK(memcmp(&same, &gcra, sizeof same) == 0);
    CHECK(memcmp(&same, quota_of_another_file(), sizeof same) == 0);
    CHECK_EQUAL(RATECELL_OK, ratecell_quota_fixed(7, RATECELL_MINUTES(1), &same));
    CHECK(memcmp(&same, &fixed, sizeof same) == 0);
    CHECK_EQUAL(RATECELL_OK, ratecell_quota_parse("sliding 7/min", &same, NULL));
    CHECK(memcmp(&same, &sliding, sizeof same) == 0);
    CHECK_EQUAL(RATECELL_OK, ratecell_quota_concurrency(7, &same));
    CHECK(memcmp(&same, &permits, sizeof same) == 0);
    CHECK_EQUAL(RATECELL_OK, ratecell_segments_size(&sliding, &size));
    CHECK_EQUAL(RATECELL_SEGMENT_WORDS(14) * sizeof(ratecell_segment), size);
}

static void cells(void) {
    static ratecell_tat tat;
    static ratecell_window window;
    static ratecell_held held;
    static ratecell_segment words[16];
    static unsigned char room[sizeof(ratecell_tat) + 8];
    ratecell_rule_decision d;
    ratecell_quota wrong = gcra;
    FILL(d);
    CHECK_EQUAL(RATECELL_NULL, ratecell_tat_acquire(NULL, &gcra, 0, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_tat_acquire(&tat, NULL, 0, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_tat_acquire(&tat, &gcra, 0, 1, NULL));
    CHECK_EQUAL(RATECELL_NULL, ratecell_tat_peek(NULL, &gcra, 0, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_tat_reset(NULL, &gcra));
    CHECK_EQUAL(RATECELL_NULL, ratecell_tat_reset(&tat, NULL));
    CHECK_EQUAL(RATECELL_MISALIGNED,
                ratecell_tat_acquire((ratecell_tat *)(void *)(room + 8 -
                                                              (uintptr_t)room % 8 + 4 - 8),
                                     &gcra, 0, 1, &d));
    CHECK_EQUAL(RATECELL_KIND, ratecell_tat_acquire(&tat, &fixed, 0, 1, &d));
    CHECK_EQUAL(RATECELL_NOT_INITIALIZED, ratecell_tat_acquire(&tat, &none, 0, 1, &d));
    wrong.interval_ns++;
    CHECK_EQUAL(RATECELL_NOT_INITIALIZED, ratecell_tat_acquire(&tat, &wrong, 0, 1, &d));
    wrong = gcra;
    wrong.kind = 77;
    CHECK_EQUAL(RATECELL_NOT_INITIALIZED, ratecell_tat_peek(&tat, &wrong, 0, 1, &d));

    CHECK_EQUAL(RATECELL_NULL, ratecell_window_acquire(NULL, &fixed, 0, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_window_peek(&window, NULL, 0, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_window_reset(NULL, &fixed));
    CHECK_EQUAL(RATECELL_KIND, ratecell_window_acquire(&window, &gcra, 0, 1, &d));
    wrong = fixed;
    wrong.period_ns = 1;
    CHECK_EQUAL(RATECELL_PERIOD, ratecell_window_acquire(&window, &wrong, 0, 1, &d));

    CHECK_EQUAL(RATECELL_NULL, ratecell_held_acquire(NULL, &permits, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_held_peek(&held, &permits, 1, NULL));
    CHECK_EQUAL(RATECELL_NULL, ratecell_held_release(NULL, 1));
    CHECK_EQUAL(RATECELL_RELEASE, ratecell_held_release(&held, 1));
    CHECK_EQUAL(RATECELL_KIND, ratecell_held_acquire(&held, &sliding, 1, &d));

    CHECK_EQUAL(RATECELL_NULL, ratecell_segments_acquire(NULL, 16, &sliding, 0, 1, &d));
    CHECK_EQUAL(RATECELL_TOO_SMALL, ratecell_segments_acquire(words, 15, &sliding, 0, 1, &d));
    CHECK_EQUAL(RATECELL_TOO_SMALL, ratecell_segments_peek(words, 0, &sliding, 0, 1, &d));
    CHECK_EQUAL(RATECELL_TOO_SMALL, ratecell_segments_reset(words, 15, &sliding));
    CHECK_EQUAL(RATECELL_LENGTH, ratecell_segments_acquire(words, SIZE_MAX / 8, &sliding, 0, 1, &d));
    UNTOUCHED(d);
    CHECK(tat.word == 0 && window.word == 0 && held.word == 0 && words[0].word == 0);

    CHECK_EQUAL(RATECELL_OK, ratecell_tat_acquire(&tat, &gcra, 0, 1, &d));
    CHECK_EQUAL(2, d.remaining);
    CHECK_EQUAL(RATECELL_OK, ratecell_tat_reset(&tat, &gcra));
    CHECK_EQUAL(RATECELL_OK, ratecell_tat_peek(&tat, &gcra, 0, 1, &d));
    CHECK_EQUAL(3, d.remaining);
    CHECK_EQUAL(RATECELL_OK, ratecell_segments_acquire(words, 16, &sliding, 0, 2, &d));
    CHECK_EQUAL(RATECELL_OK, ratecell_segments_reset(words, 16, &sliding));
    CHECK_EQUAL(RATECELL_OK, ratecell_segments_peek(words, 16, &sliding, 0, 2, &d));
    CHECK_EQUAL(7, d.remaining);
}

static void tables(void) {
    static RATECELL_ALIGNED(128) unsigned char memory[RATECELL_TABLE_SIZE(0, 10)];
    static RATECELL_ALIGNED(128) unsigned char sliding_memory[RATECELL_TABLE_SIZE(14, 10)];
    const uint32_t deny = RATECELL_WHEN_FULL_DENY;
    ratecell_table table, second;
    static ratecell_table zeros;
    ratecell_rule_decision d;
    ratecell_counts counts = RATECELL_COUNTS_INIT;
    ratecell_quota longer = fixed;
    size_t size = 0;
    FILL(table);
    FILL(d);
    CHECK_EQUAL(RATECELL_NULL, ratecell_table_size(NULL, 10, &size));
    CHECK_EQUAL(RATECELL_NULL, ratecell_table_size(&gcra, 10, NULL));
    CHECK_EQUAL(RATECELL_CAPACITY, ratecell_table_size(&gcra, 0, &size));
    CHECK_EQUAL(RATECELL_TOO_LARGE, ratecell_table_size(&gcra, SIZE_MAX, &size));
    CHECK_EQUAL(RATECELL_TOO_LARGE, ratecell_table_size(&gcra, SIZE_MAX / 20, &size));
    CHECK_EQUAL(RATECELL_NOT_INITIALIZED, ratecell_table_size(&none, 10, &size));
    CHECK_EQUAL(0, size);
    CHECK_EQUAL(RATECELL_OK, ratecell_table_size(&gcra, 10, &size));
    CHECK_EQUAL(sizeof memory, size);
    CHECK_EQUAL(RATECELL_OK, ratecell_table_size(&sliding, 10, &size));
    CHECK_EQUAL(sizeof sliding_memory, size);
    CHECK_EQUAL(RATECELL_OK, ratecell_table_size(&gcra, 1001, &size));
    CHECK_EQUAL(RATECELL_TABLE_SIZE(0, 1001), size);
    CHECK_EQUAL(RATECELL_OK, ratecell_table_size(&sliding, 1001, &size));
    CHECK_EQUAL(RATECELL_TABLE_SIZE(14, 1001), size);

    size = sizeof memory;
    CHECK_EQUAL(RATECELL_NULL, ratecell_table_init(NULL, memory, size, &gcra, deny, seed));
    CHECK_EQUAL(RATECELL_NULL, ratecell_table_init(&table, NULL, size, &gcra, deny, seed));
    CHECK_EQUAL(RATECELL_NULL, ratecell_table_init(&table, memory, size, NULL, deny, seed));
    CHECK_EQUAL(RATECELL_NULL, ratecell_table_init(&table, memory, size, &gcra, deny, NULL));
    CHECK_EQUAL(RATECELL_NUMBER, ratecell_table_init(&table, memory, size, &gcra, 0, seed));
    CHECK_EQUAL(RATECELL_NUMBER, ratecell_table_init(&table, memory, size, &gcra, 3, seed));
    CHECK_EQUAL(RATECELL_TOO_SMALL, ratecell_table_init(&table, memory, 0, &gcra, deny, seed));
    CHECK_EQUAL(RATECELL_TOO_SMALL, ratecell_table_init(&table, memory, 128, &gcra, deny, seed));
    CHECK_EQUAL(RATECELL_LENGTH, ratecell_table_init(&table, memory, too_long, &gcra, deny, seed));
    CHECK_EQUAL(RATECELL_MISALIGNED,
                ratecell_table_init(&table, off(memory), size - 1, &gcra, deny, seed));
    CHECK_EQUAL(RATECELL_NOT_INITIALIZED,
                ratecell_table_init(&table, memory, size, &none, deny, seed));
    CHECK_EQUAL(RATECELL_NULL, ratecell_table_attach(NULL, memory, size, &gcra, deny));
    CHECK_EQUAL(RATECELL_NULL, ratecell_table_attach(&table, NULL, size, &gcra, deny));
    CHECK_EQUAL(RATECELL_NULL, ratecell_table_attach(&table, memory, size, NULL, deny));
    CHECK_EQUAL(RATECELL_NUMBER, ratecell_table_attach(&table, memory, size, &gcra, 99));
    CHECK_EQUAL(RATECELL_NOT_A_TABLE, ratecell_table_attach(&table, memory, size, &gcra, deny));
    CHECK_EQUAL(RATECELL_NOT_INITIALIZED, ratecell_table_acquire(&table, "k", 1, 0, 1, &d));
    UNTOUCHED(table);
    CHECK_EQUAL(RATECELL_NOT_INITIALIZED, ratecell_table_acquire(&zeros, "k", 1, 0, 1, &d));

    CHECK_EQUAL(RATECELL_OK, ratecell_table_init(&table, memory, size, &fixed, deny, seed));
    CHECK_EQUAL(RATECELL_NULL, ratecell_table_acquire(NULL, "k", 1, 0, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_table_acquire(&table, NULL, 1, 0, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_table_acquire(&table, NULL, 0, 0, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_table_acquire(&table, "k", 1, 0, 1, NULL));
    CHECK_EQUAL(RATECELL_LENGTH, ratecell_table_acquire(&table, "k", too_long, 0, 1, &d));
    CHECK_EQUAL(RATECELL_LENGTH, ratecell_table_peek(&table, "k", SIZE_MAX, 0, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_table_peek(&table, NULL, 1, 0, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_table_reset(&table, NULL, 1));
    CHECK_EQUAL(RATECELL_NULL, ratecell_table_release(NULL, "k", 1, 1));
    CHECK_EQUAL(RATECELL_RELEASE, ratecell_table_release(&table, "k", 1, 1));
    CHECK_EQUAL(RATECELL_NULL, ratecell_table_acquire_with(&table, NULL, "k", 1, 0, 1, &d));
    CHECK_EQUAL(RATECELL_OTHER_RULES, ratecell_table_acquire_with(&table, &gcra, "k", 1, 0, 1, &d));
    longer.period_ns *= 2;
    CHECK_EQUAL(RATECELL_OTHER_RULES,
                ratecell_table_acquire_with(&table, &longer, "k", 1, 0, 1, &d));
    CHECK_EQUAL(RATECELL_NULL, ratecell_table_stats(&table, NULL));
    CHECK_EQUAL(RATECELL_NULL, ratecell_table_stats(NULL, &counts));
    counts.struct_size--;
    CHECK_EQUAL(RATECELL_STRUCT_SIZE, ratecell_table_stats(&table, &counts));
    counts.struct_size++;
    UNTOUCHED(d);

    /* A second handle to the same memory, as another process would have. */
    CHECK_EQUAL(RATECELL_OK, ratecell_table_acquire(&table, "k", 1, 0, 5, &d));
    CHECK_EQUAL(RATECELL_OK, ratecell_table_attach(&second, memory, size, &fixed, deny));
    CHECK_EQUAL(RATECELL_OTHER_LAYOUT, ratecell_table_attach(&second, memory, size, &gcra, deny));
    CHECK_EQUAL(RATECELL_OK, ratecell_table_peek(&second, "k", 1, 0, 1, &d));
    CHECK_EQUAL(2, d.remaining);
    CHECK_EQUAL(RATECELL_OK, ratecell_table_stats(&second, &counts));
    CHECK(counts.keys == 1 && counts.inserted == 1 && counts.slots == 16);
    CHECK_EQUAL(RATECELL_OK, ratecell_table_reset(&second, "k", 1));
    CHECK_EQUAL(RATECELL_OK, ratecell_table_peek(&table, "k", 1, 0, 1, &d));
    CHECK_EQUAL(7, d.remaining);
}

static void statuses(void) {
    ratecell_status status;
    for (status = -130; status <= 10; status++) {
        const char *text = ratecell_status_text(status);
        CHECK(text && *text);
    }
    CHECK(ratecell_status_text(INT32_MIN) == ratecell_status_text(INT32_MAX));
}

int main(void) {
    quotas();
    cells();
    tables();
    statuses();
    return 0;
}
