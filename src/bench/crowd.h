/*
 * crowd.h: many WebSocket clients in one thread, and what they see of a server that sends all of
 * them the same: how many messages a second, how late for the first and the last client, what the
 * server's process spent on it. Works with any server that
 *   - answers an upgrade of `path`,
 *   - begins to send at its rate when a client says "go" (MESSAGE_FANOUT),
 *   - sends the messages of message.h.
 * Talks to 127.0.0.1. One caller, one thread; blocks until it is done. Under TLS
 * SIGPIPE is ignored from then on.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bench/message.h"
#include "bench/spread.h"

/* Read by others while the crowd works: they may live in shared memory. */
struct crowd_progress {
    atomic_uint connected;
    atomic_ullong delivered;
};

struct crowd_settings {
    uint16_t port;
    unsigned clients;
    unsigned stalled; /* of them the first: they connect and never read */
    const char *path;
    enum message_kind kind;
    size_t size_bytes;                  /* of a message; what differs is an error; 0: any */
    double seconds;                     /* measured; 0: only what idle clients cost */
    bool deflate;                       /* offer permessage-deflate */
    bool tls;                           /* whatever certificate the server shows */
    pid_t server;                       /* whose CPU and memory are looked at */
    const atomic_ullong *server_malloc; /* bytes it has allocated, as it says itself; may be NULL */
    struct crowd_progress *progress;    /* may be NULL */
};

struct crowd_result {
    char why[160]; /* what went wrong */
    double seconds;
    uint64_t delivered;                     /* messages in that time, of clients that read */
    uint64_t ticks;                         /* messages that all of them got, each counted once */
    uint64_t lost;                          /* numbers that a client did not get, at any time */
    uint64_t wire_bytes;                    /* frames of those delivered */
    uint64_t payload_bytes;                 /* and what they hold, decompressed */
    struct spread_summary first, last, all; /* client served; over all of them */
    double cpu_ns;                          /* of the server; NAN: unknown, as below */
    double memory_bytes;                    /* resident memory of the server for one idle client */
    double malloc_bytes;                    /* allocated, the same */
};

/* 0, or -1 and a sentence in ret->why. Bounded: about `seconds` and half a minute. */
int crowd_run(const struct crowd_settings *settings, struct crowd_result *ret);
