/*
 * render.c: the two bodies in JSON, and what all renderings share. An alert becomes labels, which
 * say what it is, and annotations, which say how it is. The labels are the rule (alertname), the
 * severity, this host (instance), the metric and the labels of the series; one of these that has
 * the name of ours gets the prefix exported_, as Prometheus does it.
 *
 * Labels lie sorted in a small array, which is at once what the fingerprint and "labels that all
 * have" need.
 */
#include "alert/render.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/render_internal.h"
#include "base/defs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/series.h"
#include "wire/json.h"

#define TIME_MOST_MS INT64_C(253402300799999) /* the end of the year 9999 */
#define TIME_NONE "0001-01-01T00:00:00Z"      /* Alertmanager's word for "not yet" */

/* ---- what all share -------------------------------------------------------------------------- */

void render_clean(struct buf *out, const char *text)
{
    size_t len = strlen(text);
    for (size_t at = 0; at < len;) {
        size_t good = text_utf8_valid(text + at, len - at), from = out->len;
        buf_append(out, text + at, good);
        at += good;
        for (size_t i = from; i < out->len; i++) {
            unsigned char *c = (unsigned char *)out->data + i;
            if (*c < 0x20 || *c == 0x7f)
                *c = ' ';
            else if (c[0] == 0xc2 && i + 1 < out->len && c[1] < 0xa0) /* U+0080 to U+009F */
                c[0] = c[1] = ' ';
        }
        if (at < len) {
            buf_text(out, "\xef\xbf\xbd");
            at++;
        }
    }
}

const char *render_number(double value, char out[RENDER_NUMBER_MAX])
{
    out[0] = '\0';
    if (isfinite(value))
        *json_write_rounded(out, value, 6) = '\0';
    return out;
}

int64_t render_clamp_ms(int64_t t_ms)
{
    return MIN(MAX(t_ms, 0), TIME_MOST_MS);
}

const char *render_time(int64_t t_ms, char out[RENDER_TIME_MAX])
{
    text_format_time(render_clamp_ms(t_ms), out, RENDER_TIME_MAX);
    return out;
}

bool render_is_over(const struct alert *a)
{
    return !alert_is_active(a);
}

const char *render_status(const struct notice *n)
{
    for (size_t i = 0; i < n->count; i++) {
        if (!render_is_over(n->alerts[i]))
            return "firing";
    }
    return "resolved";
}

int64_t render_begin_ms(const struct alert *a)
{
    int64_t begin_ms = a->started_ms ? a->started_ms : a->pending_ms;
    return render_clamp_ms(begin_ms ? begin_ms : a->changed_ms);
}

static int64_t end_ms(const struct alert *a)
{
    int64_t ended_ms = a->resolved_ms ? a->resolved_ms : a->changed_ms;
    return MAX(render_clamp_ms(ended_ms), render_begin_ms(a));
}

/* ---- labels ---------------------------------------------------------------------------------- */

static const char *const own_names[] = {"alertname", "severity", "instance", "metric"};

struct render_label {
    char *name, *value;
};

struct render_labels {
    size_t count;
    struct render_label labels[SERIES_LABELS_MAX + ARRAY_LEN(own_names)]; /* sorted by name */
};

static void labels_fini(struct render_labels *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free(set->labels[i].name);
        free(set->labels[i].value);
    }
    set->count = 0;
}

/* Takes the name. One that is there already, or that says nothing, is left out. */
static void labels_add(struct render_labels *set, char *name, const char *value)
{
    size_t at = 0;
    while (at < set->count && strcmp(set->labels[at].name, name) < 0)
        at++;
    bool there = at < set->count && strcmp(set->labels[at].name, name) == 0;
    if (there || !*value || set->count == ARRAY_LEN(set->labels)) {
        free(name);
        return;
    }
    CLEANUP(buf_fini) struct buf clean = BUF_INIT;
    render_clean(&clean, value);
    memmove(&set->labels[at + 1], &set->labels[at], (set->count - at) * sizeof(set->labels[0]));
    set->labels[at] = (struct render_label){name, mem_string(buf_string(&clean))};
    set->count++;
}

static char *label_name(const char *text, size_t len)
{
    char *name = mem_string_n(text, len);
    for (char *c = name; *c; c++) {
        if (!isalnum((unsigned char)*c) || (c == name && isdigit((unsigned char)*c)))
            *c = '_';
    }
    for (size_t i = 0; i < ARRAY_LEN(own_names); i++) {
        if (strcmp(name, own_names[i]) == 0) {
            free(name);
            return mem_printf("exported_%s", own_names[i]);
        }
    }
    return *name ? name : (free(name), mem_string("_"));
}

