/* courier_internal.h: what courier.c and told.c share of main's end. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "alert/courier.h"
#include "alert/courier_protocol.h"
#include "alert/told.h"
#include "base/buf.h"
#include "base/list.h"
#include "keeper/nurse.h"

#define NO_LANE SIZE_MAX

/* A notice on its way by one channel. */
struct errand {
    struct list node;
    struct notice *notice;
    uint64_t id;
    size_t origin; /* the channel that it was first meant for */
    bool renewal;
    uint8_t deaths; /* couriers that ended while they had it */
};

struct lane {
    const struct channel_spec *spec;
    size_t fallback; /* index, or NO_LANE: the log */
    struct list queue;
    uint32_t queued;
    bool under_way; /* the first of the queue is with the courier */
    bool failing;   /* the last one was not delivered: the next is tried once */
    struct told told;
    uint64_t sent, failed, retried, fell_back, dropped, merged;
    int64_t last_ms;
    char last_error[COURIER_WHY_MAX];
};

struct courier {
    int fd;
    pid_t nurse;
    struct keeper_pulse *pulse;
    atomic_bool gone;
    bool reaped;                    /* the nurse, then with … */
    int wait_status;                /* HELPER_STATUS_UNKNOWN: nobody knows (yet) */
    char confined[COURIER_WHY_MAX]; /* what it has said of that */
    uint32_t epoch;                 /* of the one that has said hello; 0: none yet */
    size_t count, turn;
    struct lane *lanes;
    uint64_t next_id, undelivered;
    struct {
        struct lane *lane; /* NULL: nothing is being sent */
        struct courier_part part;
        struct buf packed;
    } out;
    bool attached;
    int events;
    uv_poll_t poll;
    uv_timer_t renewing, looking;
    int64_t absent_ns; /* since when there is no courier; 0: there is one */
    const struct courier_ops *ops;
    void *user;
};

/* courier_lane.c */
struct errand *lane_first(struct lane *lane); /* of a queue that is not empty */
void errand_free(struct errand *e);           /* also out of its queue */
void lane_note(struct lane *lane, const char *why);

/* Takes its own reference. When the queue is full the notice becomes part of the last one there; a
 * renewal is left out then. */
void lane_add(struct courier *c, struct lane *lane, struct notice *n, size_t origin, bool renewal);

/* The first of the lane has come to its end: delivered; not delivered, so that the fallback gets
 * it; with nobody there to deliver anything, so that the log does. `lost` is called, and may send.
 */
void lane_pass(struct courier *c, struct lane *lane);
void lane_fail(struct courier *c, struct lane *lane, const char *why);
void lane_return(struct courier *c, struct lane *lane, const char *why);
/* At the end: there is nobody to ask, so the log has what was to be told on this channel. */
void lane_bury(struct courier *c, size_t origin, const struct notice *n);
