/* A sensor that may send ten messages a minute, three at once, and an access point that holds each
 * of its clients to five a second: no heap, no clock but the one passed in, no operating system.
 *
 * With RATECELL_CRITICAL_SECTION, for a library made with the feature "critical-section", the main
 * program and an interrupt share a cell. */

#include "board.h"
#include "ratecell.h"

#define REQUIRE(condition)                                  \
    do {                                                    \
        if (!(condition)) {                                 \
            board_print("not so: " #condition "\n");        \
            return 1;                                       \
        }                                                   \
    } while (0)

/* The same on every target, with pointers of any size. */
typedef char quota_is_32_bytes[sizeof(ratecell_quota) == 32 ? 1 : -1];
typedef char answer_is_72_bytes[sizeof(ratecell_rule_decision) == 72 ? 1 : -1];
typedef char table_is_128_bytes[sizeof(ratecell_table) == 128 ? 1 : -1];

static const ratecell_quota uplink = RATECELL_QUOTA_GCRA(10, RATECELL_MINUTES(1), 3);
static const ratecell_quota per_client = RATECELL_QUOTA_SLIDING(5, RATECELL_SECONDS(1), 14);

static ratecell_tat sent;
static RATECELL_ALIGNED(128) unsigned char memory[RATECELL_TABLE_SIZE(14, 20)];
static ratecell_table clients;

static int may_send(uint64_t now_ns) {
    ratecell_rule_decision decision;
    return ratecell_tat_acquire(&sent, &uplink, now_ns, 1, &decision) == RATECELL_OK &&
           decision.verdict == RATECELL_ALLOW;
}

#if defined(RATECELL_CRITICAL_SECTION)

uint32_t ratecell_critical_enter(void) {
    uint32_t masked;
    __asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(masked)::"memory");
    return masked;
}

void ratecell_critical_exit(uint32_t masked) {
    __asm__ volatile("msr primask, %0" ::"r"(masked) : "memory");
}

enum { SHARED = 5000 };

static const ratecell_quota shared_quota = RATECELL_QUOTA_FIXED(SHARED, RATECELL_MINUTES(1));
static ratecell_window shared;
static volatile uint32_t interrupts, by_interrupt;

static uint32_t take_shared(void) {
    ratecell_rule_decision decision;
    return ratecell_window_acquire(&shared, &shared_quota, 0, 1, &decision) == RATECELL_OK &&
           decision.verdict == RATECELL_ALLOW;
}

void tick_handler(void) {
    interrupts++;
    by_interrupt += take_shared();
}

/* Both take until nothing is left: together exactly all there was. */
static int share_with_an_interrupt(void) {
    uint32_t by_main = 0;
    board_start_ticking();
    while (interrupts < 100 || by_main + by_interrupt < SHARED) by_main += take_shared();
    REQUIRE(!take_shared());
    REQUIRE(by_main > 0 && by_interrupt > 0);
    REQUIRE(by_main + by_interrupt == SHARED);
    board_print("an interrupt and the main program have shared a cell\n");
    return 0;
}

#else

void tick_handler(void) {}

static int share_with_an_interrupt(void) { return 0; }

#endif

int main(void) {
    static const uint8_t seed[RATECELL_SEED_SIZE] = {0x51, 0x0e}; /* from a random source */
    static unsigned char misaligned[sizeof(ratecell_tat) + 8];
    ratecell_rule_decision decision;
    ratecell_quota parsed;
    ratecell_error error = RATECELL_ERROR_INIT;
    uint32_t second, call, allowed = 0;

    for (second = 0; second < 12; second++) allowed += (uint32_t)may_send(RATECELL_SECONDS(second));
    REQUIRE(allowed == 4); /* three at once and one after six seconds */
    REQUIRE(ratecell_tat_peek(&sent, &uplink, RATECELL_SECONDS(11), 1, &decision) == RATECELL_OK);
    REQUIRE(decision.retry_after_ns == RATECELL_SECONDS(1));

    REQUIRE(ratecell_table_init(&clients, memory, sizeof memory, &per_client,
                                RATECELL_WHEN_FULL_DENY, seed) == RATECELL_OK);
    for (call = 1; call <= 6; call++) {
        REQUIRE(ratecell_table_acquire(&clients, "\x0a\x00\x00\x07", 4, RATECELL_SECONDS(1), 1,
                                       &decision) == RATECELL_OK);
        REQUIRE((decision.verdict == RATECELL_ALLOW) == (call <= 5));
    }
    REQUIRE(ratecell_table_acquire(&clients, "\x0a\x00\x00\x08", 4, RATECELL_SECONDS(1), 1,
                                   &decision) == RATECELL_OK);
    REQUIRE(decision.verdict == RATECELL_ALLOW && decision.remaining == 4);

    REQUIRE(ratecell_quota_parse("600/fortnight", &parsed, &error) == RATECELL_TEXT);
    REQUIRE(error.offset == 4);
    REQUIRE(ratecell_quota_parse("sliding 5/s", &parsed, &error) == RATECELL_OK);
    REQUIRE(ratecell_tat_acquire((ratecell_tat *)(void *)(misaligned + 1), &uplink, 0, 1,
                                 &decision) == RATECELL_MISALIGNED);
    REQUIRE(ratecell_tat_acquire(&sent, 0, 0, 1, &decision) == RATECELL_NULL);
    if (share_with_an_interrupt()) return 1;
    board_print("limits hold on bare metal\n");
    return 0;
}
