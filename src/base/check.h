/*
 * check.h: CHECK says what must be true unless this program has a bug. It stays on in release:
 * a wrong number shown with confidence is worse than a restart. Never for anything that a peer,
 * the kernel or the disk can cause; those are errors with a counter.
 */
#pragma once

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0))                                                          \
            check_failed(#cond, __FILE__, __LINE__, __func__);                                     \
    } while (0)

/* Writes one line to standard error and aborts. Any thread. */
_Noreturn void check_failed(const char *expression, const char *file, int line, const char *func);
