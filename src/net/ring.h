/*
 * ring.h: many sends in one system call, by io_uring(7). Opened before the sandbox on the main
 * thread, used on one loop's thread. The ring is restricted to sending: even who took the process
 * over could do nothing else with it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ring;

#define RING_BATCH 256 /* sends in one system call */

/* 0 or a negative errno: the kernel is too old (before 5.10), or it is not allowed here, as in many
 * containers. */
int ring_open(struct ring **ret);
void ring_close(struct ring *r); /* NULL is allowed */

struct ring_send {
    int fd;
    const void *data;
    size_t len;
    ssize_t result; /* as of send(2), but a negative errno when it failed */
};

/* Sends on each of the non-blocking sockets what the kernel takes at once, in order. Every result
 * is set when it returns. At most RING_BATCH. */
void ring_send(struct ring *r, struct ring_send *sends, size_t count);
