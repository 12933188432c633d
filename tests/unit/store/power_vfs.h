/*
 * power_vfs.h: a disk for tests that loses what was not synced, and that fails.
 *
 * It stands between SQLite and its own VFS. The files are real; beside them it keeps, for each file
 * below one directory, what has surely reached the platter and every change since. When the power
 * is cut, each sector of 512 bytes becomes any of the states that it went through since the last
 * sync, independent of all others: writes are torn and reordered, as by a disk with a cache. So is
 * the length; and a file whose name was not synced may be gone, or be back.
 *
 * One thread, one test at a time: its state is the process's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum power_call {
    POWER_READ = 1,
    POWER_WRITE = 2,
    POWER_SYNC = 4,
    POWER_TRUNCATE = 8,
    POWER_DELETE = 16,
    POWER_OPEN = 32,
    POWER_SHM = 64, /* mapping the index of the log */
    POWER_CHANGES = POWER_WRITE | POWER_SYNC | POWER_TRUNCATE | POWER_DELETE,
};

/* From here on it is the default of this process. What lies below `dir` counts as synced. Power is
 * on, nothing fails. `record` false: there will be no cut, changes are not kept. */
void power_begin(const char *dir, bool record);
void power_end(void);

/* How many calls of these kinds there were since power_begin. */
uint64_t power_calls(unsigned calls);

/* Before the nth of all calls that change something (from 1 on) the power goes: that one and all
 * after it fail and change nothing. 0: now. */
void power_cut(uint64_t nth);
bool power_is_off(void);
/* All connections are closed: the files are what is on the platter, and the power is on. */
void power_restore(uint64_t seed);

struct power_fault {
    unsigned calls; /* the nth of these, from 1 on, counted since power_begin … */
    uint64_t nth;
    uint64_t count; /* … and so many in all, one after the other */
    int error;      /* EIO, ENOSPC */
    bool partial;   /* of a write a part gets through */
};

void power_fail(const struct power_fault *fault); /* NULL: nothing fails */
uint64_t power_failed(void);                      /* calls that failed because of it */
