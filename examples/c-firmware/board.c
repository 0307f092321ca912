/* Startup of a Cortex-M4 as QEMU's mps2-an386 has it: vectors, memory, console, SysTick. */

#include "board.h"

int main(void);

extern uint32_t data_start, data_end, data_source, bss_start, bss_end, stack_top;

void reset(void);

void reset(void) {
    const uint32_t *from = &data_source;
    uint32_t *to;
    /* Full access to the floating-point unit: hard-float code may save its registers. */
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20;
    for (to = &data_start; to < &data_end;) *to++ = *from++;
    for (to = &bss_start; to < &bss_end;) *to++ = 0;
    board_exit(main() == 0);
}

static void fault(void) {
    board_print("a fault\n");
    board_exit(0);
}

static void nothing(void) {}

typedef void (*vector)(void);

__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    (vector)(uintptr_t)&stack_top, reset, fault, fault, fault, fault, fault, 0, 0, 0, 0,
    nothing, nothing, 0, nothing, tick_handler,
};

static uint32_t debugger(uint32_t operation, uintptr_t argument) {
    register uint32_t r0 __asm__("r0") = operation;
    register uintptr_t r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void board_print(const char *text) { debugger(0x04, (uintptr_t)text); }

void board_exit(int success) {
    debugger(0x18, success ? 0x20026u : 0x20023u);
    for (;;) continue;
}

void board_start_ticking(void) {
    *(volatile uint32_t *)0xE000E014u = 20000; /* SysTick: reload, value, then on with its interrupt */
    *(volatile uint32_t *)0xE000E018u = 0;
    *(volatile uint32_t *)0xE000E010u = 7;
}
