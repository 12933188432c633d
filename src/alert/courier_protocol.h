/*
 * courier_protocol.h: what main and the courier say to each other, a packet of a SOCK_SEQPACKET
 * pair each. Both are one program; what comes is checked all the same.
 *
 *   courier -> main   HELLO once it can work, with its epoch; later a report for each notice
 *   main -> courier   a notice in parts, tagged with the epoch of the courier it is meant for
 *
 * A courier that is started anew finds parts in the socket that were meant for the one before it:
 * the epoch tells them, and main sends the notice again. Main hands over the next notice of a
 * channel when it has the report of the one before, so neither end ever holds more than one for
 * each channel. At the end main shuts down its side.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define COURIER_PART_MAX (32 * 1024)
#define COURIER_WHY_MAX 160

struct courier_part {
    uint32_t epoch, channel;
    uint64_t id;
    uint32_t renewal;   /* 1: only that what is firing still is */
    uint32_t only_once; /* 1: one attempt; the notice before this one failed */
    uint32_t total,
        offset; /* of the packed notice (packing.h); the rest of the packet is the part */
};

enum courier_say {
    COURIER_HELLO,
    COURIER_AGAIN, /* an attempt failed, another one follows */
    COURIER_DELIVERED,
    COURIER_FAILED, /* and none follows */
    COURIER_SAYS
};

struct courier_report {
    uint32_t say, epoch, channel, spare;
    uint64_t id;
    char why[COURIER_WHY_MAX]; /* of AGAIN and FAILED: a sentence for people, ended by NUL; of
                                  HELLO: what it is confined in */
};

/* The process; never returns. pulse: shared with main. */
struct channel_spec;
struct keeper_pulse;
struct courier_process {
    const struct channel_spec *const *channels;
    size_t count;
    struct keeper_pulse *pulse;
};
void courier_run(void *user, int fd, pid_t parent);
