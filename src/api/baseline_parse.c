/*
 * baseline_parse.c: reading a baseline's document. It may have megabytes, of which a tree of JSON
 * values takes several times as much; so the text is cut at the braces first, and only one series
 * at a time, and the rest, become trees. The cutting knows strings and brackets and nothing else;
 * whether a piece is JSON is for the parser to say.
 *
 * What people read on a terminal later has no control characters when it leaves here.
 */
#include "api/baseline.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json_cut.h"
#include "base/mem.h"
#include "base/text.h"
#include "wire/json.h"

#define BLOCKS_MAX 10000000
#define TIME_MAX (INT64_C(1) << 53)
#define LABELS_MAX (SERIES_LABELS_MAX + 1) /* and the quantile */
#define TEXT_MAX 1024

struct parse {
    struct baseline *ret;
    size_t series;      /* the number of the one at hand; 0: the head */
    const char *member; /* that is wrong, and what it should be */
    const char *expected;
};

/* ---- cutting ----------------------------------------------------------------------------- */

/* Parts the document: what `series` is, and all else as an object of its own. */
static bool cut_document(const char *text, size_t len, struct buf *head, struct cut *series)
{
    static const char word[] = "\"series\"";
    if (!len)
        return false;
    struct cut c = {text, text + len}, key, value;
    if (!cut_char(&c, '{'))
        return false;
    buf_char(head, '{');
    for (bool first = true; first || cut_char(&c, ','); first = false) {
        if (!cut_space(&c) || *c.at != '"' || !cut_value(&c, &key) || !cut_char(&c, ':') ||
            !cut_value(&c, &value))
            return false;
        if ((size_t)(key.end - key.at) == sizeof(word) - 1 &&
            memcmp(key.at, word, sizeof(word) - 1) == 0) {
            if (series->at)
                return false; /* twice */
            *series = value;
            continue;
        }
        if (head->len > 1)
            buf_char(head, ',');
        buf_append(head, key.at, (size_t)(key.end - key.at));
        buf_char(head, ':');
        buf_append(head, value.at, (size_t)(value.end - value.at));
    }
    buf_char(head, '}');
    return cut_char(&c, '}') && !cut_space(&c);
}

/* ---- members ----------------------------------------------------------------------------- */

static int bad(struct parse *p, const char *member, const char *expected)
{
    p->member = member;
    p->expected = expected;
    return -EBADMSG;
}

static void make_printable(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
    }
}

/* Absent: it stays empty. */
static void take_word(const json_t *o, const char *member, char *ret, size_t size)
{
    const char *text = json_string_value(json_object_get(o, member));
    snprintf(ret, size, "%s", text ? text : "");
    ret[text_utf8_valid(ret, strlen(ret))] = '\0'; /* perhaps cut in the middle of a character */
    make_printable(ret);
}

static int take_whole(struct parse *p, const json_t *o, const char *member, int64_t least,
                      int64_t most, int64_t *ret)
{
    const json_t *v = json_object_get(o, member);
    if (!json_is_integer(v) || json_integer_value(v) < least || json_integer_value(v) > most)
        return bad(p, member, "a whole number in its bounds");
    *ret = json_integer_value(v);
    return 0;
}

static int take_number(struct parse *p, const json_t *o, const char *member, double *ret)
{
    const json_t *v = json_object_get(o, member);
    if (!json_is_number(v) || !isfinite(json_number_value(v)))
        return bad(p, member, "a number");
    *ret = json_number_value(v);
    return 0;
}

/* ---- a series ---------------------------------------------------------------------------- */

static bool is_metric_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:";
    static const char more[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:0123456789";
    size_t len = strlen(name);
    return len > 0 && len <= SERIES_TEXT_MAX && strspn(name, letters) > 0 &&
           strspn(name, more) == len;
}

