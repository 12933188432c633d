/*
 * data_dir.c: making the data directory, for the daemon and for commands that write into it.
 * Others may make it in the same moment; whoever comes second finds it. No state.
 */
#include "store/data_dir.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "store/database.h"

int data_dir_make(const char *path, struct store_error *err)
{
    char *partial CLEANUP(mem_freep) = mem_string(path);
    for (char *at = partial + 1;; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        bool last = *at == '\0';
        *at = '\0';
        if (mkdir(partial, last ? 0700 : 0755) != 0 && errno != EEXIST)
            return store_fail(err, -errno,
                              "cannot make the data directory %s: %s; make it, or choose another "
                              "with --data-dir",
                              partial, strerror(errno));
        if (last)
            return 0;
        *at = '/';
    }
}
