/*
 * series_csv.c: see series_csv.h. A line is cut into fields in a buffer of its own; nothing is
 * allocated, nothing is read past the end of a line, and whatever is no time or number is refused.
 */
#include "daemon/series_csv.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/defs.h"
#include "base/text.h"

#define SECONDS_BELOW 1e11
#define TIME_MS_MAX 253402300799999 /* the end of 9999 */

#define REFUSE(...) (snprintf(why, why_size, __VA_ARGS__), -EINVAL)

struct fields {
    size_t count;
    char *at[SERIES_CSV_COLUMNS_MAX]; /* into text */
    char text[SERIES_CSV_LINE_MAX];
};

void series_csv_begin(struct series_csv *c)
{
    *c = (struct series_csv){.value_column = 1};
}

/* ---- fields ---------------------------------------------------------------------------------- */

/* Copies the field at *line without quotes and the spaces around it; moves *line to what follows
 * its comma, NULL at the end. false: a quote is in the wrong place. */
static bool field_take(const char **line, char **out)
{
    const char *p = *line;
    char *begin = *out, *o = begin;
    while (*p == ' ' || *p == '\t')
        p++;
    if (*p == '"') {
        for (p++; *p && (*p != '"' || p[1] == '"'); p++) {
            *o++ = *p;
            p += *p == '"';
        }
        if (*p++ != '"')
            return false;
        while (*p == ' ' || *p == '\t')
            p++;
        if (*p && *p != ',')
            return false;
    } else {
        while (*p && *p != ',') {
            if (*p == '"')
                return false;
            *o++ = *p++;
        }
        while (o > begin && (o[-1] == ' ' || o[-1] == '\t'))
            o--;
    }
    *o++ = '\0';
    *out = o;
    *line = *p ? p + 1 : NULL;
    return true;
}

static int fields_split(struct fields *f, const char *line, char *why, size_t why_size)
{
    char *out = f->text; /* never longer than the line: a comma's place is the terminator's */
    f->count = 0;
    for (const char *p = line; p;) {
        if (f->count == SERIES_CSV_COLUMNS_MAX)
            return REFUSE("more than %d columns", SERIES_CSV_COLUMNS_MAX);
        f->at[f->count++] = out;
        if (!field_take(&p, &out))
            return REFUSE("a quote where none belongs, or none where one does");
    }
    return 0;
}

/* ---- times and values ---------------------------------------------------------------------------
 */

static bool digits(const char **p, int count, int64_t *ret)
{
    int64_t n = 0;
    for (int i = 0; i < count; i++, (*p)++) {
        if (**p < '0' || **p > '9')
            return false;
        n = n * 10 + (**p - '0');
    }
    *ret = n;
    return true;
}

