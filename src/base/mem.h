/*
 * mem.h: allocation. Small control structures use mem_alloc and friends, which end the program
 * when memory is gone (a monitor that limps on half its state shows lies). Whatever a peer or the
 * kernel can make large is bounded by its owner first and uses mem_try_*, which may fail.
 * Any thread. Release with free().
 */
#pragma once

#include <stddef.h>

#include "base/defs.h"

void *mem_alloc(size_t size);                           /* zeroed, never NULL */
void *mem_alloc_aligned(size_t alignment, size_t size); /* the same; a power of two, 8 or more */
void *mem_array(size_t count, size_t size);             /* zeroed, overflow checked, never NULL */
void *mem_resize(void *old, size_t count, size_t size); /* as reallocarray, never NULL */
char *mem_string(const char *text); /* copy, never NULL; text must not be NULL */
char *mem_string_n(const char *text, size_t len);
char *mem_printf(const char *format, ...) PRINTF_LIKE(1, 2);

void *mem_try_array(size_t count, size_t size) MUST_CHECK; /* zeroed, or NULL */

/* Once, before the first thread: memory that is free goes back to the system. */
void mem_setup(void);

/* Gives back what lies free between what is used. Takes up to a millisecond, in which other threads
 * may wait for memory: for once a minute, after much was freed. */
void mem_trim(void);

/* For CLEANUP(mem_freep): frees the pointer that the variable holds. */
void mem_freep(void *pointer_to_pointer);
