/*
 * cmd_detect.c: `netsonde detect`: what the detector would have said to a series in a CSV file: the
 * score of each sample, and how often it would have raised an alarm.
 *
 *   netsonde detect [--sigma S] [--window DUR] … [FILE|-]
 *
 * The file is read as a stream. Only its first rows are kept, until the time between two samples is
 * known (the median of the first differences): windows are counted in samples. Where the samples
 * are far apart, a window has min_samples of them, however long that is, and so has learning.
 * The settings are those of the configuration (detect.*), which the flags are part of.
 * What is printed about alarms at the end is bounded; the count is exact.
 */
#include "daemon/commands.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/alerting.h"
#include "daemon/detect_history.h"
#include "daemon/output.h"
#include "daemon/series_csv.h"
#include "detect/bank.h"

#define HEAD_ROWS 65     /* that tell the interval */
#define ALARMS_TOLD 1000 /* in the summary; more are counted */
#define INTERVAL_MS 1000 /* of a file with a single row */

struct alarm {
    int64_t from_ms, to_ms; /* to_ms: the first sample without it, or the last of the file */
    double z, score;        /* at its beginning */
    int direction;
    bool over;
};

struct run {
    const char *file;
    FILE *in;
    bool json;
    struct bank_settings settings;
    struct series_csv csv;
    uint64_t line, rows;
    int64_t interval_ms;
    struct detector *detector; /* NULL: the interval is not known yet */
    struct series_row head[HEAD_ROWS];
    size_t head_count;
    int alarm;
    uint64_t fired;
    struct alarm alarms[ALARMS_TOLD];
};

/* ---- what is printed -------------------------------------------------------------------- */

/* NAN: nothing, or null. */
static void print_number(const struct run *r, const char *format, double x)
{
    putchar(',');
    if (!isnan(x))
        printf(format, x);
    else if (r->json)
        fputs("null", stdout);
}

static void print_row(const struct run *r, const struct series_row *row, const struct verdict *v)
{
    if (r->json)
        printf("%s[%lld", r->rows ? ",\n" : "", (long long)row->t_ms);
    else
        fputs(row->time, stdout);
    print_number(r, "%.15g", row->value);
    print_number(r, "%.6f", v->score);
    print_number(r, "%.9g", v->mean);
    print_number(r, "%.6g", v->sigma);
    printf(r->json ? ",%d]" : ",%d\n", v->alarm);
}

static void print_summary_json(const struct run *r)
{
    const struct bank_settings *s = &r->settings;
    printf("],\n\"rows\":%llu,\"interval_ms\":%lld,\"settings\":{\"sigma\":%g,\"window_ms\":%lld,"
           "\"min_samples\":%u,\"confirm\":\"%u/%u\",\"learning_ms\":%lld,"
           "\"false_alarms_per_day\":%g},\n\"fired\":%llu,\"alarms\":[",
           (unsigned long long)r->rows, (long long)r->interval_ms, s->sigma,
           (long long)s->window_ms, s->min_samples, s->confirm, s->out_of,
           (long long)s->learning_ms, s->false_alarms_per_s * 86400, (unsigned long long)r->fired);
    for (size_t i = 0; i < MIN(r->fired, ALARMS_TOLD); i++) {
        const struct alarm *a = &r->alarms[i];
        printf("%s{\"from\":%lld,\"to\":%lld,\"direction\":\"%s\",\"z\":%.6g,\"score\":%.6f}",
               i ? ",\n" : "", (long long)a->from_ms, (long long)a->to_ms,
               a->direction > 0 ? "up" : "down", a->z, a->score);
    }
    puts("]}");
}

/* On standard error: standard output is a CSV. */
static void print_summary(const struct run *r)
{
    fprintf(stderr, "would have fired %llu time%s", (unsigned long long)r->fired,
            r->fired == 1 ? "" : "s");
    char every[32];
    text_format_duration(r->interval_ms, every, sizeof(every));
    fprintf(stderr, " in %llu samples, one every %s%s\n", (unsigned long long)r->rows, every,
            r->fired ? ":" : "");
    for (size_t i = 0; i < MIN(r->fired, ALARMS_TOLD); i++) {
        const struct alarm *a = &r->alarms[i];
        char from[32], lasted[32];
        text_format_time(a->from_ms, from, sizeof(from));
        text_format_duration(MAX(a->to_ms - a->from_ms, 0), lasted, sizeof(lasted));
        fprintf(stderr, "  %s  %-4s  z %+.1f  %s%s\n", from, a->direction > 0 ? "up" : "down", a->z,
                a->over ? "" : "still on after ", lasted);
    }
    if (r->fired > ALARMS_TOLD)
        fprintf(stderr, "  … and %llu more\n", (unsigned long long)(r->fired - ALARMS_TOLD));
}

