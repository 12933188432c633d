/* template.c: see template.h. Length is bounded by the rule's summary and by ALERT_TEXT_MAX, at
 * which alert_text cuts what is made here. */
#include "alert/template.h"

#include <math.h>
#include <string.h>

#include "alert/series_text.h"
#include "base/defs.h"
#include "base/text.h"

/* At most three digits that say something, without an exponent where it can be. */
static void put_number(double value, struct buf *out)
{
    double size = fabs(value);
    if (size < 1e6 && (size >= 100 || value == (double)(int64_t)value))
        buf_printf(out, "%.0f", value);
    else
        buf_printf(out, "%.3g", value);
}

static void put_bytes(double value, const char *per, struct buf *out)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T", "P"};
    size_t i = 0;
    for (; fabs(value) >= 999.5 && i + 1 < ARRAY_LEN(prefixes); i++)
        value /= 1000;
    put_number(value, out);
    buf_printf(out, " %sB%s", prefixes[i], per);
}

void template_value(double value, const char *unit, bool ratio, struct buf *out)
{
    if (isnan(value)) {
        buf_text(out, "no value");
    } else if (ratio) {
        put_number(value * 100, out);
        buf_text(out, " %");
    } else if (strncmp(unit, "bytes", 5) == 0) {
        put_bytes(value, unit + 5, out);
    } else {
        put_number(value, out);
        if (strcmp(unit, "seconds") == 0)
            buf_text(out, " s");
        else if (*unit)
            buf_printf(out, " %s", unit);
    }
}

static bool is_ratio(const struct rule *r, const struct alert *a)
{
    return *r->per && !*a->unit;
}

/* ---- a sentence of our own ----------------------------------------------------------------- */

static void put_sentence(const struct rule *r, const struct alert *a, const struct judgement *j,
                         struct buf *out)
{
    bool ratio = is_ratio(r, a);
    char duration[32];
    switch (a->reason) {
    case ALERT_BY_ABSENCE:
        text_format_duration(r->absent_ms, duration, sizeof(duration));
        buf_printf(out, "no sample of %s for %s", a->series, duration);
        return;
    case ALERT_BY_ANOMALY:
        buf_printf(out, "%s is unusual: ", a->series);
        template_value(a->value, a->unit, ratio, out);
        if (!isnan(j->mean)) {
            buf_text(out, ", usually ");
            template_value(j->mean, a->unit, ratio, out);
        }
        if (!isnan(a->z))
            buf_printf(out, " (z %.1f)", a->z);
        return;
    default:
        buf_printf(out, "%s is ", a->series);
        template_value(a->value, a->unit, ratio, out);
        if (!isnan(a->threshold)) {
            buf_text(out, r->when == RULE_ABOVE ? " (above " : " (below ");
            template_value(a->threshold, a->unit, ratio, out);
            buf_char(out, ')');
        }
    }
}

/* ---- the rule's own words ------------------------------------------------------------------ */

/* Fills in what a name stands for; false: nothing. */
static bool put_word(const struct rule *r, const struct alert *a, const struct series_text *series,
                     const char *name, struct buf *out)
{
    if (strcmp(name, "rule") == 0)
        buf_text(out, a->rule);
    else if (strcmp(name, "series") == 0)
        buf_text(out, a->series);
    else if (strcmp(name, "metric") == 0)
        buf_text(out, series->name);
    else if (strcmp(name, "severity") == 0)
        buf_text(out, alert_severity_name(a->severity));
    else if (strcmp(name, "value") == 0)
        template_value(a->value, a->unit, is_ratio(r, a), out);
    else if (strcmp(name, "threshold") == 0)
        template_value(a->threshold, a->unit, is_ratio(r, a), out);
    else if (strcmp(name, "z") == 0)
        buf_printf(out, isnan(a->z) ? "no z" : "%.1f", a->z);
    else if (series_text_label(series, name))
        buf_text(out, series_text_label(series, name));
    else
        return false;
    return true;
}

static void put_template(const struct rule *r, const struct alert *a, struct buf *out)
{
    struct series_text series;
    series_text_init(&series, a->series);
    for (const char *at = r->summary; *at && out->len < ALERT_TEXT_MAX; at++) {
        char name[65];
        size_t len = *at == '{' ? strcspn(at + 1, "{}") : 0;
        if (*at == '{' && at[len + 1] == '}' && len < sizeof(name)) {
            memcpy(name, at + 1, len);
            name[len] = '\0';
            if (put_word(r, a, &series, name, out)) {
                at += len + 1;
                continue;
            }
        }
        buf_char(out, *at); /* what stands for nothing stays as it is */
    }
    series_text_fini(&series);
}

void template_summary(const struct rule *r, const struct alert *a, const struct judgement *j,
                      struct buf *out)
{
    if (*r->summary && a->reason != ALERT_BY_ABSENCE)
        put_template(r, a, out);
    else
        put_sentence(r, a, j, out);
}
