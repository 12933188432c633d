/* assets.c: finding a file in the embedded table. */
#include "http/assets.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *path, const void *asset)
{
    return strcmp(path, ((const struct asset *)asset)->path);
}

const struct asset *asset_find(const struct asset *table, size_t count, const char *path)
{
    return count ? bsearch(path, table, count, sizeof(*table), compare) : NULL;
}