/* The value that begins behind the quote, unescaped into `out`; its end, behind the other quote. */
static const char *read_value(const char *at, struct buf *out)
{
    for (; *at && *at != '"'; at++) {
        if (*at == '\\' && at[1]) {
            at++;
            buf_char(out, *at == 'n' ? '\n' : *at);
        } else {
            buf_char(out, *at);
        }
    }
    return *at ? at + 1 : at;
}

/* name{a="x",b="y"}, as series_key_write makes it; where it is not of that form it ends. */
static void labels_of_series(struct render_labels *set, const char *text)
{
    size_t name = strcspn(text, "{");
    CLEANUP(mem_freep) char *metric = mem_string_n(text, name);
    labels_add(set, mem_string("metric"), metric);
    const char *at = text + name;
    while (*at == '{' || *at == ',') {
        at++;
        size_t len = strcspn(at, "=");
        if (at[len] != '=' || at[len + 1] != '"')
            return;
        CLEANUP(buf_fini) struct buf value = BUF_INIT;
        const char *end = read_value(at + len + 2, &value);
        labels_add(set, label_name(at, len), buf_string(&value));
        at = end;
    }
}

static void labels_make(struct render_labels *set, const struct alert *a,
                        const struct render_context *c)
{
    set->count = 0;
    labels_add(set, mem_string("alertname"), a->rule);
    labels_add(set, mem_string("severity"), alert_severity_name(a->severity));
    labels_add(set, mem_string("instance"), c->host);
    labels_of_series(set, a->series);
}

static bool is_identity(const struct render_label *l)
{
    return strcmp(l->name, "severity") != 0;
}

/* FNV-1a of 64 bits over the sorted names and values, a byte 255 after each: how Prometheus makes
 * fingerprints of labels (github.com/prometheus/common, model/signature). */
static uint64_t fingerprint(const struct render_labels *set)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < set->count; i++) {
        if (!is_identity(&set->labels[i]))
            continue;
        const char *texts[] = {set->labels[i].name, set->labels[i].value};
        for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
            for (const char *t = texts[k]; *t; t++)
                h = (h ^ (unsigned char)*t) * UINT64_C(1099511628211);
            h = (h ^ 255) * UINT64_C(1099511628211);
        }
    }
    return h;
}

/* Leaves those that `other` has with the same value. */
static void labels_intersect(struct render_labels *set, const struct render_labels *other)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        bool same = false;
        for (size_t k = 0; k < other->count && !same; k++)
            same = strcmp(set->labels[i].name, other->labels[k].name) == 0 &&
                   strcmp(set->labels[i].value, other->labels[k].value) == 0;
        if (same) {
            set->labels[kept++] = set->labels[i];
        } else {
            free(set->labels[i].name);
            free(set->labels[i].value);
        }
    }
    set->count = kept;
}

static void put_labels(struct buf *out, const char *key, const struct render_labels *set,
                       bool identity_only)
{
    json_put_key(out, key);
    json_open(out, '{');
    for (size_t i = 0; i < set->count; i++) {
        if (identity_only && !is_identity(&set->labels[i]))
            continue;
        json_put_key(out, set->labels[i].name);
        json_put_string(out, set->labels[i].value);
    }
    json_close(out, '}');
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void put_member(struct buf *out, const char *key, const char *value)
{
    json_put_key(out, key);
    json_put_string(out, value);
}

/* For texts of others: jansson and its like refuse an escaped NUL only, so that is all it takes;
 * control characters go for the eyes of those who read it in a chat. */
static void put_clean(struct buf *out, const char *key, const char *value)
{
    CLEANUP(buf_fini) struct buf clean = BUF_INIT;
    render_clean(&clean, value);
    put_member(out, key, buf_string(&clean));
}

static void put_annotations(struct buf *out, const struct notice *n, const struct alert *a)
{
    char number[RENDER_NUMBER_MAX];
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"value", a->value}, {"threshold", a->threshold}, {"z", a->z}};
    json_put_key(out, "annotations");
    json_open(out, '{');
    put_clean(out, "summary", a->summary);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        if (isfinite(numbers[i].value))
            put_member(out, numbers[i].key, render_number(numbers[i].value, number));
    }
    if (*a->unit)
        put_clean(out, "unit", a->unit);
    put_member(out, "reason", alert_reason_name(a->reason));
    put_member(out, "state", alert_state_name(a->state));
    if (*a->by)
        put_clean(out, "acknowledged_by", a->by);
    if (n->test)
        put_member(out, "test", "true");
    json_close(out, '}');
}

