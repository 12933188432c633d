/*
 * assets.h: the dashboard's files inside the program. The table is made by tools/embed.py and
 * linked into the daemon only; tests bring one of their own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct asset {
    const char *path; /* "/index.html", "/assets/main-4f2a.js" */
    const char *content_type;
    const char *etag;          /* with its quotes */
    const unsigned char *gzip; /* NULL when compressing does not pay */
    size_t gzip_size;
    const unsigned char *plain; /* NULL when there is gzip: inflated for the rare other client */
    size_t plain_size;          /* always the size unpacked */
    bool immutable;             /* a hash in its name: may be kept for ever */
};

/* The embedded table, sorted by path. */
extern const struct asset assets[];
extern const size_t assets_count;

/* Binary search in a table that is sorted by path; NULL when there is no such file. */
const struct asset *asset_find(const struct asset *table, size_t count, const char *path);
