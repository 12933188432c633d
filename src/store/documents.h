/*
 * documents.h: small named JSON documents beside the database: baselines, results of benchmarks,
 * dashboards.
 * One file each, DATA_DIR/KIND/NAME.json, mode 0600 (the folder 0700), owned by who owns DATA_DIR
 * so that command line and daemon can both write. Written whole: to a temporary file, synced,
 * renamed, the folder synced. Readable by any JSON tool. Any thread, any process; no state.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/store.h"

#define DOCUMENT_NAME_MAX 64                  /* [A-Za-z0-9._-], not beginning with a dot */
#define DOCUMENT_BYTES_MAX (16U << 20)        /* of one */
#define DOCUMENTS_MAX 1000                    /* of one kind; more are refused with -EMLINK */
#define DOCUMENT_KIND_BASELINES "baselines"   /* named statistics */
#define DOCUMENT_KIND_BENCHMARKS "benchmarks" /* results */
#define DOCUMENT_KIND_DASHBOARDS "dashboards" /* what people have put together */
#define DASHBOARDS_MAX 200                    /* of these there are less, and they are small */
#define DASHBOARD_BYTES_MAX (64U << 10)

struct document_entry {
    char name[DOCUMENT_NAME_MAX + 1];
    int64_t changed_ms; /* wall time */
    uint64_t bytes;
};

struct document_list {
    size_t count;
    struct document_entry entries[]; /* by name */
};

/* Whether a document may be called so. */
bool document_is_name(const char *name);

/* An empty list when there is no such folder. Release with free(). */
int documents_list(const char *data_dir, const char *kind, struct document_list **ret,
                   struct store_error *err);
/* Appends the text to `out`. -ENOENT, -EFBIG, -EINVAL for a name that is none. */
int document_read(const char *data_dir, const char *kind, const char *name, struct buf *out,
                  struct store_error *err);
/* Makes DATA_DIR and the folder when they are missing. replace false: -EEXIST when there is one of
 * that name. On failure the old one is as it was. */
int document_write(const char *data_dir, const char *kind, const char *name, const char *text,
                   size_t len, bool replace, struct store_error *err);
/* -ENOENT when there is none. */
int document_delete(const char *data_dir, const char *kind, const char *name,
                    struct store_error *err);
