/*
 * export_file.h: the file that an export is written to. It has its own name only once it is whole:
 * until then it is FILE.part, and whoever fails leaves nothing behind. What is no regular file (a
 * pipe, a device) is written as it is. Main thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct export_file {
    int fd;     /* -1: none */
    bool plain; /* standard output or no regular file: nothing is renamed, and there is no meta file
                 */
    char *path, *part;
};

/* NULL or "-": standard output. 0 or -errno; -EBUSY: another export is writing it; -EEXIST:
 * FILE.part is there and not one of this user's own (or has a second name): it is left alone. */
int export_file_open(struct export_file *f, const char *path);
int export_file_write(struct export_file *f, const void *data, size_t len); /* 0 or -errno */

/* Under its own name from now on, and on the disk. */
int export_file_keep(struct export_file *f);
/* What was not kept is gone. Any number of times. */
void export_file_fini(struct export_file *f);
