/* mem.c: see mem.h for which call may fail and which may not. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

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
