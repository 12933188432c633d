/* check.c: the end of the road for a broken invariant. Uses write(2) only: the heap may be gone. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/defs.h"

_Noreturn void check_failed(const char *expression, const char *file, int line, const char *func)
{
    char text[512];
    int len =
        snprintf(text, sizeof(text),
                 "<0>netsonde: bug: %s does not hold in %s (%s:%d); please report this line\n",
                 expression, func, file, line);
    if (len > 0) {
        size_t size = MIN((size_t)len, sizeof(text) - 1);
        ssize_t written = write(STDERR_FILENO, text, size);
        (void)written;
    }
    abort();
}