static int take_labels(struct parse *p, json_t *o, char **ret)
{
    json_t *labels = json_object_get(o, "labels"), *value;
    struct label list[LABELS_MAX];
    const char *name;
    size_t count = 0;
    if (!json_is_object(labels) || json_object_size(labels) > LABELS_MAX)
        return bad(p, "labels", "an object of at most 9 texts");
    json_object_foreach(labels, name, value)
    {
        const char *text = json_string_value(value);
        if (!text || strlen(text) > TEXT_MAX || strlen(name) > TEXT_MAX)
            return bad(p, "labels", "an object of at most 9 texts");
        list[count++] = (struct label){name, text};
    }
    *ret = baseline_labels(list, count);
    return 0;
}

static int take_sketch(struct parse *p, const json_t *o, int64_t n, struct block_stats **ret)
{
    static const char form[] = "1 to 101 ascending numbers, no more than n";
    const json_t *sketch = json_object_get(o, "sketch");
    size_t count = json_array_size(sketch);
    if (count == 0 || count > BLOCK_SKETCH_MAX || (int64_t)count > n)
        return bad(p, "sketch", form);
    struct block_stats *s = mem_alloc(sizeof(*s) + count * sizeof(s->sketch[0]));
    s->n = (uint32_t)n;
    s->sketch_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        const json_t *v = json_array_get(sketch, i);
        double value = json_number_value(v);
        s->sketch[i] = block_rounded(value);
        if (!json_is_number(v) || !isfinite(value) || (i && s->sketch[i] < s->sketch[i - 1])) {
            free(s);
            return bad(p, "sketch", form);
        }
    }
    *ret = s;
    return 0;
}

static int take_stats(struct parse *p, const json_t *o, struct block_stats **ret)
{
    int64_t n;
    if (take_whole(p, o, "n", 1, BLOCKS_MAX, &n) < 0 || take_sketch(p, o, n, ret) < 0)
        return -EBADMSG;
    struct block_stats *s = *ret;
    const struct {
        const char *member;
        double *at;
    } numbers[] = {{"mean", &s->mean}, {"sigma", &s->sigma}, {"min", &s->min}, {"max", &s->max},
                   {"p50", &s->p50},   {"p90", &s->p90},     {"p99", &s->p99}};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        if (take_number(p, o, numbers[i].member, numbers[i].at) < 0)
            return -EBADMSG;
    }
    const json_t *r = json_object_get(o, "autocorrelation");
    s->autocorrelation = NAN;
    if (!r || json_is_null(r))
        return 0;
    if (take_number(p, o, "autocorrelation", &s->autocorrelation) < 0)
        return -EBADMSG;
    return fabs(s->autocorrelation) <= 1 ? 0 : bad(p, "autocorrelation", "from -1 to 1, or null");
}

static int take_series(struct parse *p, json_t *o, struct baseline_series *ret)
{
    char unit[BASELINE_WORD_MAX];
    const char *name = json_string_value(json_object_get(o, "name"));
    const char *kind = json_string_value(json_object_get(o, "kind"));
    if (!name || !is_metric_name(name))
        return bad(p, "name", "the name of a metric");
    if (!kind || (strcmp(kind, "counter") != 0 && strcmp(kind, "gauge") != 0))
        return bad(p, "kind", "\"counter\" or \"gauge\"");
    take_word(o, "unit", unit, sizeof(unit));
    if (take_labels(p, o, &ret->labels) < 0 || take_stats(p, o, &ret->stats) < 0)
        return -EBADMSG;
    ret->kind = strcmp(kind, "counter") == 0 ? METRIC_COUNTER : METRIC_GAUGE;
    ret->name = mem_string(name);
    ret->unit = mem_string(unit);
    return 0;
}

static int parse_one(struct parse *p, struct cut text, char *why, size_t why_size)
{
    json_t *o = json_parse(text.at, (size_t)(text.end - text.at), why, why_size);
    struct baseline_series s = {0};
    int err = o ? 0 : -EBADMSG;
    if (o && !json_is_object(o))
        err = bad(p, "series", "an array of objects");
    if (!err)
        err = take_series(p, o, &s);
    json_decref(o);
    if (!err) {
        baseline_list_add(&p->ret->list, s);
        return 0;
    }
    free(s.labels);
    free(s.stats);
    return err;
}

