/*
 * landlock.h: which files a helper process may reach, by Landlock: everything that is not allowed
 * is refused from landlock_apply on, for this process and what it starts. One thread.
 */
#pragma once

#include <stdbool.h>

enum landlock_access {
    LANDLOCK_READ = 1,   /* files, and lists of directories */
    LANDLOCK_WRITE = 2,  /* files that are there, also shortening */
    LANDLOCK_CREATE = 4, /* plain files */
};

struct landlock {
    int ruleset; /* -1: this kernel has none, or forbids it */
    int abi;
};

/* 0, or -errno: -ENOSYS and -EOPNOTSUPP when the kernel does not have it. */
int landlock_begin(struct landlock *l);

/* Allows `access` (a set) to the path and all below it. 0, also when there is no such path. */
int landlock_allow(struct landlock *l, const char *path, unsigned access);

/* No way back. 0 or -errno; the ruleset is closed. no_new_privs must be set. */
int landlock_apply(struct landlock *l);
