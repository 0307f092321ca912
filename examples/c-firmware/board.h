/* What little of the board the program needs. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

/* Writes a text to the debugger's console. */
void board_print(const char *text);

/* Ends the emulation, with success or without. */
void board_exit(int success) __attribute__((noreturn));

/* Calls tick_handler from an interrupt, again and again. */
void board_start_ticking(void);

/* Written by the application. */
void tick_handler(void);

#endif
