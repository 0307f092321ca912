/* Runs the conformance cases through the C ABI and counts them: on bare cells, on a table over
 * memory of its own, and on limiters, with the time passed in and with a clock function.
 * C99 and C++11. The cases come on standard input as the lines that `lines` prints. With
 * RATECELL_FREESTANDING it runs those of one rule on cells and tables, and passes over the plans. */

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "ratecell.h"

enum { MAX_WORDS = 256, MAX_LINE = 65536, TABLE_KEYS = 64, PLAN_KEYS = 1024 };

typedef struct {
    char *word[MAX_WORDS];
    int count;
    int next;
} words;

static char line[MAX_LINE];
static unsigned long line_number;
static const char *pass;

static void fail(const char *what, const char *expected, uint64_t found) {
    fprintf(stderr, "line %lu, %s: %s: expected %s, found %" PRIu64 "\n", line_number, pass, what,
            expected, found);
    exit(1);
}

static int read_line(words *all) {
    char *word;
    if (!fgets(line, sizeof line, stdin)) return 0;
    line_number++;
    CHECK(strchr(line, '\n'));
    all->count = all->next = 0;
    for (word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) {
        CHECK(all->count < MAX_WORDS);
        all->word[all->count++] = word;
    }
    return 1;
}

static const char *take(words *all) {
    CHECK(all->next < all->count);
    return all->word[all->next++];
}

/* The rest of a line; no longer than the line was. */
static void take_text(words *all, char *text) {
    *text = 0;
    while (all->next < all->count) {
        strcat(text, take(all));
        if (all->next < all->count) strcat(text, " ");
    }
}

static uint64_t number(const char *word) {
    char *end;
    uint64_t value = strtoull(word, &end, 10);
    CHECK(*word >= '0' && *word <= '9' && *end == 0);
    return value;
}

static uint32_t verdict_of(const char *word) {
    if (strcmp(word, "allow") == 0) return RATECELL_ALLOW;
    if (strcmp(word, "deny") == 0) return RATECELL_DENY;
    CHECK(strcmp(word, "never") == 0);
    return RATECELL_NEVER;
}

static void same(const char *what, const char *expected, uint64_t found) {
    uint64_t wanted = strcmp(expected, "-") == 0 ? RATECELL_UNKNOWN : number(expected);
    if (wanted != found) fail(what, expected, found);
}

static void same_answer(words *all, const ratecell_rule_decision *found) {
    const char *verdict = take(all);
    if (verdict_of(verdict) != found->verdict) fail("verdict", verdict, found->verdict);
    same("limit", take(all), found->limit);
    same("remaining", take(all), found->remaining);
    same("retry_after_ns", take(all), found->retry_after_ns);
    same("reset_after_ns", take(all), found->reset_after_ns);
}

#if defined(RATECELL_HOSTED)
/* The time of the clock function. */
static uint64_t read_clock(void *context) { return *(const uint64_t *)context; }
#endif

/* One cell: bare, or in a table under a key. */
typedef struct {
    ratecell_quota quota;
    ratecell_tat tat;
    ratecell_window window;
    ratecell_held held;
    ratecell_segment segments[RATECELL_SEGMENT_WORDS(62)];
    ratecell_table table;
    /* 170 bytes a key are enough for 14 segments; a case has one key, so 62 fit too. */
    RATECELL_ALIGNED(128) unsigned char memory[RATECELL_TABLE_SIZE(62, TABLE_KEYS)];
} cell;

static cell subject;

static ratecell_status bare(int peek, uint64_t now_ns, uint32_t cost, ratecell_rule_decision *d) {
    cell *c = &subject;
    switch (c->quota.kind) {
        case RATECELL_GCRA:
            return (peek ? ratecell_tat_peek : ratecell_tat_acquire)(&c->tat, &c->quota, now_ns,
                                                                     cost, d);
        case RATECELL_FIXED:
            return (peek ? ratecell_window_peek : ratecell_window_acquire)(&c->window, &c->quota,
                                                                           now_ns, cost, d);
        case RATECELL_SLIDING:
            return (peek ? ratecell_segments_peek : ratecell_segments_acquire)(
                c->segments, RATECELL_SEGMENT_WORDS(c->quota.segments), &c->quota, now_ns, cost, d);
        default:
            return (peek ? ratecell_held_peek : ratecell_held_acquire)(&c->held, &c->quota, cost,
                                                                       d);
    }
}

