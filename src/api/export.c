/*
 * export.c: see export.h. A scan or a table on one side, a format on the other, the digest of all
 * text beside them.
 */
#include "api/export.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/mem.h"

#define PIECE_BYTES (192U << 10) /* of text at least, unless it is the last */
#define TABLE_ROWS 512           /* between two looks at how much there is */
#define ENGINES_MAX 16

struct export
{
    struct export_spec spec;
    struct export_writer writer;
    const struct export_form *form;
    struct scan *scan; /* NULL: a table */
    struct export_table table;
    struct view view;
    size_t row; /* of the view, next */
    bool begun, ended;
    const char *engines[ENGINES_MAX];
    char *engines_text, *file_name;
    uint64_t bytes, values;
    EVP_MD_CTX *digest;
    uint8_t sum[EXPORT_DIGEST_BYTES];
};

void export_spec_fini(struct export_spec *spec)
{
    selector_fini(&spec->selector);
    view_spec_free(spec->view);
    table_unref(spec->table);
    *spec = (struct export_spec){0};
}

/* ---- what it is called --------------------------------------------------------------------- */

static void put_stamp(struct buf *out, int64_t t_ms)
{
    time_t seconds = (time_t)(t_ms / MS_PER_S);
    struct tm utc = {0};
    char text[32];
    gmtime_r(&seconds, &utc);
    strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &utc);
    buf_text(out, text);
}

static char *make_file_name(const struct export *e, const char *host)
{
    struct buf name = BUF_INIT;
    buf_text(&name, "netsonde-");
    for (const char *p = host; *p; p++)
        buf_char(&name, isalnum((unsigned char)*p) || strchr("._-", *p) ? *p : '_');
    buf_char(&name, '-');
    if (e->scan) {
        put_stamp(&name, scan_about(e->scan)->from_ms);
        buf_char(&name, '-');
        put_stamp(&name, scan_about(e->scan)->to_ms);
    } else {
        buf_printf(&name, "%s-", table_schema(e->spec.kind)->name);
        put_stamp(&name, e->table.t_ms);
    }
    buf_printf(&name, ".%s",
               e->spec.format == EXPORT_OPENMETRICS ? "txt" : export_format_name(e->spec.format));
    char *text = mem_string(buf_string(&name));
    buf_fini(&name);
    return text;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Who measured these series. */
static void list_engines(struct export *e)
{
    const struct scan_about *about = scan_about(e->scan);
    struct export_writer *w = &e->writer;
    for (size_t i = 0; i < about->series_count; i++) {
        const char *method = about->series[i].method;
        bool known = !*method;
        for (size_t k = 0; k < w->engines_count; k++)
            known = known || strcmp(e->engines[k], method) == 0;
        if (!known && w->engines_count < ENGINES_MAX)
            e->engines[w->engines_count++] = method;
    }
    qsort(e->engines, w->engines_count, sizeof(*e->engines), by_text);
    w->engines = e->engines;
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < w->engines_count; i++)
        buf_printf(&text, "%s%s", i ? "," : "", e->engines[i]);
    e->engines_text = mem_string(buf_string(&text));
    buf_fini(&text);
}

static int fail(struct store_error *err, int code, const char *text)
{
    err->code = code;
    snprintf(err->text, sizeof(err->text), "%s", text);
    return code;
}

/* ---- opening ------------------------------------------------------------------------------- */

static int open_series(struct export *e, const struct export_origin *origin,
                       struct store_reader *reader, const struct recent *recent,
                       struct store_error *err)
{
    const struct export_spec *spec = &e->spec;
    const struct scan_spec scan_spec = {
        .selector = &spec->selector,
        .from_ms = spec->from_ms,
        .to_ms = spec->to_ms,
        .points = spec->points,
        .aggregate = spec->aggregate,
        .wide = spec->wide,
        .families = spec->format == EXPORT_OPENMETRICS,
    };
    int error = scan_open(reader, &scan_spec, recent, &e->scan, err);
    if (error)
        return error;
    const struct scan_about *about = scan_about(e->scan);
    e->writer.about = about;
    e->writer.host = origin->host;
    e->writer.version = origin->version;
    e->writer.aggregate = spec->aggregate;
    e->writer.wide = spec->wide;
    e->writer.steps =
        spec->points || strcmp(about->tier, "minute") == 0 || strcmp(about->tier, "hour") == 0;
    e->form = export_form(spec->format, spec->wide);
    list_engines(e);
    return 0;
}

static int open_table(struct export *e, const struct export_origin *origin,
                      struct store_reader *reader, struct store_error *err)
{
    struct export_spec *spec = &e->spec;
    struct stored_table stored = {.t_ms = spec->at_ms};
    if (!spec->table) {
        int error = reader ? store_table(reader, spec->kind, spec->at_ms, &stored, err)
                           : fail(err, -ENOENT, "no history is stored yet");
        if (error)
            return error;
        spec->table = stored.table;
    }
    view_make(spec->table, spec->view, spec->limit, 0, &e->view);
    e->table = (struct export_table){
        .table = spec->table,
        .t_ms = stored.t_ms,
        .total = e->view.total,
        .host = origin->host,
        .version = origin->version,
    };
    e->engines_text = mem_string("");
    return 0;
}