/* All of them; entry_only: they are counted. */
static int parse_series(struct parse *p, struct cut all, bool entry_only, size_t *ret_count,
                        char *why, size_t why_size)
{
    struct cut one;
    size_t count = 0;
    if (!cut_char(&all, '['))
        return bad(p, "series", "an array of objects");
    if (cut_char(&all, ']')) {
        *ret_count = 0;
        return 0;
    }
    do {
        p->series = ++count;
        if (count > BASELINE_SERIES_MAX)
            return bad(p, "series", "of at most 10000 series");
        if (!cut_value(&all, &one))
            return bad(p, "series", "an array of objects");
        int err = entry_only ? 0 : parse_one(p, one, why, why_size);
        if (err)
            return err;
    } while (cut_char(&all, ','));
    *ret_count = count;
    baseline_list_sort(&p->ret->list);
    return cut_char(&all, ']') ? 0 : bad(p, "series", "an array of objects");
}

/* ---- the document ------------------------------------------------------------------------ */

/* Absent: none. */
static int take_patterns(struct parse *p, const json_t *o, const char *member,
                         int (*add)(struct selector *s, const char *text))
{
    const json_t *list = json_object_get(o, member), *value;
    size_t i;
    if (list && !json_is_array(list))
        return bad(p, member, "an array of patterns");
    json_array_foreach(list, i, value)
    {
        if (!json_is_string(value) || add(&p->ret->selection, json_string_value(value)) < 0)
            return bad(p, member, "an array of patterns");
    }
    return 0;
}

static int parse_head(struct parse *p, const json_t *o)
{
    struct baseline *b = p->ret;
    int64_t blocks = 0;
    const char *kind = json_string_value(json_object_get(o, "kind"));
    take_word(o, "name", b->name, sizeof(b->name));
    take_word(o, "comment", b->comment, sizeof(b->comment));
    take_word(o, "made_by", b->made_by, sizeof(b->made_by));
    take_word(o, "version", b->version, sizeof(b->version));
    take_word(o, "host", b->host, sizeof(b->host));
    take_word(o, "kernel", b->kernel, sizeof(b->kernel));
    b->automatic = kind && strcmp(kind, "automatic") == 0;
    b->list.truncated = json_is_true(json_object_get(o, "truncated"));
    if (take_whole(p, o, "from_ms", -TIME_MAX, TIME_MAX, &b->from_ms) < 0 ||
        take_whole(p, o, "to_ms", -TIME_MAX, TIME_MAX, &b->to_ms) < 0 ||
        take_whole(p, o, "made_ms", -TIME_MAX, TIME_MAX, &b->made_ms) < 0 ||
        take_whole(p, o, "block_ms", BLOCK_MS, BLOCK_MS, &b->block_ms) < 0 ||
        take_whole(p, o, "blocks", 0, BLOCKS_MAX, &blocks) < 0 ||
        take_patterns(p, o, "metric", selector_add_glob) < 0 ||
        take_patterns(p, o, "match", selector_add_match) < 0)
        return -EBADMSG;
    b->blocks = (uint32_t)blocks;
    return 0;
}

int baseline_parse(const char *text, size_t len, bool entry_only, struct baseline *ret,
                   size_t *ret_count, char *why, size_t why_size)
{
    CLEANUP(buf_fini) struct buf head = BUF_INIT;
    struct parse p = {.ret = ret};
    struct cut series = {NULL, NULL};
    size_t count = 0;
    *ret = (struct baseline){0};
    *why = '\0';
    if (!cut_document(text, len, &head, &series) || !buf_ok(&head)) {
        snprintf(why, why_size, "It is no JSON object, or not a whole one.");
        return -EBADMSG;
    }
    json_t *o = json_parse(head.data, head.len, why, why_size);
    if (!o)
        return -EBADMSG;
    int err = parse_head(&p, o);
    json_decref(o);
    if (!err && !series.at)
        err = bad(&p, "series", "there");
    if (!err)
        err = parse_series(&p, series, entry_only, &count, why, why_size);
    if (!err && ret_count)
        *ret_count = count;
    if (err && p.member && p.series)
        snprintf(why, why_size, "series %zu: \"%s\" must be %s", p.series, p.member, p.expected);
    else if (err && p.member)
        snprintf(why, why_size, "\"%s\" must be %s", p.member, p.expected);
    return err;
}
