/* What every test in C needs: a check that says where and what. C99 and C++11. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                    \
    do {                                                                                    \
        if (!(condition)) {                                                                 \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);         \
            exit(1);                                                                        \
        }                                                                                   \
    } while (0)

/* Both are integers; found is evaluated once. */
#define CHECK_EQUAL(expected, found)                                                        \
    do {                                                                                    \
        const long long expected_ = (long long)(expected), found_ = (long long)(found);     \
        if (expected_ != found_) {                                                          \
            fprintf(stderr, "%s:%d: %s: expected %lld, found %lld\n", __FILE__, __LINE__,   \
                    #found, expected_, found_);                                             \
            exit(1);                                                                        \
        }                                                                                   \
    } while (0)

#endif
