/*
 * cmd_export.c: `netsonde export`: history as a file. Opens the database read-only and needs no
 * daemon; beside a running one it has everything up to the last tick written. GET /api/v1/export
 * gives the same bytes.
 *
 *   netsonde export [--metric GLOB] [--match LABEL=GLOB] [--from T] [--to T] [--points N] [--agg A]
 *                   [--format F] [--layout L] [-o FILE]
 *   netsonde export --table NAME [--at T] [--filter WORDS] [--sort COLUMN] [--limit N] …
 *
 * Signals that would end the program wait until a piece is done; then what was begun is removed.
 */
#include "daemon/commands.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/export.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/config.h"
#include "daemon/export_file.h"
#include "daemon/export_progress.h"
#include "version.h"
#include "wire/json.h"

#define RANGE_MS (15 * 60 * MS_PER_S) /* as GET /api/v1/export */
#define HOST_MAX 256

static int usage(const char *message, const char *value)
{
    fprintf(stderr, "netsonde export: %s%s%s; see netsonde help export\n", message,
            value ? ": " : "", value ? value : "");
    return EXIT_USAGE;
}

static int failed(const char *what, const char *why)
{
    fprintf(stderr, "netsonde export: %s%s%s\n", what, why ? ": " : "", why ? why : "");
    return EXIT_FAILURE;
}

/* ---- what is wanted ------------------------------------------------------------------------ */

static int read_selector(const struct options *options, struct selector *selector)
{
    const char *metric = options->query.metric;
    if (metric && selector_add_glob(selector, metric) < 0)
        return usage("--metric takes a name or pattern", metric);
    for (size_t i = 0; i < options->query.matches_count; i++) {
        const char *match = options->query.matches[i];
        if (selector_add_match(selector, match) < 0)
            return usage("--match takes LABEL=PATTERN", match);
    }
    return 0;
}

static int read_range(const struct options *options, struct export_spec *spec)
{
    static const char form[] = "takes a time: epoch milliseconds, RFC 3339, -60 or now-15m";
    int64_t now_ms = clock_wall_ms();
    const char *from = options->query.from, *to = options->query.to;
    char what[96];
    spec->to_ms = now_ms;
    if (to && text_time_ms(to, now_ms, &spec->to_ms) < 0) {
        snprintf(what, sizeof(what), "--to %s", form);
        return usage(what, to);
    }
    spec->from_ms = spec->to_ms - RANGE_MS;
    if (from && text_time_ms(from, now_ms, &spec->from_ms) < 0) {
        snprintf(what, sizeof(what), "--from %s", form);
        return usage(what, from);
    }
    return spec->from_ms <= spec->to_ms ? 0 : usage("--from is later than --to", NULL);
}

static int read_series(const struct options *options, struct export_spec *spec)
{
    uint64_t points = 0;
    const char *text = options->query.points;
    if (options->query.at || options->query.filter || options->query.sort || options->query.limit)
        return usage("--at, --filter, --sort and --limit go with --table", NULL);
    if (text && (text_u64(text, &points) < 0 || points == 0 || points > QUERY_POINTS_MAX))
        return usage("--points takes a whole number from 1 to 20000", text);
    spec->points = (uint32_t)points;
    spec->aggregate = AGG_SUM;
    text = options->query.agg;
    if (text && aggregate_parse(text, &spec->aggregate) < 0)
        return usage("--agg takes avg, min, max, last, sum, p50, p90 or p99", text);
    text = options->export.layout;
    if (text && strcmp(text, "wide") != 0 && strcmp(text, "long") != 0)
        return usage("--layout takes long or wide", text);
    spec->wide = text && strcmp(text, "wide") == 0;
    if (spec->wide && spec->format != EXPORT_CSV)
        return usage("--layout wide goes with --format csv", NULL);
    int code = read_selector(options, &spec->selector);
    return code ? code : read_range(options, spec);
}

