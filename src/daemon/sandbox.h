/*
 * sandbox.h: the two filters that the kernel puts around this process: Landlock for files, network
 * and signals, seccomp for system calls. Both need no_new_privs, hold for all later threads and
 * cannot be taken off. Called by privileges_drop; alone in tests.
 */
#pragma once

#include "daemon/privileges.h"

void sandbox_landlock(const struct sandbox_paths *paths, struct sandbox_report *ret);
void sandbox_seccomp(struct sandbox_report *ret);
