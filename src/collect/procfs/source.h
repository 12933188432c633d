/*
 * source.h: a /proc file that is read again and again. It stays open and is read from its start
 * with pread; one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/procfs/scan.h"

#define SOURCE_BYTES_MAX (8U << 20)

struct source {
    char *path; /* owned */
    int fd;     /* -1: not open */
    bool whole; /* the kernel gives all of it to one read, if there is room */
    char *text;
    size_t capacity;
};

void source_init(struct source *s, const char *root, const char *path);
void source_fini(struct source *s);

/* Reads the whole file; *ret is valid until the next call. Opens it when it is not open; a file
 * that fails is closed, so that the next call opens it anew. 0 or -errno; -EFBIG past
 * SOURCE_BYTES_MAX. */
int source_read(struct source *s, struct scan *ret);
