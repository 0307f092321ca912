/* A key said to be longer than it is: AddressSanitizer must see the library read beyond it. Shows
 * that the sanitizer looks into the library. */

#include <stdlib.h>

#include "check.h"
#include "ratecell.h"

int main(void) {
    ratecell_limiter *limiter;
    ratecell_decision decision = RATECELL_DECISION_INIT;
    char *key = (char *)calloc(1, 8);
    CHECK(key);
    CHECK_EQUAL(RATECELL_OK, ratecell_limiter_create("1/s", NULL, &limiter));
    ratecell_acquire(limiter, key, 9, 1, &decision);
    return 0;
}