static void single(words *all, unsigned long *steps) {
    static const uint8_t seed[RATECELL_SEED_SIZE] = {1, 2, 3};
    uint64_t count, clock_ns = 0;
    static char text[MAX_LINE];
    ratecell_error error = RATECELL_ERROR_INIT;
#if defined(RATECELL_HOSTED)
    ratecell_options options = RATECELL_OPTIONS_INIT;
    ratecell_limiter *limiter, *clocked;
#endif

    take(all);
    count = number(take(all));
    take_text(all, text);
    memset(&subject, 0, sizeof subject);
    if (ratecell_quota_parse(text, &subject.quota, &error)) fail(text, error.message, 0);
    CHECK_EQUAL(RATECELL_OK, ratecell_table_init(&subject.table, subject.memory,
                                                 sizeof subject.memory, &subject.quota,
                                                 RATECELL_WHEN_FULL_DENY, seed));
#if defined(RATECELL_HOSTED)
    options.capacity = TABLE_KEYS;
    CHECK_EQUAL(RATECELL_OK, ratecell_limiter_create(text, &options, &limiter));
    options.clock = read_clock;
    options.clock_context = &clock_ns;
    CHECK_EQUAL(RATECELL_OK, ratecell_limiter_create(text, &options, &clocked));
#endif

    for (; count > 0; count--, (*steps)++) {
        const char *op;
        ratecell_rule_decision d;
#if defined(RATECELL_HOSTED)
        const ratecell_key key = {NULL, "k", 1};
        ratecell_decision whole = RATECELL_DECISION_INIT;
#endif
        int answers, peek;
        uint32_t cost;
        CHECK(read_line(all));
        op = take(all);
        if (strcmp(op, "release") == 0) {
            int ok;
            cost = (uint32_t)number(take(all));
            ok = (int)number(take(all));
            if (subject.quota.kind == RATECELL_CONCURRENCY) {
                pass = "bare cell";
                CHECK_EQUAL(ok ? RATECELL_OK : RATECELL_RELEASE,
                            ratecell_held_release(&subject.held, cost));
            }
            pass = "table";
            CHECK_EQUAL(ok ? RATECELL_OK : RATECELL_RELEASE,
                        ratecell_table_release(&subject.table, "k", 1, cost));
#if defined(RATECELL_HOSTED)
            pass = "limiter";
            if (subject.quota.kind == RATECELL_CONCURRENCY) {
                CHECK_EQUAL(ok ? RATECELL_OK : RATECELL_RELEASE,
                            ratecell_release(limiter, "k", 1, cost));
                CHECK_EQUAL(ok ? RATECELL_OK : RATECELL_RELEASE,
                            ratecell_release_keys(clocked, &key, 1, cost));
            }
#endif
            continue;
        }
        peek = strcmp(op, "peek") == 0;
        CHECK(peek || strcmp(op, "acquire") == 0);
        clock_ns = number(take(all));
        cost = (uint32_t)number(take(all));
        answers = all->next;

        pass = "bare cell";
        CHECK_EQUAL(RATECELL_OK, bare(peek, clock_ns, cost, &d));
        same_answer(all, &d);

        pass = "table";
        all->next = answers;
        CHECK_EQUAL(RATECELL_OK,
                    (peek ? ratecell_table_peek : ratecell_table_acquire)(&subject.table, "k", 1,
                                                                          clock_ns, cost, &d));
        same_answer(all, &d);

#if defined(RATECELL_HOSTED)
        pass = "limiter at a time";
        all->next = answers;
        CHECK_EQUAL(RATECELL_OK, (peek ? ratecell_peek_at : ratecell_acquire_at)(
                                     limiter, clock_ns, &key, 1, cost, &whole));
        CHECK_EQUAL(1, whole.rules_len);
        same_answer(all, &whole.rules[0]);

        pass = "limiter with a clock";
        all->next = answers;
        CHECK_EQUAL(RATECELL_OK,
                    (peek ? ratecell_peek : ratecell_acquire)(clocked, "k", 1, cost, &whole));
        same_answer(all, &whole.rules[0]);
        CHECK_EQUAL(whole.rules[0].verdict, whole.verdict);
        CHECK_EQUAL(whole.rules[0].remaining, whole.remaining);
        CHECK_EQUAL(whole.verdict == RATECELL_ALLOW, whole.allowed);
#endif
        CHECK(all->next == all->count);
    }
#if defined(RATECELL_HOSTED)
    ratecell_limiter_destroy(limiter);
    ratecell_limiter_destroy(clocked);
#endif
}

#if defined(RATECELL_HOSTED)

static unsigned char digit(char c) {
    const char *digits = "0123456789abcdef";
    const char *at = strchr(digits, c);
    CHECK(at && c);
    return (unsigned char)(at - digits);
}

static size_t take_keys(words *all, ratecell_key *keys) {
    static unsigned char bytes[MAX_LINE];
    size_t used = 0, i, count = (size_t)number(take(all));
    CHECK(count <= RATECELL_MAX_KEYS);
    for (i = 0; i < count; i++) {
        const char *hex;
        keys[i].dimension = take(all);
        hex = take(all) + 1;
        keys[i].data = bytes + used;
        keys[i].len = strlen(hex) / 2;
        for (; *hex; hex += 2) {
            CHECK(used < sizeof bytes);
            bytes[used++] = (unsigned char)(digit(hex[0]) << 4 | digit(hex[1]));
        }
    }
    return count;
}

