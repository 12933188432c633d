/*
 * attempt.h: how one attempt to deliver a notice ended, and what an attempt works with. Inside the
 * courier's process, one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alert/channel.h"
#include "alert/render.h"
#include "base/buf.h"
#include "model/notice.h"

enum attempt_end {
    ATTEMPT_DELIVERED,
    ATTEMPT_AGAIN,   /* it may be better later */
    ATTEMPT_REFUSED, /* it will not */
};

struct attempt_result {
    enum attempt_end end;
    int64_t wait_ms; /* that the receiver asked for; 0: nothing */
    char why[160];   /* of AGAIN and REFUSED: for people, one line, nothing secret */
};

struct attempt {
    const struct channel_spec *spec;
    struct notice *notice;
    struct render_context context;
    size_t *lines_done; /* of a log: those that are through from earlier attempts */
};

/* Sets the result, with the sentence cleaned and cut. */
void attempt_end(struct attempt_result *r, enum attempt_end end, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The first line of a file that nobody else may read. The caller wipes it. 0, or -errno and the
 * sentence in `why`. */
int attempt_secret(const char *path, struct buf *out, char *why, size_t why_size);
void attempt_wipe(struct buf *secret); /* also for CLEANUP */
