/*
 * group.h: the packed columns of many series in one row of the database. A row of SQLite's and an
 * envelope take some twenty bytes, and most series of a host stand still: what is there to say of
 * them is shorter than that. Any thread.
 *
 * What is found in a group is a bare envelope: its flags and its body, without a checksum, for the
 * group has one. The decoders of column.h take it as they take others.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct group {
    uint32_t first, last; /* series */
    size_t count;
    struct buf directory, bodies;
    size_t before, before_len; /* the last body in `bodies` */
};

void group_fini(struct group *group);

/* Whether it is time to take it: it is of a size that leaves little of SQLite's pages unused. */
bool group_is_full(const struct group *group);

/* Series in growing order; `data` is an envelope of CODEC_PACKED. */
void group_add(struct group *group, uint32_t series, const uint8_t *data, size_t len);

/* Appends the row, which belongs under the number of `last`, and empties the group. `rows`: of the
 * span. */
void group_take(struct group *group, size_t rows, struct buf *out);

/* -EBADMSG: it is damaged, or no group. */
int group_check(const uint8_t *data, size_t len, size_t rows);

/* In one that was checked: the first series from `series` on; 0: there is none. The bytes are
 * borrowed from `data`. */
uint32_t group_find(const uint8_t *data, size_t len, uint32_t series, const uint8_t **ret_data,
                    size_t *ret_len);
