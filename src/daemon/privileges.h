/*
 * privileges.h: giving up what the process does not need any more, between opening everything and
 * starting the first thread. What a kernel lacks is a warning and a sentence in the report, never
 * a reason not to start: without rights to give up there is nothing to give up.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is in force, as /api/v1/info shows it. */
struct sandbox_report {
    bool no_new_privs;
    int landlock_abi;       /* 0: off */
    unsigned seccomp_calls; /* system calls that are allowed; 0: off */
    char capabilities[128]; /* "none", or what could not be given up */
    char landlock[160];     /* "enforced, ABI 7: files, network, signals" or "off: reason" */
    char seccomp[160];      /* "enforced, 142 system calls" or "off: reason" */
};

#define SANDBOX_TLS_DIRS 4 /* of certificate and key, as named and as they really lie */

/* Paths that stay within reach. Borrowed during the call. */
struct sandbox_paths {
    const char *data_dir; /* read and written */
    /* Read, for SIGHUP; NULL or missing: none. All below a directory is within reach. */
    const char *config_dir, *config_file;
    /* Read, too, for renewed certificates: directories of files. NULL: none. */
    const char *tls_dirs[SANDBOX_TLS_DIRS];
};

/* What this process has now and what it could come by at all: bit sets of CAP_…. */
void privileges_held(uint64_t *ret_permitted, uint64_t *ret_bounding);

/* Gives up all capabilities, core dumps and the chance to regain anything (privileges.c), then
 * closes Landlock and seccomp over the process (sandbox_*.c). Only while no other thread runs. */
void privileges_drop(const struct sandbox_paths *paths, struct sandbox_report *ret);
