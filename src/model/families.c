/*
 * families.c: see families.h. One pass tells which names are histograms: those that have buckets;
 * then all rows are sorted.
 */
#include "model/families.h"

#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/map.h"
#include "base/mem.h"

/* The length of a histogram's name when `name` may be that of a part of one, else 0. */
static size_t histogram_base(const char *name)
{
    static const char *const parts[] = {"_bucket", "_sum", "_count"};
    size_t len = strlen(name);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        size_t part = strlen(parts[i]);
        if (len > part && strcmp(name + len - part, parts[i]) == 0)
            return len - part;
    }
    return 0;
}

static bool is_bucket(const struct series *s, size_t base)
{
    return base && strcmp(s->name + base, "_bucket") == 0 && series_label(s, "le");
}

/* `histograms` has the names of those that have buckets: a lone _sum or _count is no histogram. */
static void row_classify(struct family_row *row, const struct map *histograms)
{
    const struct series *s = row->series;
    size_t base = histogram_base(s->name);
    char *name = base ? mem_string_n(s->name, base) : NULL;
    bool is_part = name && map_get(histograms, name) &&
                   (is_bucket(s, base) || strcmp(s->name + base, "_bucket") != 0);
    free(name);
    row->is_histogram = is_part;
    row->family_len = (uint32_t)(is_part ? base : strlen(s->name));
}

static int compare_families(const struct family_row *x, const struct family_row *y)
{
    int by_name = strncmp(x->series->name, y->series->name, MIN(x->family_len, y->family_len));
    if (by_name)
        return by_name;
    return (x->family_len > y->family_len) - (x->family_len < y->family_len);
}

/* The next label that is not le; labels are sorted by name. */
static const struct label *label_but_le(const struct series *s, size_t *at)
{
    while (*at < s->labels_count) {
        const struct label *label = &s->labels[(*at)++];
        if (strcmp(label->name, "le") != 0)
            return label;
    }
    return NULL;
}

static int compare_labels_but_le(const struct series *x, const struct series *y)
{
    size_t at_x = 0, at_y = 0;
    for (;;) {
        const struct label *a = label_but_le(x, &at_x), *b = label_but_le(y, &at_y);
        if (!a || !b)
            return (a != NULL) - (b != NULL);
        int by = strcmp(a->name, b->name);
        if (!by)
            by = strcmp(a->value, b->value);
        if (by)
            return by;
    }
}

static double bucket_bound(const struct series *s)
{
    const char *le = series_label(s, "le");
    return le ? strtod(le, NULL) : 0;
}

static int compare_rows(const void *a, const void *b)
{
    const struct family_row *x = a, *y = b;
    int by = compare_families(x, y);
    if (!by && x->is_histogram && y->is_histogram) {
        by = compare_labels_but_le(x->series, y->series);
        if (!by)
            by = strcmp(x->series->name, y->series->name); /* _bucket, _count, _sum */
        if (!by) {
            double low = bucket_bound(x->series), high = bucket_bound(y->series);
            by = (low > high) - (low < high);
        }
    }
    return by ? by : (x->series->id > y->series->id) - (x->series->id < y->series->id);
}

struct family_row *families_order(const struct series_set *set, uint32_t *ret_count)
{
    struct map histograms;
    map_init(&histograms);
    struct family_row *rows = mem_array(MAX(set->count, 1U), sizeof(*rows));
    uint32_t count = 0;
    for (uint32_t slot = 0; slot < set->count; slot++) {
        const struct series *s = set->slots[slot];
        if (!s)
            continue;
        rows[count++] = (struct family_row){.series = s, .slot = slot};
        size_t base = histogram_base(s->name);
        if (is_bucket(s, base)) {
            char *name = mem_string_n(s->name, base);
            map_put(&histograms, name, &histograms);
            free(name);
        }
    }
    for (uint32_t i = 0; i < count; i++)
        row_classify(&rows[i], &histograms);
    qsort(rows, count, sizeof(*rows), compare_rows);
    map_fini(&histograms);
    *ret_count = count;
    return rows;
}

bool family_same(const struct family_row *a, const struct family_row *b)
{
    return compare_families(a, b) == 0;
}

bool family_same_labels(const struct family_row *a, const struct family_row *b)
{
    return compare_labels_but_le(a->series, b->series) == 0;
}