static int read_table(const struct options *options, struct export_spec *spec)
{
    const char *text = options->query.table, *field;
    const struct table_schema *schema = table_schema_named(text);
    char why[160];
    uint64_t limit = SIZE_MAX;
    if (!schema || !store_keeps_table(schema->kind))
        return usage("--table takes connections or processes: of others no history is kept", text);
    if (options->query.metric || options->query.matches_count || options->query.from ||
        options->query.to || options->query.points || options->query.agg || options->export.layout)
        return usage("--table goes with --at, --filter, --sort, --limit, --format and -o only",
                     NULL);
    if (spec->format == EXPORT_OPENMETRICS)
        return usage("a table has no place in --format openmetrics", NULL);
    spec->kind = schema->kind;
    spec->at_ms = INT64_MAX; /* the newest, even if the clock was ahead when it was stored */
    text = options->query.at;
    if (text && text_time_ms(text, clock_wall_ms(), &spec->at_ms) < 0)
        return usage("--at takes a time: epoch milliseconds, RFC 3339, -60 or now-15m", text);
    text = options->query.limit;
    if (text && text_u64(text, &limit) < 0)
        return usage("--limit takes a whole number", text);
    spec->limit = (size_t)limit;
    if (view_spec_new(schema, options->query.filter, options->query.sort, &spec->view, &field, why,
                      sizeof(why)) < 0) {
        char what[200];
        snprintf(what, sizeof(what), "--%s: %s", field, why);
        return usage(what, NULL);
    }
    return 0;
}

static int read_spec(const struct options *options, struct export_spec *spec)
{
    const char *format = options->export.format;
    spec->format = EXPORT_CSV;
    if (format && export_format_parse(format, &spec->format) < 0)
        return usage("--format takes json, csv, ndjson or openmetrics", format);
    return options->query.table ? read_table(options, spec) : read_series(options, spec);
}

/* ---- what is written ----------------------------------------------------------------------- */

static bool interrupted(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
            sigismember(&pending, SIGHUP) == 1);
}

static void hold_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static int write_all(struct export *e, struct store_reader *reader, struct export_file *file,
                     struct export_progress *progress)
{
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    struct store_error error;
    int got;
    do {
        buf_clear(&out);
        got = export_next(e, reader, NULL, &out, &error);
        if (got < 0)
            return failed(error.text, NULL);
        int err = export_file_write(file, out.data, out.len);
        if (err)
            return failed(file->path ? file->path : "standard output", strerror(-err));
        if (interrupted())
            return failed("interrupted: nothing is left of it", NULL);
        struct export_count count = export_count(e);
        export_progress_say(progress, &count, clock_mono_ns(), got == 0, stderr);
    } while (got > 0);
    return 0;
}

