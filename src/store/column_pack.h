/*
 * column_pack.h: columns and times in envelopes of CODEC_PACKED, for column.c, which knows of both
 * codecs. As in column.h.
 */
#pragma once

#include "store/column.h"

int column_unpack(struct codec *codec, const uint8_t *data, size_t len, size_t ticks,
                  struct column *column);
int timeline_unpack(struct codec *codec, const uint8_t *data, size_t len, size_t ticks,
                    int64_t interval_ms, struct timeline *times);
