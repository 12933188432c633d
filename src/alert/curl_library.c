/* curl_library.c: see curl_library.h. It is never unloaded: its threads and handlers may stay. */
#include "alert/curl_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>

#include "base/defs.h"

#define VERSION_LEAST 0x075500 /* 7.85: CURLOPT_PROTOCOLS_STR */

int curl_library_load(struct curl_library *lib, char *why, size_t why_size)
{
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
    const struct {
        const char *name;
        void **into;
    } symbols[] = {
        {"curl_easy_cleanup", (void **)&lib->easy_cleanup},
        {"curl_easy_getinfo", (void **)&lib->getinfo},
        {"curl_easy_init", (void **)&lib->easy_init},
        {"curl_easy_perform", (void **)&lib->easy_perform},
        {"curl_easy_setopt", (void **)&lib->setopt},
        {"curl_easy_strerror", (void **)&lib->strerror},
        {"curl_global_init", (void **)&lib->global_init},
        {"curl_multi_add_handle", (void **)&lib->multi_add},
        {"curl_multi_cleanup", (void **)&lib->multi_cleanup},
        {"curl_multi_info_read", (void **)&lib->multi_info_read},
        {"curl_multi_init", (void **)&lib->multi_init},
        {"curl_multi_perform", (void **)&lib->multi_perform},
        {"curl_multi_poll", (void **)&lib->multi_poll},
        {"curl_multi_remove_handle", (void **)&lib->multi_remove},
        {"curl_slist_append", (void **)&lib->slist_append},
        {"curl_slist_free_all", (void **)&lib->slist_free},
        {"curl_version_info", (void **)&lib->version_info},
    };
    for (size_t i = 0; i < ARRAY_LEN(names) && !lib->handle; i++)
        lib->handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!lib->handle) {
        snprintf(why, why_size, "the library libcurl is not installed (package libcurl4)");
        return -ENOENT;
    }
    for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
        *symbols[i].into = dlsym(lib->handle, symbols[i].name);
        if (!*symbols[i].into)
            break;
        if (i + 1 == ARRAY_LEN(symbols) &&
            lib->version_info(CURLVERSION_NOW)->version_num >= VERSION_LEAST)
            return lib->global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : -ENOMEM;
    }
    dlclose(lib->handle);
    lib->handle = NULL;
    snprintf(why, why_size, "the library libcurl is older than 7.85");
    return -ENOSYS;
}
