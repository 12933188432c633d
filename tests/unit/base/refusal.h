/*
 * refusal.h: for tests that ask for more memory than there is: sanitizers then return NULL as the
 * C library does, instead of ending the program. The names are theirs.
 */
#pragma once

const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}
