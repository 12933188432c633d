/*
 * keeper.h: main's end of the keeper, a small process that keeps the capabilities which main gives
 * up, and uses them for a handful of requests. It is forked before main has threads, and ends
 * when main does. Main lives on when the keeper dies: once it is sealed it is started again by a
 * process of its own (nurse.h), at once the first time, later with pauses in which requests fail
 * with -EAGAIN; before, or when that one dies, too, they fail with -EPIPE.
 *
 * One thread at a time may make requests, and another one ask for the status; no request takes
 * longer than KEEPER_TIMEOUT_MS, nor waits for a keeper that is going to be started later.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"

#define KEEPER_TIMEOUT_MS 1000
#define KEEPER_LINKS_MAX 32

struct keeper;

struct keeper_settings {
    uint64_t capabilities; /* bit set: 1 << CAP_…; what this process has of them is kept */
    int timeout_ms;        /* of a request; 0: KEEPER_TIMEOUT_MS */
};

/* What `info` shows. */
struct keeper_status {
    int pid; /* of who answers requests; 0: nobody (yet) */
    bool alive;
    bool returns;          /* not alive, but it is going to be started again */
    uint32_t restarts;     /* so far */
    uint64_t capabilities; /* that it holds */
    char text[192];        /* "running, pid 7, keeps net_admin" or "off: reason" */
};

/* Forks the keeper and waits for its greeting. 0; -EPERM when this process has none of the
 * capabilities (nothing is worth keeping then: *ret is NULL, and that is fine); another -errno. */
int keeper_start(const struct keeper_settings *settings, struct keeper **ret);

/* Asks the process to end, waits for it and frees. NULL allowed. */
void keeper_stop(struct keeper *k);

/* NULL allowed: "off: …". Looks whether the process still lives, and reaps it when not. Always the
 * same thread, that of keeper_stop; it need not be the one that makes requests. */
void keeper_status(struct keeper *k, struct keeper_status *ret);

/* How often it was started again. Any thread; NULL allowed. */
uint32_t keeper_restarts(const struct keeper *k);

/* 0, -ETIMEDOUT, -EAGAIN (one is started soon), -EPIPE (it is gone), -EPROTO (it talks nonsense and
 * is cut off). */
int keeper_ping(struct keeper *k);

/* A netlink socket, bound to `groups`, non-blocking, close-on-exec, with a receive buffer beyond
 * the limit that holds for everybody else. *ret_fd is the caller's. Or what the keeper met. */
int keeper_open_netlink(struct keeper *k, int protocol, uint32_t groups, uint32_t receive_bytes,
                        int *ret_fd);

/* BPF programs that are attached. They work until the links are closed, here or by the end of this
 * process; the keeper has no part in that any more. */
struct keeper_programs {
    uint32_t parts;           /* bit set of enum bpf_part: what works; 0: nothing is open */
    int32_t error[BPF_PARTS]; /* why another one that was asked for does not: -errno */
    int maps[BPF_MAPS];
    size_t links_count;
    int links[KEEPER_LINKS_MAX];
};

/* Whether this program was built with them. */
bool keeper_has_programs(void);

/* It is open and has what loading takes; NULL allowed. */
bool keeper_can_load(const struct keeper *k);

/* Loads and attaches these parts, which may take seconds. 0 when at least one works; -EPERM when
 * the keeper is sealed or never had CAP_BPF and CAP_PERFMON, -ENOSYS when this program was built
 * without them, or what the kernel said. ret->error is filled in either case. */
int keeper_load_bpf(struct keeper *k, uint32_t parts, struct keeper_programs *ret);
void keeper_programs_close(struct keeper_programs *p);

/* Nothing can be loaded from here on: the keeper gives up what that takes and confines itself. A
 * keeper without CAP_BPF and CAP_PERFMON is sealed from the start. 0 or as keeper_ping. */
int keeper_seal(struct keeper *k);
