/* What a call from C costs beside one from Rust, in one run: ratecell_acquire of the shared library
 * in a loop in C, and Limiter::acquire in the same loop in Rust (src/lib.rs says what the boundary
 * is). Rounds alternate; the ratio is the median of the rounds' ratios, on the thread's CPU clock.
 * Budget: 1.1. */

#define _POSIX_C_SOURCE 200809L

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ratecell.h"

typedef struct {
    const uint8_t *data;
    size_t len;
} bench_key;

const void *bench_rust_create(const char *text);
uint64_t bench_rust_loop(const void *limiter, const bench_key *keys, size_t count);

enum { KEYS = 10000, MOST_ROUNDS = 301 };

static int rounds = MOST_ROUNDS;

static uint64_t c_loop(const ratecell_limiter *limiter, const bench_key *keys, size_t count) {
    ratecell_decision decision = RATECELL_DECISION_INIT;
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (ratecell_acquire(limiter, keys[i].data, keys[i].len, 1, &decision) == RATECELL_OK) {
            sum += decision.allowed + decision.remaining;
        }
    }
    return sum;
}

static double cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_value(const void *left, const void *right) {
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *values) {
    qsort(values, (size_t)rounds, sizeof *values, by_value);
    return values[rounds / 2];
}

static volatile uint64_t sink;

static int compare(const char *what, const char *rules, const bench_key *keys) {
    static double in_c[MOST_ROUNDS], in_rust[MOST_ROUNDS], ratio[MOST_ROUNDS];
    ratecell_limiter *limiter;
    const void *rust = bench_rust_create(rules);
    if (!rust || ratecell_limiter_create(rules, NULL, &limiter)) return 1;
    for (int round = 0; round < rounds; round++) {
        /* Each goes first in half of the rounds. */
        for (int turn = 0; turn < 2; turn++) {
            const double start = cpu_ns();
            if ((turn + round) % 2) {
                sink += c_loop(limiter, keys, KEYS);
                in_c[round] = (cpu_ns() - start) / KEYS;
            } else {
                sink += bench_rust_loop(rust, keys, KEYS);
                in_rust[round] = (cpu_ns() - start) / KEYS;
            }
        }
        ratio[round] = in_c[round] / in_rust[round];
    }
    printf("  %-34s %7.1f ns %7.1f ns %7.2f\n", what, median(in_c), median(in_rust), median(ratio));
    ratecell_limiter_destroy(limiter);
    return 0;
}

/* An argument, whatever it is, asks for a few rounds only, to see that it runs. */
int main(int count, char **arguments) {
    static char texts[KEYS][24];
    static bench_key many[KEYS], one[KEYS];
    (void)arguments;
    if (count > 1) rounds = 3;
    for (int i = 0; i < KEYS; i++) {
        many[i].data = (const uint8_t *)texts[i];
        many[i].len = (size_t)snprintf(texts[i], sizeof texts[i], "customer-%05d", i);
        one[i] = many[0];
    }
    printf("  %-34s %10s %10s %7s\n", "one call, system clock, key of 14", "C", "Rust", "ratio");
    return compare("gcra, one key, allowed", "100000000/s burst 4000000", one) ||
           compare("gcra, one key, denied", "1/h", one) ||
           compare("gcra, 10,000 keys, allowed", "1000000/s burst 1000000", many) ||
           compare("fixed, 10,000 keys, allowed", "fixed 4000000000/d", many) ||
           compare("sliding, 10,000 keys, allowed", "sliding 8000000/d", many) ||
           compare("three rules, one key, allowed",
                   "1000000/s burst 1000000; fixed 4000000000/d; sliding 8000000/d", many);
}
