/* One limiter for a service. To build it:
 *   cc limiter.c $(pkg-config --cflags --libs ratecell) */

#include <inttypes.h>
#include <stdio.h>

#include <ratecell.h>

int main(void) {
    ratecell_options options = RATECELL_OPTIONS_INIT;
    ratecell_limiter *limiter;
    ratecell_decision decision = RATECELL_DECISION_INIT;
    ratecell_error error = RATECELL_ERROR_INIT;
    const ratecell_key keys[] = {{"ip", "\xc0\x00\x02\x01", 4}, {"key", "alice", 5}};

    options.capacity = 100000; /* keys at once, for each rule; memory is taken now */
    if (ratecell_limiter_create("ip: fixed 300/min by ip; key: sliding 3/min", &options, &limiter)) {
        ratecell_last_error(&error);
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    for (int call = 1; call <= 4; call++) {
        if (ratecell_acquire_keys(limiter, keys, 2, 1, &decision)) {
            ratecell_last_error(&error);
            fprintf(stderr, "%s\n", error.message);
            return 1;
        }
        if (decision.allowed) {
            printf("call %d passes, %" PRIu32 " of %" PRIu32 " left\n", call, decision.remaining,
                   decision.limit);
        } else {
            printf("call %d is refused by %s, retry after %" PRIu64 " ms\n", call,
                   ratecell_rule_name(limiter, decision.rule), decision.retry_after_ns / 1000000);
        }
    }
    ratecell_limiter_destroy(limiter);
    return 0;
}
