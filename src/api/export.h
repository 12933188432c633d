/*
 * export.h: history as a file: what `netsonde export` and GET /api/v1/export share, so that both
 * give the same bytes. An export is made piece by piece: between two of them it holds no reader and
 * no transaction, and the next piece may be made on another thread. Bounded memory, whatever the
 * range. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/export_writer.h"
#include "model/query.h"
#include "model/view.h"
#include "store/store.h"

#define EXPORT_DIGEST_BYTES 32

struct export_spec {
    enum export_format format;
    /* Series. */
    struct selector selector;
    int64_t from_ms, to_ms;
    uint32_t points; /* 0: every sample */
    enum aggregate aggregate;
    bool wide;
    /* Or, with `view` not NULL, a table: the newest one at or before at_ms that is stored, or
     * `table`, which was so at at_ms. */
    struct view_spec *view;
    enum table_kind kind;
    struct table *table;
    int64_t at_ms;
    size_t limit;
};

void export_spec_fini(struct export_spec *spec);

/* Texts are borrowed for the life of the export. */
struct export_origin {
    const char *host, *version;
};

struct export;

/* Takes the spec: it is empty afterwards. 0; -EINVAL: this cannot be (err says why); -ENOENT: no
 * such table is stored; or as the store says. `recent` and `reader` may be NULL. */
int export_open(struct export_spec *spec, const struct export_origin *origin,
                struct store_reader *reader, const struct recent *recent, struct export **ret,
                struct store_error *err);
void export_free(struct export *e); /* NULL allowed */

/* Appends the next piece of text. 1: there is more; 0: that was the end; -errno. */
int export_next(struct export *e, struct store_reader *reader, const struct recent *recent,
                struct buf *out, struct store_error *err);

/* What is known from the start. Texts are the export's. */
struct export_facts {
    const char *content_type;
    const char *file_name; /* netsonde-HOST-FROM-TO.csv */
    const char *engines;   /* "netlink,procfs"; "" for a table */
    const char *tier;      /* "" for a table */
    int64_t interval_ms;   /* 0 for a table */
    int64_t from_ms, to_ms;
    size_t series;  /* of a table: 0 */
    bool truncated; /* too many series matched */
};

struct export_facts export_facts(const struct export *e);

/* So far. */
struct export_count {
    uint64_t rows, bytes;
    uint64_t left_out; /* values that the format has no place for */
    double done;       /* 0 to 1, about */
};

struct export_count export_count(const struct export *e);

/* SHA-256 of all that was written. After the end. */
void export_digest(const struct export *e, uint8_t ret[EXPORT_DIGEST_BYTES]);
