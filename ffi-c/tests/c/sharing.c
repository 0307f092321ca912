/* What the cells are for: a table in memory that processes share, and a cell that a signal handler
 * takes from while the program does. Not one unit too many, and not one too few: each catches, for
 * example, a table that attaching makes anew, and a charge that is not one atomic step. C99, POSIX. */

#define _DEFAULT_SOURCE

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "ratecell.h"

enum { CHILDREN = 4, CALLS = 20000, LIMIT = 30000 };

static const ratecell_quota sliding = RATECELL_QUOTA_SLIDING(LIMIT, RATECELL_MINUTES(60), 14);
static const ratecell_quota fixed = RATECELL_QUOTA_FIXED(LIMIT, RATECELL_MINUTES(60));
static const uint32_t deny = RATECELL_WHEN_FULL_DENY;

static void processes(void) {
    static const uint8_t seed[RATECELL_SEED_SIZE] = {8};
    const size_t size = RATECELL_TABLE_SIZE(14, 10);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ratecell_table table;
    long all = 0;
    int child, ends[2];
    CHECK(memory != MAP_FAILED && pipe(ends) == 0);
    CHECK_EQUAL(RATECELL_OK, ratecell_table_init(&table, memory, size, &sliding, deny, seed));
    for (child = 0; child < CHILDREN; child++) {
        pid_t id = fork();
        CHECK(id >= 0);
        if (id == 0) {
            ratecell_table mine;
            ratecell_rule_decision decision;
            long given = 0;
            int call;
            CHECK_EQUAL(RATECELL_OK, ratecell_table_attach(&mine, memory, size, &sliding, deny));
            for (call = 0; call < CALLS; call++) {
                CHECK_EQUAL(RATECELL_OK, ratecell_table_acquire(&mine, "shared", 6,
                                                                RATECELL_SECONDS(5), 1, &decision));
                given += decision.verdict == RATECELL_ALLOW;
            }
            CHECK(write(ends[1], &given, sizeof given) == (ssize_t)sizeof given);
            _exit(0);
        }
    }
    for (child = 0; child < CHILDREN; child++) {
        long given;
        int status;
        CHECK(wait(&status) > 0 && status == 0);
        CHECK(read(ends[0], &given, sizeof given) == (ssize_t)sizeof given);
        all += given;
    }
    /* 80,000 calls asked for 30,000 units. */
    CHECK_EQUAL(LIMIT, all);
    CHECK(munmap(memory, size) == 0);
}

static ratecell_window shared;
static volatile sig_atomic_t signals, by_signal;

static void on_signal(int number) {
    ratecell_rule_decision decision;
    (void)number;
    signals++;
    if (ratecell_window_acquire(&shared, &fixed, RATECELL_SECONDS(5), 1, &decision) == RATECELL_OK) {
        by_signal += decision.verdict == RATECELL_ALLOW;
    }
}

static void signals_and_program(void) {
    const struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
    ratecell_rule_decision decision;
    long by_program = 0;
    signal(SIGALRM, on_signal);
    CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
    /* Until some signals have come, and then until nothing is left. */
    while (by_program < LIMIT - 1000 || signals < 20 || by_program + by_signal < LIMIT) {
        if (by_program >= LIMIT - 1000 && signals < 20) continue;
        CHECK_EQUAL(RATECELL_OK, ratecell_window_acquire(&shared, &fixed, RATECELL_SECONDS(5), 1,
                                                         &decision));
        if (decision.verdict != RATECELL_ALLOW) break;
        by_program++;
    }
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
    CHECK(by_signal > 0);
    CHECK_EQUAL(LIMIT, by_program + by_signal);
}

int main(void) {
    processes();
    signals_and_program();
    printf("%d processes share a table, and a program and its signal handler a cell\n", CHILDREN);
    return 0;
}
