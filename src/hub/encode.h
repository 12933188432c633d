/*
 * encode.h: the messages of CONTRACT section 5 as WebSocket text frames, ready to be shared.
 * Pure; any thread. Every function returns one reference, or NULL when memory is refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "hub/channel.h"
#include "model/event.h"
#include "model/series.h"
#include "model/table.h"

#define ENCODE_VALUE_BYTES 24 /* about what one value takes in a metrics message, at most */

struct encode_value {
    uint32_t id;
    double value; /* NAN: null */
};

struct encode_anomaly {
    uint32_t id;
    double score, mean, sigma; /* NAN: null */
};

struct encode_hello {
    const char *version, *host, *session;
    int64_t interval_ms;
};

struct bytes *encode_hello(const struct encode_hello *hello);
struct bytes *encode_series(const struct series *const *series, size_t count);
struct bytes *encode_metrics(uint64_t seq, int64_t t_ms, const struct encode_value *values,
                             size_t count);
struct bytes *encode_anomalies(uint64_t seq, int64_t t_ms, const struct encode_anomaly *values,
                               size_t count);
struct bytes *encode_event(const struct event *e);

/* Rows that are shown, of `total` that would be. */
struct encode_rows {
    const struct table *table;
    size_t total;
};

struct bytes *encode_table(struct encode_rows rows, uint64_t seq, int64_t t_ms);

/* Only the rows of `now` that are new or differ, and the ids that are gone. False, and *ret NULL:
 * nothing differs. */
bool encode_table_change(struct encode_rows before, struct encode_rows now, uint64_t seq,
                         int64_t t_ms, struct bytes **ret);

struct bytes *encode_gap(const char *channel, uint64_t from, uint64_t to, const char *reason);
/* {"type":TYPE,"seq":SEQ,"t":T_MS,MEMBERS}; members: JSON, not empty. */
struct bytes *encode_document(const char *type, uint64_t seq, int64_t t_ms,
                              const struct bytes *members);
struct bytes *encode_text(const char *json, size_t len); /* a message that is complete */
struct bytes *encode_ok(int64_t id);
struct bytes *encode_pong(bool has_id, int64_t id);
struct bytes *encode_error(bool has_id, int64_t id, const char *code, const char *message);

/* Pieces that the HTTP answers are made of as well. */
void encode_series_json(struct buf *out, const struct series *s);
void encode_labels_json(struct buf *out, const struct label *labels, size_t count);
void encode_columns_json(struct buf *out, const struct table_schema *schema);
void encode_row_json(struct buf *out, const struct table *t, size_t row);
void encode_event_json(struct buf *out, const struct event *e); /* members only, no braces */
