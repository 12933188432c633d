/* watched.c: sanitizers are known when compiling; valgrind shows in what it preloads. */
#include "base/watched.h"

#include <stdlib.h>
#include <string.h>

#ifdef __has_feature
#define BUILT_WITH(feature) __has_feature(feature)
#else
#define BUILT_WITH(feature) 0
#endif

const char *watched_by(void)
{
#if defined(__SANITIZE_ADDRESS__) || BUILT_WITH(address_sanitizer)
    return "AddressSanitizer";
#elif defined(__SANITIZE_THREAD__) || BUILT_WITH(thread_sanitizer)
    return "ThreadSanitizer";
#elif BUILT_WITH(memory_sanitizer)
    return "MemorySanitizer";
#else
    /* secure_getenv: a caller must not talk a privileged process out of its filter. */
    const char *preload = secure_getenv("LD_PRELOAD");
    return preload && strstr(preload, "vgpreload_") ? "valgrind" : NULL;
#endif
}