static bool literal(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

/* Days since 1970 of a date of the Gregorian calendar: years begin in March, so that the leap day
 * is a year's last; 400 years have 146,097 days. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month > 2 ? year : year - 1, m = (month + 9) % 12;
    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1 - 719468;
}

static bool day_exists(int64_t year, int64_t month, int64_t day)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1970 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= lengths[month - 1] + (month == 2 && leap);
}

/* Z, +01:00 or nothing. */
static bool zone_parse(const char **p, int64_t *ret_minutes)
{
    int64_t hours, minutes;
    *ret_minutes = 0;
    if (**p == '\0' || literal(p, 'Z') || literal(p, 'z'))
        return true;
    int sign = **p == '-' ? -1 : 1;
    if (!literal(p, '+') && !literal(p, '-'))
        return false;
    if (!digits(p, 2, &hours) || !literal(p, ':') || !digits(p, 2, &minutes) || hours > 23 ||
        minutes > 59)
        return false;
    *ret_minutes = sign * (hours * 60 + minutes);
    return true;
}

static bool date_parse(const char *p, int64_t *ret_ms)
{
    int64_t year, month, day, hour, minute, second = 0, ms = 0, zone;
    if (!digits(&p, 4, &year) || !literal(&p, '-') || !digits(&p, 2, &month) || !literal(&p, '-') ||
        !digits(&p, 2, &day) || !day_exists(year, month, day))
        return false;
    if (!literal(&p, ' ') && !literal(&p, 'T') && !literal(&p, 't'))
        return false;
    if (!digits(&p, 2, &hour) || !literal(&p, ':') || !digits(&p, 2, &minute))
        return false;
    if (literal(&p, ':') && !digits(&p, 2, &second))
        return false;
    if (literal(&p, '.')) {
        int64_t scale = 100, digit;
        if (*p < '0' || *p > '9')
            return false;
        for (; digits(&p, 1, &digit); scale /= 10)
            ms += digit * scale;
    }
    if (hour > 23 || minute > 59 || second > 60 || !zone_parse(&p, &zone) || *p)
        return false;
    *ret_ms =
        (((days_of(year, month, day) * 24 + hour) * 60 + minute - zone) * 60 + second) * MS_PER_S +
        ms;
    return true;
}

static bool time_parse(const char *text, int64_t *ret_ms)
{
    double number;
    if (strlen(text) >= SERIES_CSV_TIME_MAX)
        return false;
    if (text_double(text, &number) == 0) {
        double ms = number < SECONDS_BELOW ? number * MS_PER_S : number;
        if (!(ms >= 0 && ms <= (double)TIME_MS_MAX))
            return false;
        *ret_ms = (int64_t)llround(ms);
        return true;
    }
    return date_parse(text, ret_ms);
}

static bool value_parse(const char *text, double *ret)
{
    *ret = NAN;
    return *text == '\0' || strcasecmp(text, "null") == 0 || strcasecmp(text, "nan") == 0 ||
           text_double(text, ret) == 0;
}

/* ---- lines -------------------------------------------------------------------------------------
 */

/* Whether these are names of columns. */
static bool header_read(struct series_csv *c, const struct fields *f)
{
    bool time = false, value = false;
    for (size_t i = 0; i < f->count; i++) {
        const char *name = f->at[i];
        if (!time && (strcasecmp(name, "timestamp") == 0 || strcasecmp(name, "time") == 0 ||
                      strcasecmp(name, "t") == 0)) {
            c->time_column = i;
            time = true;
        } else if (!value && strcasecmp(name, "value") == 0) {
            c->value_column = i;
            value = true;
        }
    }
    if (time != value) /* one of them under another name: the first two columns then */
        series_csv_begin(c);
    int64_t t_ms;
    double number;
    return (time && value) ||
           (f->count >= 2 && !time_parse(f->at[0], &t_ms) && !value_parse(f->at[1], &number));
}

int series_csv_line(struct series_csv *c, const char *line, size_t len, struct series_row *ret,
                    char *why, size_t why_size)
{
    struct fields f;
    char copy[SERIES_CSV_LINE_MAX];
    while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--;
    if (!c->begun && len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
        line += 3;
        len -= 3;
    }
    if (len == 0)
        return 0;
    if (len >= sizeof(copy))
        return REFUSE("longer than %d bytes", SERIES_CSV_LINE_MAX - 1);
    if (memchr(line, '\0', len))
        return REFUSE("a byte 0: this is no text");
    memcpy(copy, line, len);
    copy[len] = '\0';
    int err = fields_split(&f, copy, why, why_size);
    if (err)
        return err;
    bool first = !c->begun;
    c->begun = true;
    if (first && header_read(c, &f))
        return 0;
    if (f.count <= MAX(c->time_column, c->value_column))
        return REFUSE("expected timestamp,value");
    const char *time = f.at[c->time_column];
    if (!time_parse(time, &ret->t_ms))
        return REFUSE("\"%.40s\" is no time (expected epoch seconds or milliseconds, RFC 3339, or "
                      "YYYY-MM-DD HH:MM:SS)",
                      time);
    if (!value_parse(f.at[c->value_column], &ret->value))
        return REFUSE("\"%.40s\" is no number", f.at[c->value_column]);
    snprintf(ret->time, sizeof(ret->time), "%s", time);
    return 1;
}
