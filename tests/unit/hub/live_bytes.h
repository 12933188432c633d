/*
 * live_bytes.h: how many bytes this program asked the allocator for and has not given back, those
 * of its shared libraries included (zlib's states, for instance). Exact: what was asked for counts,
 * not what the allocator made of it, so the same steps give the same number every time.
 */
#pragma once

#include <stddef.h>

size_t live_bytes(void);

/* NULL, or why nothing can be counted in this run: valgrind puts its own allocator in the place of
 * every other. With AddressSanitizer and ThreadSanitizer it is they who count. */
const char *live_bytes_missing(void);