static void same_decision(words *all, const ratecell_limiter *limiter, const ratecell_decision *d) {
    const char *governing = take(all);
    const char *found = ratecell_rule_name(limiter, d->rule);
    uint64_t rules = number(take(all));
    uint32_t i;
    if (strcmp(governing, "-") == 0) CHECK(d->rule == RATECELL_NO_RULE && d->allowed && !found);
    else if (!found || strcmp(governing, found) != 0) fail("governing", governing, d->rule);
    CHECK_EQUAL(rules, d->rules_len);
    for (i = 0; i < d->rules_len; i++) {
        const ratecell_rule_decision *own = &d->rules[i];
        CHECK(strcmp(take(all), ratecell_rule_name(limiter, own->rule)) == 0);
        same_answer(all, own);
        if (own->rule == d->rule) {
            CHECK(own->verdict == d->verdict && own->limit == d->limit &&
                  own->remaining == d->remaining && own->retry_after_ns == d->retry_after_ns &&
                  own->reset_after_ns == d->reset_after_ns);
        }
    }
    CHECK(all->next == all->count);
}

static void plan(words *all, unsigned long *steps) {
    uint64_t count, clock_ns = 0;
    static char text[MAX_LINE];
    ratecell_options options = RATECELL_OPTIONS_INIT;
    ratecell_limiter *limiter, *clocked;

    take(all);
    count = number(take(all));
    take_text(all, text);
    options.capacity = PLAN_KEYS;
    CHECK_EQUAL(RATECELL_OK, ratecell_limiter_create(text, &options, &limiter));
    options.clock = read_clock;
    options.clock_context = &clock_ns;
    CHECK_EQUAL(RATECELL_OK, ratecell_limiter_create(text, &options, &clocked));

    for (; count > 0; count--, (*steps)++) {
        ratecell_key keys[RATECELL_MAX_KEYS];
        ratecell_decision d = RATECELL_DECISION_INIT;
        size_t keys_len;
        int answers, peek;
        uint32_t cost;
        const char *op;
        CHECK(read_line(all));
        op = take(all);
        if (strcmp(op, "release") == 0) {
            cost = (uint32_t)number(take(all));
            keys_len = take_keys(all, keys);
            CHECK_EQUAL(RATECELL_OK, ratecell_release_keys(limiter, keys, keys_len, cost));
            CHECK_EQUAL(RATECELL_OK, ratecell_release_keys(clocked, keys, keys_len, cost));
            continue;
        }
        peek = strcmp(op, "peek") == 0;
        CHECK(peek || strcmp(op, "acquire") == 0);
        clock_ns = number(take(all));
        cost = (uint32_t)number(take(all));
        keys_len = take_keys(all, keys);
        answers = all->next;
        pass = "limiter at a time";
        CHECK_EQUAL(RATECELL_OK, (peek ? ratecell_peek_at : ratecell_acquire_at)(
                                     limiter, clock_ns, keys, keys_len, cost, &d));
        same_decision(all, limiter, &d);
        pass = "limiter with a clock";
        all->next = answers;
        CHECK_EQUAL(RATECELL_OK, (peek ? ratecell_peek_keys : ratecell_acquire_keys)(
                                     clocked, keys, keys_len, cost, &d));
        same_decision(all, clocked, &d);
    }
    ratecell_limiter_destroy(limiter);
    ratecell_limiter_destroy(clocked);
}

#else

/* A plan is several tables acquired all or nothing, which takes the limiter. */
static void plan(words *all, unsigned long *steps) {
    uint64_t count;
    (void)steps;
    take(all);
    for (count = number(take(all)); count > 0; count--) CHECK(read_line(all));
}

#endif

int main(void) {
    static words all;
    unsigned long singles = 0, plans = 0, steps = 0;
    while (read_line(&all)) {
        const char *kind = take(&all);
        if (strcmp(kind, "single") == 0) {
            single(&all, &steps);
            singles++;
        } else {
            CHECK(strcmp(kind, "plan") == 0);
            plan(&all, &steps);
            plans++;
        }
    }
    /* A run of nothing must not pass. */
    CHECK(singles > 0 && plans > 0 && steps > singles + plans);
#if defined(RATECELL_HOSTED)
    printf("%lu cases on cells, tables and limiters, %lu on plans, %lu steps\n", singles, plans,
           steps);
#else
    printf("%lu cases on cells and tables, %lu steps\n", singles, steps);
#endif
    return 0;
}
