/*
 * seasons.h: teaches detectors what the hours of the week were like, from the history: once for
 * each series that is watched for anomalies, soon after it is seen for the first time. Core thread;
 * the reading is done on libuv's pool, a series at a time.
 */
#pragma once

#include <uv.h>

struct alerts;
struct seasons;

/* `data_dir` is borrowed for its life. */
struct seasons *seasons_new(uv_loop_t *uv, const char *data_dir, struct alerts *alerts);

/* In each tick; looks at what is watched once a minute, for the first time five minutes after the
 * first tick: a start should cost little, and no detector is sure of anything before. */
void seasons_tick(struct seasons *s, int64_t t_ms, int64_t interval_ms, int64_t mono_ns);

void seasons_close(struct seasons *s); /* the loop ends; what is being read is given up */
void seasons_free(struct seasons *s);  /* after the loop has ended; NULL allowed */
