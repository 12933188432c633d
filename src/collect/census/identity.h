/*
 * identity.h: who a process is, by /proc/PID. Survey thread. No state: the directory of proc is
 * the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "collect/census/units.h"

#define COMMAND_BYTES 64

struct identity {
    uint64_t start_ticks; /* /proc/PID/stat, field 22 */
    char command[COMMAND_BYTES];
};

/* 0, or -errno: -ENOENT, -ESRCH when there is no such process. proc: the directory, open. */
int identity_read(int proc, uint32_t pid, struct identity *ret);

/* The effective user of /proc/PID/status; 0 or -errno. */
int identity_uid(int proc, uint32_t pid, uint32_t *ret);

/* The owner of /proc/PID: another one means another effective user; 0 or -errno. */
int identity_owner(int proc, uint32_t pid, uint32_t *ret);

/* From /proc/PID/cgroup; 0 or -errno. */
int identity_unit(int proc, uint32_t pid, char out[UNIT_BYTES]);
/* The same of containers alone; "" for a process that is in none. */
int identity_container(int proc, uint32_t pid, char out[UNIT_BYTES]);

/* Whether `proc` counts pids as this process itself does: a /proc of the pid namespace around it
 * shows the same processes under other numbers. */
bool identity_is_own(int proc);
