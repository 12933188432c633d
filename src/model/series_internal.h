/* series_internal.h: what series.c, registry.c, event.c and table.c share inside the model. */
#pragma once

#include "base/buf.h"
#include "model/series.h"

/* Labels sorted by name, values valid and short: borrowed from the caller where they were. */
struct label_set {
    size_t count;
    struct label labels[SERIES_LABELS_MAX];
    char *cleaned[SERIES_LABELS_MAX]; /* owned copies of the values that had to be changed */
};

/* -EINVAL: too many, or a name twice; then nothing is owned. */
int label_set_make(struct label_set *set, const struct label *labels, size_t count);
void label_set_fini(struct label_set *set);

/* Appends name{a="x"}; labels must be sorted. */
void series_key_write(struct buf *key, const char *name, const struct label *labels, size_t count);

/* Appends text until out holds at most `max` bytes: whole characters, U+FFFD for bad bytes. False
 * when not all of it fitted. */
bool text_append_clean(struct buf *out, const char *text, size_t max);

struct series *series_make(uint32_t id, const struct metric *m, const struct label_set *labels,
                           const char *key, const char *method);
