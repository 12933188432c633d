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
#include "store/varint.h"

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

/* Where one is in a group. Who asks for growing numbers goes through it once. */
struct group_reader {
    struct cursor start, start_bodies; /* of the directory, and behind it */
    uint64_t count;
    uint32_t first; /* series */
    struct cursor directory, bodies;
    uint64_t read;   /* of `count` */
    uint32_t series; /* the one it stands at, when any was read */
    uint32_t before; /* and the one in front of that; 0: none */
    const uint8_t *body;
    size_t body_len;
};

/* Of bytes that group_check found good, and which it borrows. -EBADMSG: no group, all the same. */
int group_open(struct group_reader *reader, const uint8_t *data, size_t len);

/* The first series from `series` on; 0: there is none. The bytes are borrowed as above. */
uint32_t group_find(struct group_reader *reader, uint32_t series, const uint8_t **ret_data,
                    size_t *ret_len);
