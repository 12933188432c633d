/* output.c: see output.h. A full disk shows when the last of it is flushed, or before. */
#include "daemon/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int output_end(bool good)
{
    if (fflush(stdout) == 0 && good && !ferror(stdout))
        return EXIT_SUCCESS;
    fprintf(stderr, "netsonde: the answer cannot be written: %s\n",
            errno ? strerror(errno) : "no memory for it");
    return EXIT_FAILURE;
}
