/*
 * finder.h: main's end of the finder, a small process that walks over the descriptors of all
 * processes (descriptors.h) for main, which cannot: to look at another process's descriptors is a
 * right of the kind that debuggers need, and Landlock takes it away from whoever it confines. The
 * finder is confined by seccomp instead: it may open directories and read links, and no file.
 *
 * It is forked before main has threads and ends when main does. With CAP_SYS_PTRACE and
 * CAP_DAC_READ_SEARCH it sees everybody's descriptors, else those of its own user's processes. One
 * thread at a time may use it.
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

/* As descriptors_read. 0, -ETIMEDOUT, -EPIPE (it is gone), -EPROTO (it talks nonsense and is cut
 * off). */
int finder_read(struct finder *f, struct descriptor out[DESCRIPTORS_PART], size_t *ret_count,
                bool *ret_end, uint32_t *ret_hidden);
