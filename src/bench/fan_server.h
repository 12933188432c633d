/*
 * fan_server.h: the server of the fan-out bench: the daemon's own connections, frames and fan-out
 * on a loop, with messages of the bench instead of ticks. Runs in a process of its own.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct fan_server_settings {
    size_t size_bytes;                /* of a message */
    unsigned rate_hz;                 /* 0: the next message as soon as the last one has left */
    unsigned clients;                 /* that will come at most */
    bool io_uring;                    /* the fan-out has a ring; TLS makes no use of it */
    bool tls;                         /* with a certificate made for it */
    bool deflate;                     /* every message is packed once; who does not offer to take it
                                         so is turned away */
    void (*listening)(unsigned port); /* called once; may be NULL */
};

/* Told to others, by shared memory. */
struct fan_server_state {
    atomic_uint port;        /* 0: does not listen yet */
    atomic_ullong allocated; /* bytes by malloc while it does not send; 0: not known */
    atomic_ullong dropped;   /* messages that a slow client's queue had no room for */
    char why[160];           /* written before it ends */
};

/* Serves until the process is ended; returns only when it cannot. */
void fan_server_run(const struct fan_server_settings *settings, struct fan_server_state *state);
