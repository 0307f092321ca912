/* The header from a second translation unit, and twice in one: no definition may come of it. */

#include "ratecell.h"
#include "ratecell.h"

const ratecell_quota *quota_of_another_file(void);

const ratecell_quota *quota_of_another_file(void) {
    static const ratecell_quota quota = RATECELL_QUOTA_GCRA(7, RATECELL_SECONDS(1), 3);
    return &quota;
}
