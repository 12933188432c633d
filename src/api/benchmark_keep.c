/* benchmark_keep.c: see benchmark_keep.h. */
#include "api/benchmark_keep.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/benchmark.h"

bool benchmark_is_run_id(const char *id, const char *subject)
{
    const char *dash = strrchr(id, '-'), *at = dash ? dash + 1 : "";
    char of[16];
    size_t len = dash ? (size_t)(dash - id) : sizeof(of);
    if (len >= sizeof(of))
        return false;
    memcpy(of, id, len);
    of[len] = '\0';
    for (const char *form = "########T######Z"; *form; form++, at++) {
        if (*form == '#' ? !isdigit((unsigned char)*at) : *at != *form)
            return false;
    }
    return !*at && (subject ? strcmp(of, subject) == 0 : benchmark_is_subject(of));
}

/* Whether `a` came before `b`; of one moment what is called newer stays. */
static bool is_older(const struct document_entry *a, const struct document_entry *b)
{
    return a->changed_ms != b->changed_ms
               ? a->changed_ms < b->changed_ms
               : strcmp(strrchr(a->name, '-'), strrchr(b->name, '-')) < 0;
}

/* Makes room: the run that came first goes, whatever time it says it is of, but never `id`, which
 * comes now. */
static int prune(const char *data_dir, const char *id, struct store_error *err)
{
    struct document_list *list CLEANUP(mem_freep) = NULL;
    int error = documents_list(data_dir, DOCUMENT_KIND_BENCHMARKS, &list, err);
    if (error)
        return error;
    size_t runs = 0;
    const struct document_entry *oldest = NULL;
    for (size_t i = 0; i < list->count; i++) {
        const struct document_entry *entry = &list->entries[i];
        if (!benchmark_is_run_id(entry->name, NULL))
            continue;
        runs++;
        if (strcmp(entry->name, id) != 0 && (!oldest || is_older(entry, oldest)))
            oldest = entry;
    }
    if (!oldest || (runs <= BENCHMARKS_KEPT && list->count < DOCUMENTS_MAX))
        return 0;
    error = document_delete(data_dir, DOCUMENT_KIND_BENCHMARKS, oldest->name, err);
    return error == -ENOENT ? 0 : error; /* somebody else was faster */
}

int benchmark_keep(const char *data_dir, const char *id, const char *text, size_t len,
                   bool *ret_new, struct store_error *err)
{
    static const char kind[] = DOCUMENT_KIND_BENCHMARKS;
    int error = document_write(data_dir, kind, id, text, len, false, err);
    *ret_new = error != -EEXIST;
    if ((error == -ENOSPC || error == -EMLINK) && prune(data_dir, id, err) == 0)
        error = document_write(data_dir, kind, id, text, len, false, err);
    if (error == -EEXIST)
        return document_write(data_dir, kind, id, text, len, true, err);
    return error ? error : prune(data_dir, id, err);
}
