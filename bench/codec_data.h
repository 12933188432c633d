/*
 * codec_data.h: a stored database as columns in memory, for bench_codec.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "store/column.h"

struct data_series {
    uint32_t id;
    char *key;
    struct column column; /* over all ticks */
};

struct data {
    size_t ticks;
    struct timeline times;
    int64_t interval_ms; /* the first span's */
    size_t series_count;
    struct data_series *series; /* by id; those without any sample are not in it */
    size_t damaged;             /* chunks and rows that could not be read */
};

/* Spans and log of DIR/netsonde.db, which may be in use. 0 or -errno, said on standard error. */
int data_load(const char *path, struct data *ret);
void data_free(struct data *data);
