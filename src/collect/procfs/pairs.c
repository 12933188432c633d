/*
 * pairs.c: files of names with one number each.
 *
 *   snmp6      Ip6InReceives    	1                 -> Ip6, InReceives
 *   sockstat   TCP: inuse 1 orphan 0 tw 0 mem 26     -> TCP, inuse; TCP, orphan; ...
 *
 * Fields are kept in the order of the text. While it stays the same, each name is found at the
 * cursor with one comparison; a new name is put in at its place, one that is missing is stepped
 * over. Bound: 2,048 fields.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/mem.h"
#include "collect/catalogue.h"
#include "collect/procfs/parts.h"

#define FIELDS_MAX 2048

struct field {
    char name[64]; /* "Ip6InReceives" or "TCP:inuse" */
    size_t name_len;
    bool gauge;
    struct series *series;
    struct series *bytes; /* sockstat's `mem` is in pages: the same in bytes */
};

struct pairs {
    struct sampler *sampler;
    enum pairs_format format;
    double page_bytes;
    struct field *fields;
    size_t count, capacity;
    size_t cursor;
    size_t bad; /* in the text being read */
};

struct pairs *pairs_new(struct sampler *sampler, enum pairs_format format)
{
    struct pairs *p = mem_alloc(sizeof(*p));
    p->sampler = sampler;
    p->format = format;
    p->page_bytes = (double)sysconf(_SC_PAGESIZE);
    return p;
}

void pairs_forget(struct pairs *p)
{
    for (size_t i = 0; i < p->count; i++) {
        series_unref(p->fields[i].series);
        series_unref(p->fields[i].bytes);
    }
    p->count = 0;
}

void pairs_free(struct pairs *p)
{
    if (!p)
        return;
    pairs_forget(p);
    free(p->fields);
    free(p);
}

/* A name of snmp6 is the group up to and with the 6, then the field. */
static void field_learn(struct pairs *p, struct field *f, const struct engine_sink *sink)
{
    const char *split = memchr(f->name, p->format == PAIRS_SNMP6 ? '6' : ':', f->name_len);
    if (!split) {
        p->bad++;
        return;
    }
    size_t group_len = (size_t)(split - f->name) + (p->format == PAIRS_SNMP6);
    const char *own = split + 1;
    size_t own_len = (size_t)(f->name + f->name_len - own);
    enum field_family family = p->format == PAIRS_SNMP6 ? FIELD_NETSTAT : FIELD_SOCKSTAT;
    struct field_metric metric;
    if (!field_describe(family, f->name, group_len, own, own_len, &metric)) {
        p->bad++; /* once: its numbers go nowhere from now on */
        return;
    }
    f->gauge = metric.metric.kind == METRIC_GAUGE;
    f->series = sampler_series(p->sampler, sink, &metric.metric, NULL, 0);
    if (p->format == PAIRS_SOCKSTAT && own_len == 3 && memcmp(own, "mem", 3) == 0 &&
        field_describe(family, f->name, group_len, "mem_bytes", 9, &metric))
        f->bytes = sampler_series(p->sampler, sink, &metric.metric, NULL, 0);
}

/* The field of this name, learned at the cursor if it is new. NULL: too long or no room. */
static struct field *pairs_field(struct pairs *p, const char *name, size_t len,
                                 const struct engine_sink *sink)
{
    struct scan wanted = scan_text(name, len);
    for (size_t i = p->cursor; i < p->count; i++) {
        if (scan_is(&wanted, p->fields[i].name, p->fields[i].name_len)) {
            p->cursor = i + 1;
            return &p->fields[i];
        }
    }
    for (size_t i = 0; i < MIN(p->cursor, p->count); i++) {
        if (scan_is(&wanted, p->fields[i].name, p->fields[i].name_len))
            return &p->fields[i];
    }
    if (len >= sizeof(p->fields[0].name) || p->count == FIELDS_MAX)
        return NULL;
    if (p->count == p->capacity) {
        p->capacity = MAX(p->capacity * 2, (size_t)64);
        p->fields = mem_resize(p->fields, p->capacity, sizeof(p->fields[0]));
    }
    struct field *f = &p->fields[p->cursor];
    memmove(f + 1, f, (p->count - p->cursor) * sizeof(*f));
    *f = (struct field){.name_len = len};
    memcpy(f->name, name, len);
    p->count++;
    p->cursor++;
    field_learn(p, f, sink);
    return f;
}

/* False: not a number of the field's kind. */
static bool pairs_number(struct pairs *p, const struct field *f, struct scan *line,
                         const struct engine_sink *sink)
{
    uint64_t count;
    double gauge;
    if (f->gauge) {
        if (!scan_signed(line, &gauge))
            return false;
        draft_gauge(sink->draft, f->series, gauge);
        draft_gauge(sink->draft, f->bytes, gauge * p->page_bytes);
        return true;
    }
    if (!scan_u64(line, &count))
        return false;
    draft_counter(sink->draft, f->series, count, 0);
    return true;
}

/* The field at the cursor if the line begins with its name, which is cut off. */
static struct field *pairs_expected(struct pairs *p, struct scan *line)
{
    if (p->cursor >= p->count)
        return NULL;
    struct field *f = &p->fields[p->cursor];
    size_t len = f->name_len;
    if (scan_len(line) <= len || (line->at[len] != ' ' && line->at[len] != '\t') ||
        memcmp(line->at, f->name, len) != 0)
        return NULL;
    line->at += len;
    p->cursor++;
    return f;
}

static void parse_snmp6_line(struct pairs *p, struct scan line, const struct engine_sink *sink)
{
    struct scan name;
    struct field *f = pairs_expected(p, &line);
    if (!f && scan_word(&line, &name))
        f = pairs_field(p, name.at, scan_len(&name), sink);
    if (!f || !pairs_number(p, f, &line, sink))
        p->bad++;
}

static void parse_sockstat_line(struct pairs *p, struct scan line, const struct engine_sink *sink)
{
    struct scan group, name;
    char full[sizeof(p->fields[0].name)];
    if (!scan_word(&line, &group) || group.end[-1] != ':') {
        p->bad++;
        return;
    }
    size_t group_len = scan_len(&group);
    while (scan_word(&line, &name)) {
        struct field *f = NULL;
        if (group_len + scan_len(&name) < sizeof(full)) {
            memcpy(full, group.at, group_len);
            memcpy(full + group_len, name.at, scan_len(&name));
            f = pairs_field(p, full, group_len + scan_len(&name), sink);
        }
        if (!f || !pairs_number(p, f, &line, sink)) {
            p->bad++;
            scan_word(&line, &name);
        }
    }
}

size_t pairs_parse(struct pairs *p, struct scan text, const struct engine_sink *sink)
{
    struct scan line;
    p->cursor = 0;
    p->bad = 0;
    while (scan_line(&text, &line)) {
        if (p->format == PAIRS_SNMP6)
            parse_snmp6_line(p, line, sink);
        else
            parse_sockstat_line(p, line, sink);
    }
    return p->bad + (scan_len(&text) > 0);
}
