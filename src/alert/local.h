/*
 * local.h: receivers on this host that take lines: a file, syslog's socket, journald's. Each
 * attempt runs on a thread, since a file system may not answer for as long as it likes (a server
 * that has gone, a disk that is frozen) and nothing can be done about that but to stop waiting.
 * Inside the courier's process; all functions on its one other thread, the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "alert/attempt.h"

struct local_job;

/* What stays between notices of one channel. */
struct local {
    int fd; /* -1: not open; belongs to the job while one runs */
    struct local_job *job;
    bool given_up; /* on the job, which still runs */
    int64_t deadline_ns;
};

#define LOCAL_INIT ((struct local){.fd = -1})

/* The thread says so there (an eventfd) when it has ended. 0, or -1: it could not be started, or an
 * earlier one still runs; ret says why. */
int local_start(struct local *l, const struct attempt *a, int bell, struct attempt_result *ret);

/* True: the attempt has ended, or its time is over, and ret says how. */
bool local_look(struct local *l, size_t *lines_done, struct attempt_result *ret);

/* Closes what is open; false: a thread still holds it. */
bool local_close(struct local *l);
