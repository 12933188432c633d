/*
 * finder.h: main's end of the finder, a small process that walks over the descriptors of all
 * processes (descriptors.h) for main, which cannot: to look at another process's descriptors is a
 * right of the kind that debuggers need, and Landlock takes it away from whoever it confines. The
 * finder is confined by seccomp instead: it may open directories and read links, and no file.
 *
 * It is forked before main has threads and ends when main does. With CAP_SYS_PTRACE and
 * CAP_DAC_READ_SEARCH it sees everybody's descriptors, else those of its own user's processes. One
 * thread at a time may read; start, stop and status are for the main thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keeper/descriptors.h"

#define FINDER_TIMEOUT_MS 1000

struct finder;

/* Forks it and waits for its greeting. 0 or -errno. */
int finder_start(struct finder **ret);
/* Lets the process end, waits for it and frees. NULL allowed. */
void finder_stop(struct finder *f);
int finder_pid(const struct finder *f);

/* What `info` shows. */
struct finder_status {
    bool alive;
    char text[192]; /* "running, pid 8, keeps dac_read_search sys_ptrace" or "off: reason" */
};

/* Looks whether the process still lives, and reaps it when not. Main thread, also while another one
 * reads. NULL: it could not be started. */
void finder_status(struct finder *f, struct finder_status *ret);

/* As descriptors_read. 0, -ETIMEDOUT, -EPIPE (it is gone), -EPROTO (it talks nonsense and is cut
 * off). */
int finder_read(struct finder *f, struct descriptor out[DESCRIPTORS_PART], size_t *ret_count,
                bool *ret_end, uint32_t *ret_hidden);
