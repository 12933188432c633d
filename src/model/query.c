/* query.c: selectors, the words for aggregates, and the memory of an answer. */
#include "model/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

static const char *const aggregate_names[] = {
    [AGG_AVG] = "avg", [AGG_MIN] = "min", [AGG_MAX] = "max", [AGG_LAST] = "last",
    [AGG_SUM] = "sum", [AGG_P50] = "p50", [AGG_P90] = "p90", [AGG_P99] = "p99",
};

int aggregate_parse(const char *word, enum aggregate *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(aggregate_names); i++) {
        if (strcmp(word, aggregate_names[i]) == 0) {
            *ret = (enum aggregate)i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *aggregate_name(enum aggregate agg)
{
    return aggregate_names[agg];
}

void selector_init(struct selector *s)
{
    memset(s, 0, sizeof(*s));
}

void selector_fini(struct selector *s)
{
    for (size_t i = 0; i < s->globs_count; i++)
        free(s->globs[i]);
    for (size_t i = 0; i < s->matches_count; i++) {
        free(s->matches[i].label);
        free(s->matches[i].glob);
    }
    selector_init(s);
}

int selector_add_glob(struct selector *s, const char *glob)
{
    if (!*glob)
        return -EINVAL;
    if (s->globs_count == SELECTOR_GLOBS_MAX || strlen(glob) > SELECTOR_BYTES_MAX - s->bytes)
        return -E2BIG;
    s->bytes += strlen(glob);
    s->globs[s->globs_count++] = mem_string(glob);
    return 0;
}

int selector_add_match(struct selector *s, const char *match)
{
    const char *equals = strchr(match, '=');
    if (!equals || equals == match)
        return -EINVAL;
    if (s->matches_count == SELECTOR_MATCHES_MAX || strlen(match) > SELECTOR_BYTES_MAX - s->bytes)
        return -E2BIG;
    s->bytes += strlen(match);
    s->matches[s->matches_count].label = mem_string_n(match, (size_t)(equals - match));
    s->matches[s->matches_count++].glob = mem_string(equals + 1);
    return 0;
}

static const char *label_value(const struct label *labels, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(labels[i].name, name) == 0)
            return labels[i].value;
    }
    return "";
}

/* A pattern that matches this text alone. */
static void put_literal(struct buf *glob, const char *text)
{
    for (; *text; text++) {
        if (strchr("*?[]\\", *text))
            buf_char(glob, '\\');
        buf_char(glob, *text);
    }
}

int selector_add_exact_name(struct selector *s, const char *name)
{
    CLEANUP(buf_fini) struct buf glob = BUF_INIT;
    put_literal(&glob, name);
    return selector_add_glob(s, buf_string(&glob));
}

int selector_of_series(struct selector *s, const char *name, const struct label *labels,
                       size_t labels_count)
{
    selector_init(s);
    int err = selector_add_exact_name(s, name);
    for (size_t i = 0; i < labels_count && !err; i++) {
        CLEANUP(buf_fini) struct buf match = BUF_INIT;
        buf_printf(&match, "%s=", labels[i].name);
        put_literal(&match, labels[i].value);
        err = selector_add_match(s, buf_string(&match));
    }
    return err;
}

bool selector_matches(const struct selector *s, const char *name, const struct label *labels,
                      size_t labels_count)
{
    bool named = s->globs_count == 0;
    for (size_t i = 0; i < s->globs_count && !named; i++)
        named = text_glob(s->globs[i], name);
    if (!named)
        return false;
    for (size_t i = 0; i < s->matches_count; i++) {
        const char *value = label_value(labels, labels_count, s->matches[i].label);
        if (!text_glob(s->matches[i].glob, value))
            return false;
    }
    return true;
}

bool selector_has(const struct selector *s, const struct series *series)
{
    return selector_matches(s, series->name, series->labels, series->labels_count);
}

bool query_has_key(const struct query *query, const char *key)
{
    size_t low = 0, high = query->keys_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(query->keys[mid], key);
        if (order == 0)
            return true;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return query->keys_count == 0;
}

void answer_series_fini(struct answer_series *s)
{
    free(s->name);
    free(s->unit);
    free(s->key);
    for (size_t k = 0; k < s->labels_count; k++) {
        free((char *)s->labels[k].name);
        free((char *)s->labels[k].value);
    }
    free(s->values);
}

void answer_free(struct answer *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->series_count; i++)
        answer_series_fini(&a->series[i]);
    free(a->series);
    free(a);
}
