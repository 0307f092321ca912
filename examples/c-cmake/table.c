/* A limit for each of up to a thousand senders, in static memory, with the time passed in. */

#include <stdio.h>

#include <ratecell.h>

/* Ten messages a minute, three at once. */
static const ratecell_quota quota = RATECELL_QUOTA_GCRA(10, RATECELL_MINUTES(1), 3);
static RATECELL_ALIGNED(128) unsigned char memory[RATECELL_TABLE_SIZE(0, 1000)];

int main(void) {
    /* Draw it from a random source that nobody outside can guess. */
    static const uint8_t seed[RATECELL_SEED_SIZE] = {0x3a, 0x91, 0x4c};
    ratecell_table senders;
    ratecell_rule_decision decision;
    int allowed = 0;

    if (ratecell_table_init(&senders, memory, sizeof memory, &quota, RATECELL_WHEN_FULL_DENY, seed)) {
        return 1;
    }
    for (uint64_t now_ns = 0; now_ns < RATECELL_SECONDS(12); now_ns += RATECELL_SECONDS(1)) {
        if (ratecell_table_acquire(&senders, "alice", 5, now_ns, 1, &decision)) return 1;
        allowed += decision.verdict == RATECELL_ALLOW;
    }
    printf("%d of 12 messages sent\n", allowed); /* three at once and one after six seconds */
    return allowed == 4 ? 0 : 1;
}
