#include <stdio.h>

#include <ratecell.h>

int main(void) {
    const char *rules = "ip: fixed 300/min by ip; key: sliding 3/min";
    const ratecell_key keys[] = {{"ip", "\xc0\x00\x02\x01", 4}, {"key", "alice", 5}};
    ratecell_decision decision = RATECELL_DECISION_INIT;
    ratecell_limiter *limiter;

    if (ratecell_limiter_create(rules, NULL, &limiter) != RATECELL_OK) return 1;
    for (int call = 1; call <= 4; call++) {
        if (ratecell_acquire_keys(limiter, keys, 2, 1, &decision) != RATECELL_OK) return 1;
        if (decision.allowed) {
            printf("call %d passes, %u of %u left\n", call, decision.remaining, decision.limit);
        } else {
            printf("call %d is refused by %s, retry after %.3f s\n", call,
                   ratecell_rule_name(limiter, decision.rule), (double)decision.retry_after_ns / 1e9);
        }
    }
    ratecell_limiter_destroy(limiter);
    return 0;
}
