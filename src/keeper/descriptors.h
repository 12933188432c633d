/*
 * descriptors.h: walks over the descriptors of all processes, part by part, and tells which sockets
 * they are: "/proc/PID/fd/N -> socket:[INODE]". One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DESCRIPTORS_PART 2048 /* links that a part reads at most */

struct descriptor {
    uint32_t inode, pid; /* this socket is open in this process */
};

struct descriptors;

struct descriptors *descriptors_new(const char *proc_root); /* borrowed */
void descriptors_free(struct descriptors *d);               /* NULL allowed */

/* The next part of the walk: how many sockets are in out. *ret_end: it was the last part, the next
 * one begins anew; then *ret_hidden is in how many processes of the walk nothing may be seen. */
size_t descriptors_read(struct descriptors *d, struct descriptor out[DESCRIPTORS_PART],
                        bool *ret_end, uint32_t *ret_hidden);
