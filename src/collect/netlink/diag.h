/*
 * diag.h: the sockets of this network namespace, one by one, from sock_diag: dumps of TCP, UDP,
 * UDP-Lite, raw and MPTCP sockets, and notices of those that closed, with their last numbers. All
 * goes to the census. Survey thread, but for new, open and probe, which run before the threads.
 */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/census.h"
#include "wire/inet_diag.h"

struct keeper;
struct diag;

struct diag *diag_new(void);
void diag_free(struct diag *s); /* NULL allowed */

/* 0 or -errno. `keeper` (may be NULL) gives the notices more room than the system allows. */
int diag_open_dumps(struct diag *s);
int diag_open_closes(struct diag *s, struct keeper *keeper);

/* May it be opened, and does the kernel tell of TCP sockets? 0 or -errno: -ENOENT when the kernel
 * lacks tcp_diag. Changes nothing. */
int diag_probe_dumps(void);
int diag_probe_closes(void);

/* What a survey is to tell. */
struct diag_wanted {
    bool dumps;       /* all sockets */
    bool round_trips; /* the ones that were measured since the survey before */
    bool closes;      /* census_socket_closed */
};

/* One round, at the wall and monotonic time given. 0, or -errno when nothing could be dumped. */
int diag_survey(struct diag *s, struct census *census, struct diag_wanted wanted, int64_t now_ms,
                int64_t mono_ns);

struct diag_counts {
    uint64_t sockets;    /* told of in the last round */
    uint64_t overruns;   /* times closes were lost for want of room */
    uint64_t incomplete; /* dumps that were not whole, also when asked again */
    uint64_t bad;        /* messages that made no sense */
};
void diag_counts(const struct diag *s, struct diag_counts *ret);

/* As the census wants it; `protocol` is IPPROTO_*. */
void diag_seen(const struct inet_diag_socket *from, uint16_t protocol, struct socket_seen *ret);