int export_open(struct export_spec *spec, const struct export_origin *origin,
                struct store_reader *reader, const struct recent *recent, struct export **ret,
                struct store_error *err)
{
    struct export *e = mem_alloc(sizeof(*e));
    *ret = NULL;
    e->spec = *spec;
    *spec = (struct export_spec){0};
    e->digest = EVP_MD_CTX_new();
    int error = !e->digest || EVP_DigestInit_ex(e->digest, EVP_sha256(), NULL) != 1
                    ? fail(err, -ENOMEM, "no memory for a digest")
                    : 0;
    if (!error && e->spec.view)
        error = open_table(e, origin, reader, err);
    else if (!error)
        error = open_series(e, origin, reader, recent, err);
    if (error) {
        export_free(e);
        return error;
    }
    e->file_name = make_file_name(e, origin->host);
    *ret = e;
    return 0;
}

void export_free(struct export *e)
{
    if (!e)
        return;
    export_writer_fini(&e->writer);
    scan_close(e->scan);
    view_fini(&e->view);
    export_spec_fini(&e->spec);
    EVP_MD_CTX_free(e->digest);
    free(e->engines_text);
    free(e->file_name);
    free(e);
}

/* ---- pieces -------------------------------------------------------------------------------- */

static int next_series(struct export *e, struct store_reader *reader, const struct recent *recent,
                       struct buf *out, struct store_error *err)
{
    struct scan_piece piece;
    size_t start = out->len;
    int got = 1;
    if (!e->begun)
        e->form->begin(&e->writer, out);
    while (got > 0 && out->len - start < PIECE_BYTES && buf_ok(out)) {
        got = scan_next(e->scan, reader, recent, &piece, err);
        if (got > 0) {
            e->form->piece(&e->writer, &piece, out);
            e->values += (uint64_t)piece.rows * piece.columns;
        }
    }
    if (got == 0)
        e->form->end(&e->writer, out);
    return got;
}

static int next_rows(struct export *e, struct buf *out)
{
    size_t start = out->len;
    if (!e->begun)
        export_table_begin(&e->table, e->spec.format, out);
    while (e->row < e->view.count && out->len - start < PIECE_BYTES && buf_ok(out)) {
        for (size_t end = MIN(e->row + TABLE_ROWS, e->view.count); e->row < end; e->row++)
            export_table_row(&e->table, e->spec.format, e->view.rows[e->row], out);
    }
    if (e->row < e->view.count)
        return 1;
    export_table_end(&e->table, e->spec.format, out);
    return 0;
}

int export_next(struct export *e, struct store_reader *reader, const struct recent *recent,
                struct buf *out, struct store_error *err)
{
    size_t start = out->len;
    CHECK(!e->ended);
    int got = e->scan ? next_series(e, reader, recent, out, err) : next_rows(e, out);
    e->begun = true;
    if (got < 0)
        return got;
    if (!buf_ok(out) || EVP_DigestUpdate(e->digest, out->data + start, out->len - start) != 1)
        return fail(err, -ENOMEM, "no memory for the next piece of the export");
    e->bytes += out->len - start;
    if (got == 0) {
        e->ended = true;
        CHECK(EVP_DigestFinal_ex(e->digest, e->sum, NULL) == 1);
    }
    return got;
}

struct export_facts export_facts(const struct export *e)
{
    struct export_facts facts = {
        .content_type = export_content_type(e->spec.format),
        .file_name = e->file_name,
        .engines = e->engines_text,
        .tier = "",
    };
    if (!e->scan) {
        facts.from_ms = facts.to_ms = e->table.t_ms;
        return facts;
    }
    const struct scan_about *about = scan_about(e->scan);
    facts.tier = about->tier;
    facts.interval_ms = about->interval_ms;
    facts.from_ms = about->from_ms;
    facts.to_ms = about->to_ms;
    facts.series = about->series_count;
    facts.truncated = about->truncated;
    return facts;
}

struct export_count export_count(const struct export *e)
{
    struct export_count count = {.bytes = e->bytes};
    double done, all;
    if (e->scan) {
        count.rows = e->writer.rows;
        count.left_out = e->writer.left_out;
        done = (double)e->values;
        all = (double)scan_about(e->scan)->values_expected;
    } else {
        count.rows = e->table.rows;
        done = (double)e->row;
        all = (double)e->view.count;
    }
    count.done = e->ended || all <= 0 ? 1 : MIN(done / all, 1.0);
    return count;
}

void export_digest(const struct export *e, uint8_t ret[EXPORT_DIGEST_BYTES])
{
    CHECK(e->ended);
    memcpy(ret, e->sum, EXPORT_DIGEST_BYTES);
}
