/*
 * watched.h: is this process run by a tool that watches it from inside? Such tools make system
 * calls of their own and would fall over a seccomp filter. Any thread.
 */
#pragma once

/* "AddressSanitizer", "ThreadSanitizer", "valgrind" …; NULL: by none. */
const char *watched_by(void);
