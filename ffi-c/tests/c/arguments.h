/* What the tests of wrong arguments share. C99 and C++11. */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <stdint.h>
#include <string.h>

#include "check.h"
#include "ratecell.h"

/* A pointer into an object that its type's alignment does not allow. */
static inline void *off(void *pointer) { return (unsigned char *)pointer + 1; }

static const size_t too_long = SIZE_MAX / 2 + 1;

static inline void untouched(const void *pointer, size_t size) {
    const unsigned char *bytes = (const unsigned char *)pointer;
    size_t i;
    for (i = 0; i < size; i++) CHECK_EQUAL(0xA5, bytes[i]);
}

#define FILL(object) memset(&(object), 0xA5, sizeof(object))
#define UNTOUCHED(object) untouched(&(object), sizeof(object))

#endif
