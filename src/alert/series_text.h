/*
 * series_text.h: the canonical text of a series, name{a="x",b="y"}, taken apart again: an alert
 * outlives its series and has only the text of it. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "model/query.h"
#include "model/series.h"

struct series_text {
    char *text; /* owned; the rest points into it */
    const char *name;
    size_t labels_count;
    struct label labels[SERIES_LABELS_MAX];
};

/* Any text is taken: of what is not of the form the rest is left out. */
void series_text_init(struct series_text *s, const char *text);
void series_text_fini(struct series_text *s);
const char *series_text_label(const struct series_text *s, const char *name); /* NULL: none */
