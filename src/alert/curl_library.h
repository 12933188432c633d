/*
 * curl_library.h: libcurl's functions, looked up when the first notice needs them (dlopen): its TLS
 * and its other libraries cost nothing where nobody has such a channel. Inside the courier's
 * process, and that of `netsonde bench --publish` which sends.
 */
#pragma once

#define CURL_DISABLE_TYPECHECK 1
#include <curl/curl.h>
#include <stddef.h>

struct curl_library {
    void *handle;
    __typeof__(curl_easy_cleanup) *easy_cleanup;
    __typeof__(curl_easy_getinfo) *getinfo;
    __typeof__(curl_easy_init) *easy_init;
    __typeof__(curl_easy_perform) *easy_perform;
    __typeof__(curl_easy_setopt) *setopt;
    __typeof__(curl_easy_strerror) *strerror;
    __typeof__(curl_global_init) *global_init;
    __typeof__(curl_multi_add_handle) *multi_add;
    __typeof__(curl_multi_cleanup) *multi_cleanup;
    __typeof__(curl_multi_info_read) *multi_info_read;
    __typeof__(curl_multi_init) *multi_init;
    __typeof__(curl_multi_perform) *multi_perform;
    __typeof__(curl_multi_poll) *multi_poll;
    __typeof__(curl_multi_remove_handle) *multi_remove;
    __typeof__(curl_slist_append) *slist_append;
    __typeof__(curl_slist_free_all) *slist_free;
    __typeof__(curl_version_info) *version_info;
};

/* `lib` is zeroed. 0 or -errno; `why` then says in a sentence what is missing. */
int curl_library_load(struct curl_library *lib, char *why, size_t why_size);