/* ---- rows ------------------------------------------------------------------------------- */

static void note_alarm(struct run *r, const struct series_row *row, const struct verdict *v)
{
    struct alarm *last = r->fired && r->fired <= ALARMS_TOLD ? &r->alarms[r->fired - 1] : NULL;
    if (last && !last->over) {
        last->to_ms = row->t_ms;
        last->over = v->alarm != last->direction;
    }
    if (v->alarm && v->alarm != r->alarm) {
        if (r->fired < ALARMS_TOLD) {
            r->alarms[r->fired] = (struct alarm){
                .from_ms = row->t_ms,
                .to_ms = row->t_ms,
                .z = v->z,
                .score = v->score,
                .direction = v->alarm,
            };
        }
        r->fired++;
    }
    r->alarm = v->alarm;
}

static void judge(struct run *r, const struct series_row *row)
{
    struct verdict v = detector_step(r->detector, row->t_ms, row->value);
    note_alarm(r, row, &v);
    print_row(r, row, &v);
    r->rows++;
}

static int compare_int64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t interval_of(const struct series_row *rows, size_t count)
{
    int64_t steps[HEAD_ROWS];
    size_t n = 0;
    for (size_t i = 1; i < count; i++) {
        int64_t step = rows[i].t_ms - rows[i - 1].t_ms;
        if (step > 0)
            steps[n++] = step;
    }
    if (n == 0)
        return INTERVAL_MS;
    qsort(steps, n, sizeof(steps[0]), compare_int64);
    return steps[n / 2];
}

static void head_end(struct run *r)
{
    r->interval_ms = interval_of(r->head, r->head_count);
    r->detector = detector_new(&r->settings, r->interval_ms, 1);
    for (size_t i = 0; i < r->head_count; i++)
        judge(r, &r->head[i]);
}

static int bad_line(const struct run *r, const char *why)
{
    fprintf(stderr, "%s:%llu: %s\n", r->file, (unsigned long long)r->line, why);
    return EXIT_FAILURE;
}

/* The next line with its end, at most `size` bytes of it: the rest of a longer one is left. -1: no
 * more. */
static int line_read(FILE *in, char *line, int size)
{
    int len = 0, c = 0;
    while (len < size && c != '\n' && (c = getc_unlocked(in)) != EOF)
        line[len++] = (char)c;
    return len ? len : -1;
}

/* Reads all of it; 0 or the exit status. */
static int run_lines(struct run *r)
{
    char line[SERIES_CSV_LINE_MAX + 2], why[256];
    int code = 0, len;
    errno = 0;
    while (!code && (len = line_read(r->in, line, sizeof(line))) >= 0) {
        struct series_row row;
        r->line++;
        int got = series_csv_line(&r->csv, line, (size_t)len, &row, why, sizeof(why));
        if (got < 0) {
            code = bad_line(r, why);
        } else if (got > 0 && r->detector) {
            judge(r, &row);
        } else if (got > 0) {
            r->head[r->head_count++] = row;
            if (r->head_count == HEAD_ROWS)
                head_end(r);
        }
    }
    if (!code && ferror(r->in)) {
        fprintf(stderr, "netsonde detect: %s: %s\n", r->file, strerror(errno));
        return EXIT_FAILURE;
    }
    if (!code && !r->detector && r->head_count)
        head_end(r);
    if (!code && !r->head_count)
        code = bad_line(r, "no sample in the whole file");
    return code;
}

static int run_file(struct run *r)
{
    puts(r->json ? "{\"columns\":[\"t\",\"value\",\"score\",\"mean\",\"sigma\",\"alarm\"],"
                   "\"points\":["
                 : "timestamp,value,score,mean,sigma,alarm");
    int code = run_lines(r);
    if (code)
        return code;
    if (r->json)
        print_summary_json(r);
    else
        print_summary(r);
    return output_end(true);
}

int cmd_detect(const struct config *config, const struct options *options)
{
    if (options->query.metric || options->query.matches_count || options->detect_rule)
        return detect_history(config, options);
    const char *file = options->arguments[0];
    bool standard = !file || strcmp(file, "-") == 0;
    FILE *in = standard ? stdin : fopen(file, "re");
    if (!in) {
        fprintf(stderr, "netsonde detect: %s: %s\n", file, strerror(errno));
        return EXIT_FAILURE;
    }
    struct run *r = mem_alloc(sizeof(*r));
    r->file = standard ? "standard input" : file;
    r->in = in;
    r->json = options->json;
    r->settings = alerting_detection(config);
    series_csv_begin(&r->csv);
    int code = run_file(r);
    detector_free(r->detector);
    free(r);
    if (!standard)
        fclose(in);
    return code;
}
