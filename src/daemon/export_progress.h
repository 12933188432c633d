/*
 * export_progress.h: how far an export is, as one line of a terminal that is written over: a bar,
 * rows, bytes, bytes a second. Main thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "api/export.h"

struct export_progress {
    bool shown;
    int64_t started_ns, said_ns;
};

void export_progress_begin(struct export_progress *p, bool shown, int64_t now_ns);
/* Not more often than ten times a second; `last`: in any case, and the line is ended. */
void export_progress_say(struct export_progress *p, const struct export_count *count,
                         int64_t now_ns, bool last, FILE *out);
/* The line itself, without its beginning. */
void export_progress_text(const struct export_count *count, int64_t elapsed_ns, char *out,
                          size_t size);
