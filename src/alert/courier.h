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
};
int courier_attach(struct courier *c, uv_loop_t *uv, const struct courier_ops *ops, void *user);
void courier_detach(struct courier *c);

/* Takes its own reference. channel: index into the specs. */
void courier_send(struct courier *c, size_t channel, struct notice *n);

/* Fills in what it knows: sent, failed, retried, fell_back, dropped, queued, last. */
void courier_status(const struct courier *c, size_t channel, struct channel_status *ret);
