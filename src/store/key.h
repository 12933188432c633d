/*
 * key.h: a series' canonical key taken apart: name{a="x",b="y"} with the escapes of Prometheus
 * text. The database stores keys only, and whatever is in a file may be damaged. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "model/series.h"

struct key_parts {
    char *texts; /* owned: name, label names and values, terminated */
    const char *name;
    size_t labels_count;
    struct label labels[SERIES_LABELS_MAX];
};

int key_parse(const char *key, struct key_parts *ret); /* 0 or -EBADMSG (nothing is owned then) */
void key_fini(struct key_parts *parts);

/* Writes the key of the same series under another name and without one label. */
void key_write(struct buf *out, const char *name, const struct label *labels, size_t count,
               const char *without);
