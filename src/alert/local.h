/*
 * local.h: receivers on this host that take a line at once: a file, syslog's socket, journald's. An
 * attempt never waits; what is full or not there is tried again later. Inside the courier's
 * process.
 */
#pragma once

#include "alert/attempt.h"

/* What stays open between notices of one channel. */
struct local {
    int fd; /* -1: not open */
};

#define LOCAL_INIT ((struct local){.fd = -1})

void local_close(struct local *l);

/* Always ends the attempt. */
void local_deliver(struct local *l, const struct attempt *a, struct attempt_result *ret);
