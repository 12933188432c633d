/*
 * netstat.c: /proc/net/snmp and /proc/net/netstat.
 *
 *   Tcp: RtoAlgorithm RtoMin RtoMax ...
 *   Tcp: 1 200 120000 ...
 *
 * The names hardly ever change (IcmpMsg gets a column when a type is first seen, a module adds a
 * group), so each group keeps the line of names it has learned with one series per column. In the
 * common case a tick compares that line bytewise and then only reads numbers. A line that differs
 * is learned anew under the same group name; columns that it shares with the old one keep their
 * series because the registry knows them.
 *
 * Bounds: 64 groups of 1,024 columns; what is beyond counts as not understood.
 */
#include <stdlib.h>

#include "base/defs.h"
#include "base/mem.h"
#include "collect/catalogue.h"
#include "collect/procfs/parts.h"

#define GROUPS_MAX 64
#define COLUMNS_MAX 1024

struct column {
    struct series *series; /* NULL: refused, or the name cannot be a metric's */
    bool gauge;
};

struct group {
    char *names; /* the line of names, not terminated */
    size_t names_len;
    size_t prefix_len; /* "Tcp:" */
    size_t count;
    struct column *columns;
};

struct netstat {
    struct sampler *sampler;
    struct group groups[GROUPS_MAX];
    size_t count;
};

struct netstat *netstat_new(struct sampler *sampler)
{
    struct netstat *n = mem_alloc(sizeof(*n));
    n->sampler = sampler;
    return n;
}

static void group_fini(struct group *g)
{
    for (size_t i = 0; i < g->count; i++)
        series_unref(g->columns[i].series);
    free(g->columns);
    free(g->names);
    *g = (struct group){0};
}

void netstat_forget(struct netstat *n)
{
    for (size_t i = 0; i < n->count; i++)
        group_fini(&n->groups[i]);
    n->count = 0;
}

void netstat_free(struct netstat *n)
{
    if (!n)
        return;
    netstat_forget(n);
    free(n);
}

/* The colon's place behind the group's name; NULL when the line does not begin with a name. */
static const char *line_colon(const struct scan *line)
{
    const char *colon = memchr(line->at, ':', scan_len(line));
    return colon && colon > line->at ? colon : NULL;
}

/* Learns the columns of a line of names. Returns how many of them could not be understood. */
static size_t group_learn(struct netstat *n, struct group *g, struct scan line, size_t prefix_len,
                          const struct engine_sink *sink)
{
    size_t bad = 0;
    struct group learned = {
        .names = mem_alloc(scan_len(&line)), /* no string: it may hold a NUL */
        .names_len = scan_len(&line),
        .prefix_len = prefix_len,
        .columns = mem_array(COLUMNS_MAX, sizeof(struct column)),
    };
    memcpy(learned.names, line.at, learned.names_len);
    struct scan names = {line.at + prefix_len, line.end}, word;
    while (scan_word(&names, &word)) {
        if (learned.count == COLUMNS_MAX) {
            bad++;
            break;
        }
        struct column *column = &learned.columns[learned.count++];
        struct field_metric field;
        if (!field_describe(FIELD_NETSTAT, line.at, learned.prefix_len - 1, word.at,
                            scan_len(&word), &field)) {
            bad++;
            continue;
        }
        column->gauge = field.metric.kind == METRIC_GAUGE;
        column->series = sampler_series(n->sampler, sink, &field.metric, NULL, 0);
    }
    learned.columns =
        mem_resize(learned.columns, MAX(learned.count, (size_t)1), sizeof(struct column));
    group_fini(g);
    *g = learned;
    return bad;
}

/* The group of this line of names, learned if need be; it is moved to place `at`, where the next
 * text will have it again. NULL: no room. */
static struct group *netstat_group(struct netstat *n, size_t at, struct scan names,
                                   size_t prefix_len, const struct engine_sink *sink, size_t *bad)
{
    for (size_t i = at; i < n->count; i++) {
        struct group *g = &n->groups[i];
        if (g->prefix_len != prefix_len || memcmp(g->names, names.at, prefix_len) != 0)
            continue;
        if (i != at) {
            struct group swap = n->groups[at];
            n->groups[at] = *g;
            *g = swap;
            g = &n->groups[at];
        }
        if (!scan_is(&names, g->names, g->names_len))
            *bad += group_learn(n, g, names, prefix_len, sink);
        return g;
    }
    if (n->count == GROUPS_MAX)
        return NULL;
    struct group *g = &n->groups[n->count++];
    struct group swap = n->groups[at];
    n->groups[at] = *g;
    *g = swap;
    *bad += group_learn(n, &n->groups[at], names, prefix_len, sink);
    return &n->groups[at];
}

static size_t group_sample(const struct group *g, struct scan values,
                           const struct engine_sink *sink)
{
    size_t bad = 0;
    for (size_t i = 0; i < g->count; i++) {
        const struct column *column = &g->columns[i];
        double gauge;
        uint64_t count;
        struct scan word;
        if (column->gauge && scan_signed(&values, &gauge)) {
            draft_gauge(sink->draft, column->series, gauge);
        } else if (!column->gauge && scan_u64(&values, &count)) {
            draft_counter(sink->draft, column->series, count, 0);
        } else {
            bad++;
            if (!scan_word(&values, &word))
                break; /* shorter than its line of names: cut off */
        }
    }
    return bad;
}

size_t netstat_parse(struct netstat *n, struct scan text, const struct engine_sink *sink)
{
    size_t bad = 0, at = 0;
    struct scan names, values;
    while (scan_line(&text, &names)) {
        const char *colon = line_colon(&names);
        struct scan rest = text;
        if (!colon || !scan_line(&text, &values)) {
            bad++;
            continue;
        }
        size_t prefix_len = (size_t)(colon + 1 - names.at);
        if (scan_len(&values) < prefix_len || memcmp(names.at, values.at, prefix_len) != 0) {
            /* Not a pair: the second line may be the first of the next one. */
            bad++;
            text = rest;
            continue;
        }
        struct group *g = netstat_group(n, at, names, prefix_len, sink, &bad);
        if (!g) {
            bad++;
            continue;
        }
        at++;
        values.at += prefix_len;
        bad += group_sample(g, values, sink);
    }
    return bad + (scan_len(&text) > 0);
}
