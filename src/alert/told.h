/*
 * told.h: which alerts a channel has been told of that are not over. Two things need it: an
 * Alertmanager takes silence for the end, so it is told again; and there an alert's severity is
 * part of what it is, so the one that was told before is ended when the severity changes. One
 * owner, one thread. Empty for channels of other types.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alert/channel.h"
#include "model/notice.h"

#define TOLD_MAX 10000      /* more are not told again, and end there by themselves */
#define TOLD_AGAIN_MS 60000 /* a fifth of RENDER_HOLD_MS: four may go wrong */

struct told {
    size_t count, capacity;
    struct alert **alerts; /* by id; a reference each, as they were when they were told */
};

void told_init(struct told *t);
void told_fini(struct told *t);

/* What of a notice is meant for this channel: one reference, or NULL for nothing. */
struct notice *told_select(const struct channel_spec *spec, struct notice *n);
void told_release(struct notice **n); /* for CLEANUP */

/* The notice with what else has to be said now: one reference, often of the same one. */
struct notice *told_complete(const struct told *t, const struct channel_spec *spec,
                             struct notice *n);

/* The notice was delivered. */
void told_note(struct told *t, const struct channel_spec *spec, const struct notice *n);
void told_recall(struct told *t, const struct channel_spec *spec, struct alert *a);

/* Some of what is to be told again, from *at on, which moves; NULL: that was all. What is not
 * active any more is told as over. is_active: NULL allowed. */
struct notice *told_renewal(const struct told *t, size_t *at,
                            bool (*is_active)(void *user, uint64_t alert), void *user);