/* "/alerts" of the dashboard; "" without one. */
static char *link_of(const struct render_context *c)
{
    size_t len = strlen(c->dashboard);
    while (len && c->dashboard[len - 1] == '/')
        len--;
    return len ? mem_printf("%.*s/alerts", (int)len, c->dashboard) : mem_string("");
}

static void put_webhook_alert(struct buf *out, const struct notice *n, const struct alert *a,
                              const struct render_context *c, const char *link)
{
    char time[RENDER_TIME_MAX], print[17];
    CLEANUP(labels_fini) struct render_labels labels;
    labels_make(&labels, a, c);
    json_open(out, '{');
    put_member(out, "status", render_is_over(a) ? "resolved" : "firing");
    put_labels(out, "labels", &labels, false);
    put_annotations(out, n, a);
    put_member(out, "startsAt", render_time(render_begin_ms(a), time));
    put_member(out, "endsAt", render_is_over(a) ? render_time(end_ms(a), time) : TIME_NONE);
    put_member(out, "generatorURL", link);
    snprintf(print, sizeof(print), "%016" PRIx64, fingerprint(&labels));
    put_member(out, "fingerprint", print);
    json_close(out, '}');
}

/* {}:{alertname="x",device="eth0"}: a receiver that keeps an incident for each group closes the
 * right one. Digests are groups of many and have one key. */
static void put_group_key(struct buf *out, const struct render_labels *group)
{
    CLEANUP(buf_fini) struct buf key = BUF_INIT;
    const char *separator = "";
    buf_text(&key, "{}:{");
    for (size_t i = 0; i < group->count; i++) {
        if (!is_identity(&group->labels[i]))
            continue;
        buf_printf(&key, "%s%s=\"", separator, group->labels[i].name);
        for (const char *t = group->labels[i].value; *t; t++) {
            if (*t == '"' || *t == '\\')
                buf_char(&key, '\\');
            buf_char(&key, *t);
        }
        buf_char(&key, '"');
        separator = ",";
    }
    buf_char(&key, '}');
    put_member(out, "groupKey", buf_string(&key));
}

static void put_common(struct buf *out, const struct notice *n, const struct render_labels *common)
{
    CLEANUP(buf_fini) struct buf title = BUF_INIT;
    notice_title(n, &title);
    put_labels(out, "commonLabels", common, false);
    json_put_key(out, "commonAnnotations");
    json_open(out, '{');
    put_clean(out, "summary", buf_string(&title));
    json_close(out, '}');
}

void render_webhook(const struct notice *n, const struct render_context *c, struct buf *out)
{
    CLEANUP(labels_fini) struct render_labels common;
    const struct render_labels none = {0};
    labels_make(&common, n->alerts[0], c);
    for (size_t i = 1; i < n->count; i++) {
        CLEANUP(labels_fini) struct render_labels other;
        labels_make(&other, n->alerts[i], c);
        labels_intersect(&common, &other);
    }
    const struct render_labels *group = n->count == 1 && !n->more ? &common : &none;
    CLEANUP(mem_freep) char *link = link_of(c);
    json_open(out, '{');
    put_member(out, "version", "4");
    put_group_key(out, group);
    json_put_key(out, "truncatedAlerts");
    json_put_u64(out, n->more);
    put_member(out, "status", render_status(n));
    put_member(out, "receiver", c->receiver);
    put_labels(out, "groupLabels", group, true);
    put_common(out, n, &common);
    put_member(out, "externalURL", c->dashboard);
    json_put_key(out, "alerts");
    json_open(out, '[');
    for (size_t i = 0; i < n->count; i++)
        put_webhook_alert(out, n, n->alerts[i], c, link);
    json_close(out, ']');
    json_close(out, '}');
}

void render_alertmanager(const struct notice *n, const struct render_context *c, struct buf *out)
{
    CLEANUP(mem_freep) char *link = link_of(c);
    json_open(out, '[');
    for (size_t i = 0; i < n->count; i++) {
        const struct alert *a = n->alerts[i];
        char time[RENDER_TIME_MAX];
        CLEANUP(labels_fini) struct render_labels labels;
        labels_make(&labels, a, c);
        json_open(out, '{');
        put_labels(out, "labels", &labels, false);
        put_annotations(out, n, a);
        put_member(out, "startsAt", render_time(render_begin_ms(a), time));
        /* A clock that went back since it began must not make the end come first. */
        int64_t hold_ms = MAX(render_clamp_ms(c->now_ms), render_begin_ms(a)) + RENDER_HOLD_MS;
        put_member(out, "endsAt", render_time(render_is_over(a) ? end_ms(a) : hold_ms, time));
        if (*link)
            put_member(out, "generatorURL", link);
        json_close(out, '}');
    }
    json_close(out, ']');
}
