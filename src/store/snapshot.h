/*
 * snapshot.h: a table as bytes and back. Pure; the codec belongs to one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/table.h"
#include "store/codec.h"

#define SNAPSHOT_ROWS_MAX 10000

/* Appends these rows of the table to `out`, in an envelope. !names: without those of
 * programs, units, users and hosts. At most SNAPSHOT_ROWS_MAX rows. */
void snapshot_encode(struct codec *codec, const struct table *t, const size_t *rows, size_t count,
                     bool names, struct buf *out);

/* 0 and a table of this kind in *ret, one reference; -EBADMSG damage, -ENOTSUP another format.
 * Columns that the kind does not have any more are left out, new ones are null. */
int snapshot_decode(struct codec *codec, enum table_kind kind, const uint8_t *data, size_t len,
                    struct table **ret);
