/*
 * cmd_query.c: `netsonde query`: history on the command line. Opens the database read-only and
 * needs no daemon; beside a running one it sees everything up to the last tick written.
 *
 *   netsonde query --metric GLOB [--match LABEL=GLOB] [--from T] [--to T] [--points N] [--agg A]
 *   netsonde query --table NAME [--at T] [--filter WORDS] [--sort COLUMN] [--limit N]
 */
#include "daemon/commands.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/answer.h"
#include "base/clock.h"
#include "base/defs.h"
#include "base/text.h"
#include "daemon/config.h"
#include "daemon/output.h"
#include "daemon/query_table.h"
#include "store/store.h"

#define RANGE_MS (15 * 60 * MS_PER_S) /* as GET /api/v1/query */

static int usage(const char *message, const char *value)
{
    fprintf(stderr, "netsonde query: %s%s%s; see netsonde help query\n", message, value ? ": " : "",
            value ? value : "");
    return EXIT_USAGE;
}

static int failed(const char *why)
{
    fprintf(stderr, "netsonde query: %s\n", why);
    return EXIT_FAILURE;
}

/* What to ask for, from the command line; 0 or the exit code. */
static int query_read(const struct options *options, struct query *query)
{
    uint64_t points = QUERY_POINTS_DEFAULT;
    const char *metric = options->query.metric;
    if (options->query.at || options->query.filter || options->query.sort || options->query.limit)
        return usage("--at, --filter, --sort and --limit go with --table", NULL);
    if (metric && selector_add_glob(&query->selector, metric) < 0)
        return usage("--metric takes a name or pattern", metric);
    for (size_t i = 0; i < options->query.matches_count; i++) {
        const char *match = options->query.matches[i];
        if (selector_add_match(&query->selector, match) < 0)
            return usage("--match takes LABEL=PATTERN", match);
    }
    if (!metric && !options->query.matches_count)
        return usage("say which series: --metric 'node_network_*' or --match device=eth0, or "
                     "--table connections",
                     NULL);
    const char *text = options->query.points;
    if (text && (text_u64(text, &points) < 0 || points == 0 || points > QUERY_POINTS_MAX))
        return usage("--points takes a whole number from 1 to 20000", text);
    query->points = (uint32_t)points;
    text = options->query.agg;
    if (text && aggregate_parse(text, &query->aggregate) < 0)
        return usage("--agg takes avg, min, max, last, sum, p50, p90 or p99", text);
    return 0;
}

static int query_range(struct query *query, const char *from, const char *to)
{
    int64_t now_ms = clock_wall_ms();
    query->to_ms = now_ms;
    if (to && text_time_ms(to, now_ms, &query->to_ms) < 0)
        return usage("--to takes a time: epoch milliseconds, RFC 3339, -60 or now-15m", to);
    query->from_ms = query->to_ms - RANGE_MS;
    if (from && text_time_ms(from, now_ms, &query->from_ms) < 0)
        return usage("--from takes a time: epoch milliseconds, RFC 3339, -60 or now-15m", from);
    if (query->from_ms > query->to_ms)
        return usage("--from is later than --to", NULL);
    return 0;
}

static void print_time(int64_t t_ms)
{
    char text[32];
    text_format_time(t_ms, text, sizeof(text));
    fputs(text, stdout);
}

static void print_text(const struct answer *a, enum aggregate aggregate)
{
    for (size_t i = 0; i < a->series_count; i++) {
        const struct answer_series *s = &a->series[i];
        bool rate = s->kind == METRIC_COUNTER && aggregate != AGG_SUM && aggregate < AGG_P50;
        printf("%s%s  [%s%s, %s per %lld ms]\n", i ? "\n" : "", s->key, s->unit,
               rate ? " per second" : "", aggregate_name(aggregate), (long long)a->step_ms);
        for (size_t p = 0; p < a->points_count; p++) {
            if (isnan(s->values[p]))
                continue;
            print_time(a->from_ms + (int64_t)p * a->step_ms);
            printf("  %.10g\n", s->values[p]);
        }
    }
}

int cmd_query(const struct config *config, const struct options *options)
{
    if (options->query.table)
        return query_table(config, options);
    struct query query = {.aggregate = AGG_AVG};
    struct store_reader *reader = NULL;
    struct answer *answer = NULL;
    struct store_error error;
    int code = query_read(options, &query);
    if (!code)
        code = query_range(&query, options->query.from, options->query.to);
    if (code) {
        selector_fini(&query.selector);
        return code;
    }
    int err = store_reader_open(config->data_dir, &reader, &error);
    if (!err)
        err = store_query(reader, &query, NULL, &answer, &error);
    if (err) {
        code = failed(error.text);
    } else if (options->json) {
        struct buf out = BUF_INIT;
        answer_json(&out, answer);
        buf_char(&out, '\n');
        if (buf_ok(&out))
            fwrite(out.data, 1, out.len, stdout);
        else
            code = failed("out of memory");
        buf_fini(&out);
    } else {
        print_text(answer, query.aggregate);
    }
    if (!code)
        code = output_end(true);
    answer_free(answer);
    store_reader_close(reader);
    selector_fini(&query.selector);
    return code;
}