static void put_hex(struct buf *out, const uint8_t digest[EXPORT_DIGEST_BYTES])
{
    char text[2 * EXPORT_DIGEST_BYTES + 1];
    for (size_t i = 0; i < EXPORT_DIGEST_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    json_put_string(out, text);
}

static void put_engines(struct buf *out, const char *engines)
{
    json_open(out, '[');
    while (*engines) {
        size_t len = strcspn(engines, ",");
        json_put_string_n(out, engines, len);
        engines += len + (engines[len] == ',');
    }
    json_close(out, ']');
}

static void put_meta(const struct export *e, const struct export_spec *asked,
                     const struct options *options, const char *host, struct buf *out)
{
    struct export_facts facts = export_facts(e);
    struct export_count count = export_count(e);
    uint8_t digest[EXPORT_DIGEST_BYTES];
    export_digest(e, digest);
    json_open(out, '{');
    json_put_key(out, "host");
    json_put_string(out, host);
    json_put_key(out, "version");
    json_put_string(out, NETSONDE_VERSION);
    json_put_key(out, "format");
    json_put_string(out, export_format_name(asked->format));
    if (options->query.table) {
        json_put_key(out, "table");
        json_put_string(out, options->query.table);
        json_put_key(out, "t");
        json_put_i64(out, facts.from_ms);
    } else {
        json_put_key(out, "layout");
        json_put_string(out, asked->wide ? "wide" : "long");
        json_put_key(out, "engines");
        put_engines(out, facts.engines);
        json_put_key(out, "interval_ms");
        json_put_i64(out, facts.interval_ms);
        json_put_key(out, "from");
        json_put_i64(out, facts.from_ms);
        json_put_key(out, "to");
        json_put_i64(out, facts.to_ms);
        json_put_key(out, "tier");
        json_put_string(out, facts.tier);
        json_put_key(out, "agg");
        json_put_string(out, aggregate_name(asked->aggregate));
        json_put_key(out, "series");
        json_put_u64(out, facts.series);
        json_put_key(out, "truncated");
        json_put_bool(out, facts.truncated);
        json_put_key(out, "left_out");
        json_put_u64(out, count.left_out);
    }
    json_put_key(out, "rows");
    json_put_u64(out, count.rows);
    json_put_key(out, "bytes");
    json_put_u64(out, count.bytes);
    json_put_key(out, "sha256");
    put_hex(out, digest);
    json_close(out, '}');
    buf_char(out, '\n');
}

static int write_meta(const struct export *e, const struct export_spec *asked,
                      const struct options *options, const char *host)
{
    char *path CLEANUP(mem_freep) = mem_printf("%s.meta.json", options->export.output);
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    struct export_file file;
    put_meta(e, asked, options, host, &text);
    int err = buf_ok(&text) ? export_file_open(&file, path) : -ENOMEM;
    if (err)
        return failed(path, strerror(-err));
    err = export_file_write(&file, text.data, text.len);
    if (!err)
        err = export_file_keep(&file);
    export_file_fini(&file);
    return err ? failed(path, strerror(-err)) : 0;
}

/* Whatever the file does not say of itself. */
static void say_losses(const struct export *e, const struct store_reader *reader)
{
    struct export_facts facts = export_facts(e);
    struct export_count count = export_count(e);
    uint64_t damaged = store_reader_damaged(reader);
    if (facts.truncated)
        fprintf(stderr, "netsonde export: more than %d series match: the rest is left out\n",
                QUERY_SERIES_MAX);
    if (count.left_out)
        fprintf(stderr,
                "netsonde export: %llu values are left out: the clock had been set back, and "
                "OpenMetrics has no place for them\n",
                (unsigned long long)count.left_out);
    if (damaged)
        fprintf(stderr, "netsonde export: %llu damaged pieces of the history are left out\n",
                (unsigned long long)damaged);
    if (!count.rows)
        fprintf(stderr, "netsonde export: nothing of the kind is stored\n");
}

static int write_export(struct export *e, const struct export_spec *asked,
                        struct store_reader *reader, const struct options *options,
                        const char *host)
{
    struct export_file file;
    struct export_progress progress;
    const char *output = options->export.output;
    int err = export_file_open(&file, output);
    if (err == -EBUSY)
        return failed(output, "another export is writing it");
    if (err == -EEXIST)
        return failed(output, "there is a file of this name and .part that is not yours, or no "
                              "plain file; remove it or take another name");
    if (err)
        return failed(output, strerror(-err));
    /* So that what was begun can be removed. Into a pipe there is nothing to remove, and who reads
     * it may never do so. */
    if (!file.plain)
        hold_signals();
    bool screen = file.fd == STDOUT_FILENO && isatty(STDOUT_FILENO);
    export_progress_begin(&progress, isatty(STDERR_FILENO) && !screen, clock_mono_ns());
    int code = write_all(e, reader, &file, &progress);
    err = code ? 0 : export_file_keep(&file);
    if (err)
        code = failed(output, strerror(-err));
    if (!code && !file.plain)
        code = write_meta(e, asked, options, host);
    if (!code)
        say_losses(e, reader);
    export_file_fini(&file);
    return code;
}

int cmd_export(const struct config *config, const struct options *options)
{
    struct export_spec spec = {0};
    struct store_reader *reader = NULL;
    struct export *e = NULL;
    struct store_error error;
    char host[HOST_MAX] = "";
    int code = read_spec(options, &spec);
    if (code) {
        export_spec_fini(&spec);
        return code;
    }
    gethostname(host, sizeof(host) - 1);
    const struct export_spec asked = spec; /* its numbers: what it owns goes to the export */
    const struct export_origin origin = {.host = host, .version = NETSONDE_VERSION};
    int err = store_reader_open(config->data_dir, &reader, &error);
    if (!err)
        err = export_open(&spec, &origin, reader, NULL, &e, &error);
    if (err)
        code = err == -EINVAL ? usage(error.text, NULL) : failed(error.text, NULL);
    else
        code = write_export(e, &asked, reader, options, host);
    export_spec_fini(&spec);
    export_free(e);
    store_reader_close(reader);
    return code;
}
