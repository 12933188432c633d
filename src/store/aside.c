/*
 * aside.c: databases that are damaged: moved out of the way, looked at by whoever wants to, and not
 * kept for ever.
 *
 *   netsonde.db  ->  netsonde.db.corrupt-20251124T160000Z       and the same with -wal and -shm
 *                    netsonde.db.corrupt-20251124T160000Z-2     another one in that second
 *
 * On a machine whose memory or disk is going bad this may happen every day, and each may be as
 * large as store.max_size. So only the newest few stay. Whatever else lies in the directory, and
 * whatever somebody gave a name of his own, is not touched. Store thread.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/database.h"

#define MARK ".corrupt-"

static const char *const suffixes[] = {"-shm", "-wal", ""};

int database_set_aside(const char *path, int64_t now_ms, char *name, size_t size,
                       struct store_error *err)
{
    time_t seconds = (time_t)(now_ms / MS_PER_S);
    struct tm utc;
    char when[32];
    gmtime_r(&seconds, &utc);
    strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &utc);
    snprintf(name, size, "%s" MARK "%s", path, when);
    for (int n = 2; access(name, F_OK) == 0; n++)
        snprintf(name, size, "%s" MARK "%s-%d", path, when, n);

    /* The database last: as long as it is in its place, it is still found damaged and all of this
     * is tried again. */
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        struct buf from CLEANUP(buf_fini) = BUF_INIT;
        struct buf to CLEANUP(buf_fini) = BUF_INIT;
        buf_printf(&from, "%s%s", path, suffixes[i]);
        buf_printf(&to, "%s%s", name, suffixes[i]);
        if (rename(buf_string(&from), buf_string(&to)) != 0 && errno != ENOENT)
            return database_explain(err, NULL, -errno, path, "set it aside");
    }
    return 0;
}

/* ---- those of before --------------------------------------------------------------------- */

struct aside {
    char name[320]; /* in the directory, without -wal or -shm */
    char when[17];
    unsigned long number; /* among those of one second */
};

/* "netsonde.db.corrupt-20251124T160000Z-2-wal": false for what is not a name that we give. */
static bool aside_parse(const char *entry, const char *base, struct aside *ret)
{
    size_t base_len = strlen(base), mark_len = strlen(MARK);
    if (strlen(entry) >= sizeof(ret->name) || strncmp(entry, base, base_len) != 0 ||
        strncmp(entry + base_len, MARK, mark_len) != 0)
        return false;
    const char *when = entry + base_len + mark_len, *at = when;
    for (const char *form = "########T######Z"; *form; form++, at++) {
        if (*form == '#' ? !isdigit((unsigned char)*at) : *at != *form)
            return false;
    }
    *ret = (struct aside){.number = 1};
    memcpy(ret->when, when, sizeof(ret->when) - 1);
    if (at[0] == '-' && isdigit((unsigned char)at[1])) {
        char *end;
        ret->number = strtoul(at + 1, &end, 10);
        at = end;
    }
    if (*at && strcmp(at, "-wal") != 0 && strcmp(at, "-shm") != 0)
        return false;
    memcpy(ret->name, entry, (size_t)(at - entry));
    return true;
}

static int newest_first(const void *a, const void *b)
{
    const struct aside *x = a, *y = b;
    int order = strcmp(y->when, x->when);
    return order ? order : (x->number < y->number) - (x->number > y->number);
}

struct asides {
    struct aside *items;
    size_t count;
};

/* Every one there is, newest first; names that differ in their ending only are one. */
static struct asides asides_list(const char *dir, const char *base)
{
    struct asides list = {0};
    DIR *d = opendir(dir);
    if (!d)
        return list;
    struct aside found;
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
        if (!aside_parse(entry->d_name, base, &found))
            continue;
        size_t i = 0;
        while (i < list.count && strcmp(list.items[i].name, found.name) != 0)
            i++;
        if (i < list.count)
            continue;
        list.items = mem_resize(list.items, list.count + 1, sizeof(*list.items));
        list.items[list.count++] = found;
    }
    closedir(d);
    if (list.count)
        qsort(list.items, list.count, sizeof(*list.items), newest_first);
    return list;
}

static bool aside_remove(const char *dir, const struct aside *aside)
{
    bool gone = true;
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        char *path CLEANUP(mem_freep) = mem_printf("%s/%s%s", dir, aside->name, suffixes[i]);
        gone &= unlink(path) == 0 || errno == ENOENT;
    }
    return gone;
}

size_t database_prune_aside(const char *path, const char *newest, size_t keep)
{
    const char *slash = strrchr(path, '/'), *newest_slash = strrchr(newest, '/');
    char *dir CLEANUP(mem_freep) =
        slash ? mem_string_n(path, (size_t)(slash - path)) : mem_string(".");
    struct asides list = asides_list(dir, slash ? slash + 1 : path);
    const char *newest_name = newest_slash ? newest_slash + 1 : newest;
    size_t kept = 1, removed = 0; /* the newest one, wherever the clock has put it */
    for (size_t i = 0; i < list.count; i++) {
        if (strcmp(list.items[i].name, newest_name) == 0)
            continue;
        if (kept < keep)
            kept++;
        else
            removed += aside_remove(dir, &list.items[i]);
    }
    free(list.items);
    return removed;
}
