/*
 * chunk.h: a chunk of the raw tier out of the database, with those of its span that it is beside
 * (column.h). One thread at a time.
 */
#pragma once

#include <sqlite3.h>
#include <stdint.h>

#include "store/column.h"

#define CHUNK_STATEMENT "SELECT data FROM chunk WHERE id = ?1"

/* `stmt` is a CHUNK_STATEMENT; `data` may be of its current row, and is gone afterwards. 0,
 * -EBADMSG (also when one that it is beside is damaged or missing), -ENOTSUP, or what the disk
 * says. */
int chunk_decode(struct codec *codec, sqlite3_stmt *stmt, uint32_t span, const uint8_t *data,
                 size_t len, size_t ticks, struct column *column);
