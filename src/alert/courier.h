/*
 * courier.h: main's end of the courier, a process without privileges that carries notices to
 * everything but the stream and the daemon's own log: libcurl, programs, syslog and files live
 * there, so that main needs no connect(), and a wedged name server or TLS library holds up nobody.
 * It knows the channels from the time it is forked: main can only name one of them, so whoever took
 * over main could not make it talk to strangers.
 *
 * Core thread, but for courier_start (before threads and sandbox) and courier_stop (after). Nothing
 * blocks: what the pipe does not take waits in a bounded queue; beyond it it is counted as dropped
 * and said in the log.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "alert/board.h"
#include "alert/channel.h"
#include "model/notice.h"

struct courier;

/* Forks it when one of the channels needs it; *ret is NULL when none does. The specs must outlive
 * it. 0 or -errno. */
int courier_start(const struct channel_spec *const *channels, size_t count, struct courier **ret);
void courier_stop(struct courier *c); /* NULL allowed; what is under way gets half a second */

/* Told on the loop's thread: a notice that no attempt and no fallback delivered is to be put into
 * the daemon's log (it is there already when "log" is among the channels; that is for the callee to
 * know); the counts have changed. */
struct courier_ops {
    void (*lost)(void *user, size_t channel, struct notice *n, const char *why);
    void (*changed)(void *user);
    /* Whether this alert (its id) still is pending, firing, acknowledged or silenced: asked before
     * an Alertmanager is told again, since not every end is told. NULL allowed: all are. */
    bool (*is_active)(void *user, uint64_t alert);
};
int courier_attach(struct courier *c, uv_loop_t *uv, const struct courier_ops *ops, void *user);
void courier_detach(struct courier *c);

/* Takes its own reference. channel: index into the specs, of one that channel_is_courier. Of a
 * channel with `resolved: off` only what is not over is carried. When its queue is full the notice
 * becomes part of the last one that waits there. What comes back by way of `lost` may do so within
 * this call, when the courier has gone. */
void courier_send(struct courier *c, size_t channel, struct notice *n);

/* After attach, for each alert that an earlier run told on this channel and that is active still:
 * an Alertmanager forgets what it is not told again. Nothing for other types. */
void courier_recall(struct courier *c, size_t channel, struct alert *a);

/* Fills in name, type, target and fallback, and what it knows: sent, failed, retried, fell_back,
 * merged, dropped, queued, last. Each notice that was sent is in the end one of sent, failed (then
 * it fell back or is lost), merged (part of another one) and dropped. */
void courier_status(const struct courier *c, size_t channel, struct channel_status *ret);

/* What `info` shows, and how often it was started again. NULL: no channel needs one. */
struct courier_state {
    bool alive;
    uint32_t restarts;
    char text[240]; /* "running, pid 8, confined: files, system calls", "off: reason" */
};
void courier_state(const struct courier *c, struct courier_state *ret);
