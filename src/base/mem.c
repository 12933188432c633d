/* mem.c: see mem.h for which call may fail and which may not. */
#include "base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define LARGE_BYTES (128 * 1024)
#define KEPT_BYTES (256 * 1024)

/*
 * An answer from the history takes some megabytes for an instant, on any thread of the pool. Left
 * alone, glibc raises its idea of "large" with every large block that is freed, up to 32 MiB, then
 * keeps twice as much in each thread's arena: some questions later the process held 100 MB of which
 * it used 8. With these numbers it held 8, and 20 while an answer was made.
 */
void mem_setup(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    mallopt(M_ARENA_MAX, 2);
#endif
}

void mem_trim(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

static void *mem_or_die(void *p)
{
    if (!p) {
        fputs("<2>netsonde: out of memory: give the process more, or lower "
              "collect.series_limit\n",
              stderr);
        abort();
    }
    return p;
}

void *mem_alloc(size_t size)
{
    return mem_or_die(calloc(1, MAX(size, 1)));
}

void *mem_alloc_aligned(size_t alignment, size_t size)
{
    void *p = NULL;
    if (posix_memalign(&p, alignment, size) != 0)
        p = NULL;
    return memset(mem_or_die(p), 0, size);
}

void *mem_array(size_t count, size_t size)
{
    return mem_or_die(mem_try_array(count, size));
}

void *mem_try_array(size_t count, size_t size)
{
    return calloc(MAX(count, 1), MAX(size, 1));
}

void *mem_resize(void *old, size_t count, size_t size)
{
    return mem_or_die(reallocarray(old, MAX(count, 1), MAX(size, 1)));
}

char *mem_string(const char *text)
{
    return mem_or_die(strdup(text));
}

char *mem_string_n(const char *text, size_t len)
{
    return mem_or_die(strndup(text, len));
}

char *mem_printf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    return mem_or_die(len < 0 ? NULL : text);
}

void mem_freep(void *pointer_to_pointer)
{
    void **p = pointer_to_pointer;
    free(*p);
    *p = NULL;
}
