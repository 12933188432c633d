/*
 * column_pack.h: columns and times in envelopes of CODEC_PACKED, for column.c, which knows of both
 * codecs. As in column.h.
 */
#pragma once

#include "store/column.h"

/* column_pack beside another column of the same ticks. False: these two cannot be. NULL: none. */
bool column_pack_beside(struct codec *codec, const struct column *column, size_t ticks,
                        uint32_t other_id, const struct column *other, struct buf *out);

/* `other` as in column_decode_beside, or NULL. */
int column_unpack(struct codec *codec, const uint8_t *data, size_t len, size_t ticks,
                  const struct column *other, struct column *column);
int timeline_unpack(struct codec *codec, const uint8_t *data, size_t len, size_t ticks,
                    int64_t interval_ms, struct timeline *times);
