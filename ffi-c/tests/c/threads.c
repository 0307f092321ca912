/* Threads on one limiter, one table and one cell through the C ABI: not one unit too many, and not
 * one too few. It catches, for example, a handle that is not shared (each thread would get the
 * whole burst), and a charge that is lost between two of them (fewer would pass). C99, POSIX. */

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "ratecell.h"

enum { THREADS = 8, CALLS = 20000, LIMIT = 30000, KEYS = 16, PERMITS = 3 };

static const ratecell_quota gcra = RATECELL_QUOTA_GCRA(LIMIT, RATECELL_MINUTES(60), LIMIT);
static const ratecell_quota sliding = RATECELL_QUOTA_SLIDING(LIMIT, RATECELL_MINUTES(60), 14);

static ratecell_limiter *limiter;
static ratecell_table table;
static ratecell_tat cell;
static RATECELL_ALIGNED(128) unsigned char memory[RATECELL_TABLE_SIZE(14, KEYS)];
static pthread_barrier_t start;

/* What a thread was given. */
typedef struct {
    unsigned number;
    long from_limiter, from_table, from_cell, held;
} tally;

static long running, most_running;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void enter(void) {
    pthread_mutex_lock(&lock);
    running++;
    if (running > most_running) most_running = running;
    pthread_mutex_unlock(&lock);
}

static void leave(void) {
    pthread_mutex_lock(&lock);
    running--;
    pthread_mutex_unlock(&lock);
}

static void *run(void *argument) {
    tally *mine = (tally *)argument;
    const ratecell_key inflight = {"slot", "s", 1};
    int i;
    pthread_barrier_wait(&start);
    for (i = 0; i < CALLS; i++) {
        ratecell_decision whole = RATECELL_DECISION_INIT;
        ratecell_rule_decision one;
        ratecell_permit *permit = NULL;
        const ratecell_key key = {"key", "k", 1};
        /* A clock of each thread's own, some steps apart and not in order. */
        uint64_t now_ns = RATECELL_SECONDS(1) + (uint64_t)((i * 7 + (int)mine->number) % 50);

        CHECK_EQUAL(RATECELL_OK, ratecell_acquire_at(limiter, now_ns, &key, 1, 1, &whole));
        mine->from_limiter += whole.allowed;
        CHECK_EQUAL(RATECELL_OK, ratecell_table_acquire(&table, "k", 1, now_ns, 1, &one));
        mine->from_table += one.verdict == RATECELL_ALLOW;
        CHECK_EQUAL(RATECELL_OK, ratecell_tat_acquire(&cell, &gcra, now_ns, 1, &one));
        mine->from_cell += one.verdict == RATECELL_ALLOW;
        if (i % 10 == 0) {
            CHECK_EQUAL(RATECELL_OK, ratecell_hold(limiter, &inflight, 1, 1, &whole, &permit));
            CHECK((permit != NULL) == (whole.allowed == 1));
            if (permit) {
                enter();
                mine->held++;
                leave();
                ratecell_permit_release(permit);
            }
        }
        /* Errors are each thread's own. */
        if (i == (int)mine->number) {
            ratecell_error error = RATECELL_ERROR_INIT;
            CHECK_EQUAL(mine->number % 2 ? RATECELL_NULL : RATECELL_LENGTH,
                        ratecell_acquire(limiter, mine->number % 2 ? NULL : "k", SIZE_MAX, 1,
                                         &whole));
            CHECK_EQUAL(RATECELL_OK, ratecell_last_error(&error));
            CHECK_EQUAL(mine->number % 2 ? RATECELL_NULL : RATECELL_LENGTH, error.status);
        }
    }
    return NULL;
}

int main(void) {
    static const uint8_t seed[RATECELL_SEED_SIZE] = {5};
    static tally tallies[THREADS];
    pthread_t threads[THREADS];
    ratecell_decision d = RATECELL_DECISION_INIT;
    const ratecell_key inflight = {"slot", "s", 1};
    tally all = {0, 0, 0, 0, 0};
    unsigned i;
    CHECK_EQUAL(RATECELL_OK,
                ratecell_limiter_create("key: fixed 30000/h; inflight: concurrency 3 by slot", NULL,
                                        &limiter));
    CHECK_EQUAL(RATECELL_OK, ratecell_table_init(&table, memory, sizeof memory, &sliding,
                                                 RATECELL_WHEN_FULL_DENY, seed));
    CHECK(pthread_barrier_init(&start, NULL, THREADS) == 0);
    for (i = 0; i < THREADS; i++) {
        tallies[i].number = i;
        CHECK(pthread_create(&threads[i], NULL, run, &tallies[i]) == 0);
    }
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        all.from_limiter += tallies[i].from_limiter;
        all.from_table += tallies[i].from_table;
        all.from_cell += tallies[i].from_cell;
        all.held += tallies[i].held;
    }
    /* 160,000 calls asked for 30,000 units: exactly those pass, as no unit comes back meanwhile. */
    CHECK_EQUAL(LIMIT, all.from_limiter);
    CHECK_EQUAL(LIMIT, all.from_table);
    CHECK_EQUAL(LIMIT, all.from_cell);
    /* Never more than three at once, and all are back. How many passed is up to the scheduler, but
     * a call is refused only while three hold, so the first three passed. */
    CHECK(most_running <= PERMITS);
    CHECK(all.held >= PERMITS);
    CHECK_EQUAL(RATECELL_OK, ratecell_peek_keys(limiter, &inflight, 1, 1, &d));
    CHECK_EQUAL(PERMITS, d.remaining);
    ratecell_limiter_destroy(limiter);
    printf("%d threads were given %d units each of a limiter, a table and a cell\n", THREADS,
           LIMIT);
    return 0;
}
