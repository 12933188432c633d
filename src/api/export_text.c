/*
 * export_text.c: what the formats have in common: their names, times, and cells of a CSV that no
 * spreadsheet takes for a formula. Names of processes, devices and hosts come from strangers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/export_writer.h"
#include "base/check.h"
#include "base/defs.h"
#include "base/text.h"

#define DAY_MS (24 * 3600 * MS_PER_S)

static const struct {
    const char *name, *content_type;
} formats[EXPORT_FORMATS] = {
    [EXPORT_JSON] = {"json", "application/json"},
    [EXPORT_CSV] = {"csv", "text/csv; charset=utf-8; header=present"},
    [EXPORT_NDJSON] = {"ndjson", "application/x-ndjson"},
    [EXPORT_OPENMETRICS] = {"openmetrics",
                            "application/openmetrics-text; version=1.0.0; charset=utf-8"},
};

int export_format_parse(const char *word, enum export_format *ret)
{
    for (unsigned i = 0; i < EXPORT_FORMATS; i++) {
        if (strcmp(formats[i].name, word) == 0) {
            *ret = (enum export_format)i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *export_format_name(enum export_format format)
{
    CHECK(format < EXPORT_FORMATS);
    return formats[format].name;
}

const char *export_content_type(enum export_format format)
{
    CHECK(format < EXPORT_FORMATS);
    return formats[format].content_type;
}

const struct export_form *export_form(enum export_format format, bool wide)
{
    switch (format) {
    case EXPORT_JSON:
        return &export_json;
    case EXPORT_NDJSON:
        return &export_ndjson;
    case EXPORT_CSV:
        return wide ? &export_csv_wide : &export_csv;
    default:
        return &export_openmetrics;
    }
}

void export_writer_fini(struct export_writer *w)
{
    buf_fini(&w->prefix);
    free(TAKE(w->totals));
    free(TAKE(w->last_ms));
}

static char *put_digits(char *at, int64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + digits;
}

void export_put_time(struct export_clock *clock, int64_t t_ms, struct buf *out)
{
    int64_t day = t_ms / DAY_MS - (t_ms % DAY_MS < 0), in_day = t_ms - day * DAY_MS;
    if (!clock->date[0] || clock->day != day) {
        text_format_time(day * DAY_MS, clock->date, sizeof(clock->date));
        clock->date[strcspn(clock->date, "T")] = '\0';
        clock->day = day;
    }
    buf_text(out, clock->date);
    char text[] = "Thh:mm:ss.mmmZ", *at = text + 1;
    at = put_digits(at, in_day / (3600 * MS_PER_S), 2) + 1;
    at = put_digits(at, in_day / (60 * MS_PER_S) % 60, 2) + 1;
    at = put_digits(at, in_day / MS_PER_S % 60, 2) + 1;
    put_digits(at, in_day % MS_PER_S, 3);
    buf_append(out, text, sizeof(text) - 1);
}

/* Whether a cell that begins here would be a formula, quotes around it or not. */
static bool is_formula(const char *text)
{
    text += strspn(text, "\"");
    return *text && strchr("=+-@", *text);
}

void export_put_cell(struct buf *out, const char *text)
{
    bool quoted = text[strcspn(text, ",;\t\"\r\n")] != '\0';
    if (quoted)
        buf_char(out, '"');
    if (*text && strchr("=+-@\t\r\n", *text))
        buf_char(out, '\'');
    for (const char *p = text; *p; p++) {
        if (*p == '"')
            buf_char(out, '"');
        buf_char(out, *p);
        /* Quotes in the midst of a line mean nothing to who separates by something else. */
        if (strchr(";\t\r\n", *p) && is_formula(p + 1))
            buf_char(out, '\'');
    }
    if (quoted)
        buf_char(out, '"');
}
