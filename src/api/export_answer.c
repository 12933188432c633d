/*
 * export_answer.c: GET /api/v1/export: the file of `netsonde export` as a streamed answer.
 *
 * Each piece is a job on the pool: read, write, compress, digest. It is asked for when the client
 * has taken the one before, and between two pieces the export holds no thread, no reader and no
 * transaction: a client may take hours and is in nobody's way. What goes wrong before the first
 * piece is an error like any other; after that the answer is cut, which shows (stream.h).
 *
 * An export_answer lives from the request to its last piece, or until its client is gone and no job
 * of it runs. The loop's thread, but for answer_work.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_internal.h"
#include "api/export.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/tally.h"
#include "http/gzip.h"
#include "http/stream.h"

#define EXPORT_RANGE_MS (15 * 60 * MS_PER_S)
#define COUNTED_AS "export" /* in the tally of all loops */
#define TRAILERS "Netsonde-Rows, Netsonde-Left-Out, Netsonde-Damaged, Netsonde-Sha256, Repr-Digest"

struct export_answer {
    struct job job;
    struct api *api;
    struct http_request *request; /* until the first piece is there */
    struct http_stream *stream;   /* from then on */
    bool running;                 /* a job of it is with the readers */
    bool only_head, pack;
    bool from_memory; /* a table as it is now: no history is asked */

    struct export_spec spec; /* until it is opened */
    struct export *export;
    struct buf plain, piece; /* piece: what is sent */
    struct gzip_stream *gzip;
    EVP_MD_CTX *packed_digest;
    uint64_t damaged;
    int got; /* of export_next */
    int err;
    struct store_error error;
};

static void free_answer(struct export_answer *a)
{
    tally_remove(a->api->places, COUNTED_AS);
    export_spec_fini(&a->spec);
    export_free(a->export);
    gzip_stream_free(a->gzip);
    EVP_MD_CTX_free(a->packed_digest);
    buf_fini(&a->plain);
    buf_fini(&a->piece);
    free(a);
}

/* ---- on the pool --------------------------------------------------------------------------- */

static int fail(struct export_answer *a, int code, const char *text)
{
    a->error.code = code;
    snprintf(a->error.text, sizeof(a->error.text), "%s", text);
    return code;
}

static int open_export(struct export_answer *a, const struct reading *reading)
{
    const struct export_origin origin = {a->api->settings.host, a->api->settings.version};
    if (a->pack) {
        a->gzip = gzip_stream_new();
        a->packed_digest = EVP_MD_CTX_new();
        if (!a->gzip || !a->packed_digest ||
            EVP_DigestInit_ex(a->packed_digest, EVP_sha256(), NULL) != 1)
            return fail(a, -ENOMEM, "no memory for the export");
    }
    return export_open(&a->spec, &origin, reading->reader, &reading->recent, &a->export, &a->error);
}

static int next_piece(struct export_answer *a, const struct reading *reading)
{
    struct buf *out = a->pack ? &a->plain : &a->piece;
    buf_clear(&a->piece);
    buf_clear(&a->plain);
    a->got = export_next(a->export, reading->reader, &reading->recent, out, &a->error);
    if (a->got < 0 || !a->pack)
        return MIN(a->got, 0);
    if (gzip_stream_put(a->gzip, a->plain.data, a->plain.len, a->got == 0, &a->piece) < 0 ||
        EVP_DigestUpdate(a->packed_digest, a->piece.data, a->piece.len) != 1)
        return fail(a, -ENOMEM, "no memory for the next piece of the export");
    return 0;
}

static int answer_work(struct job *job, const struct reading *reading)
{
    struct export_answer *a = CONTAINER_OF(job, struct export_answer, job);
    uint64_t damaged = reading->reader ? store_reader_damaged(reading->reader) : 0;
    a->err = 0;
    /* What cannot be read must not look like what was never recorded. */
    if (reading->unreadable && !a->from_memory) {
        a->error = *reading->unreadable;
        a->err = a->error.code;
    }
    if (!a->err && !a->export)
        a->err = open_export(a, reading);
    if (!a->err && !a->only_head)
        a->err = next_piece(a, reading);
    if (reading->reader)
        a->damaged += store_reader_damaged(reading->reader) - damaged;
    /* A question that was wrong is no reason to open the history anew. */
    return a->err == -EINVAL || a->err == -ENOENT ? 0 : a->err;
}

/* ---- the answer ---------------------------------------------------------------------------- */

static void put_number(struct http_request *request, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)value);
    http_answer_header(request, name, text);
}

static void put_headers(struct export_answer *a)
{
    struct http_request *request = a->request;
    struct export_facts facts = export_facts(a->export);
    char *disposition CLEANUP(mem_freep) =
        mem_printf("attachment; filename=\"%s\"", facts.file_name);
    http_answer_header(request, "Content-Disposition", disposition);
    http_answer_header(request, "Netsonde-Host", a->api->settings.host);
    http_answer_header(request, "Netsonde-Version", a->api->settings.version);
    put_number(request, "Netsonde-From", facts.from_ms);
    put_number(request, "Netsonde-To", facts.to_ms);
    if (!*facts.tier)
        return;
    http_answer_header(request, "Netsonde-Engines", facts.engines);
    put_number(request, "Netsonde-Interval-Ms", facts.interval_ms);
    http_answer_header(request, "Netsonde-Tier", facts.tier);
    put_number(request, "Netsonde-Series", (int64_t)facts.series);
    if (facts.truncated)
        http_answer_header(request, "Netsonde-Truncated", "true");
}

static void put_trailers(struct export_answer *a, struct buf *out)
{
    struct export_count count = export_count(a->export);
    uint8_t plain[EXPORT_DIGEST_BYTES], sent[EXPORT_DIGEST_BYTES];
    unsigned char base64[2 * EXPORT_DIGEST_BYTES];
    export_digest(a->export, plain);
    memcpy(sent, plain, sizeof(sent));
    if (a->pack)
        CHECK(EVP_DigestFinal_ex(a->packed_digest, sent, NULL) == 1);
    CHECK(EVP_EncodeBlock(base64, sent, sizeof(sent)) < (int)sizeof(base64));
    buf_printf(out,
               "Netsonde-Rows: %llu\r\nNetsonde-Left-Out: %llu\r\nNetsonde-Damaged: %llu\r\n"
               "Netsonde-Sha256: ",
               (unsigned long long)count.rows, (unsigned long long)count.left_out,
               (unsigned long long)a->damaged);
    for (size_t i = 0; i < sizeof(plain); i++)
        buf_printf(out, "%02x", plain[i]);
    buf_printf(out, "\r\nRepr-Digest: sha-256=:%s:\r\n", base64);
}

static void respond_error(struct export_answer *a)
{
    struct http_request *request = a->request;
    if (a->err == -EINVAL)
        http_respond_error(request, 400, NULL, NULL, "%s", a->error.text);
    else if (a->err == -ENOENT)
        http_respond_error(request, 404, NULL, "at", "%s", a->error.text);
    else
        http_respond_error(request, 503, "history_unavailable", NULL,
                           "the history cannot be read: %s", a->error.text);
}

static bool submit(struct export_answer *a)
{
    a->err = fail(a, -ECANCELED, "the server is stopping");
    a->running =
        readers_submit(a->api->readers, &a->job, station_ring(a->api->station), a->stream != NULL);
    return a->running;
}

static void on_more(void *user)
{
    struct export_answer *a = user;
    if (submit(a))
        return;
    http_stream_cut(a->stream);
    free_answer(a);
}

static void let_go(struct export_answer *a)
{
    a->request = NULL;
    a->stream = NULL;
    if (a->running)
        readers_forget(a->api->readers, &a->job); /* answer_done frees it, perhaps by now */
    else
        free_answer(a);
}

static void on_stream_gone(void *user)
{
    let_go(user);
}

static void on_request_gone(struct http_request *request, void *user)
{
    (void)request;
    let_go(user);
}

static bool begin_stream(struct export_answer *a)
{
    static const struct http_stream_ops ops = {.more = on_more, .gone = on_stream_gone};
    const struct http_stream_head head = {
        .content_type = export_facts(a->export).content_type,
        .packed = a->pack,
        .varies = true,
        .trailers = TRAILERS,
    };
    put_headers(a);
    a->stream = http_stream_begin(TAKE(a->request), &head, &ops, a);
    return a->stream != NULL;
}

static void answer_done(struct job *job)
{
    struct export_answer *a = CONTAINER_OF(job, struct export_answer, job);
    a->running = false;
    if (!a->request && !a->stream) { /* the client is gone */
        free_answer(a);
        return;
    }
    if (a->err) {
        if (a->request)
            respond_error(a);
        else
            http_stream_cut(a->stream);
        free_answer(a);
        return;
    }
    if (a->request && !begin_stream(a)) {
        free_answer(a);
        return;
    }
    if (a->got > 0) {
        http_stream_write(a->stream, &a->piece); /* last: it may ask for more, or find it gone */
        return;
    }
    CLEANUP(buf_fini) struct buf trailers = BUF_INIT;
    put_trailers(a, &trailers);
    http_stream_end(a->stream, &a->piece, &trailers);
    free_answer(a);
}

/* ---- the question -------------------------------------------------------------------------- */

static bool refuse(struct http_request *request, const char *field, const char *text)
{
    http_respond_error(request, 400, NULL, field, "%s", text);
    return false;
}

static bool read_series(struct http_request *request, struct export_spec *spec)
{
    uint64_t points;
    const char *agg = http_request_param(request, "agg");
    const char *layout = http_request_param(request, "layout");
    static const char *const others[] = {"at", "filter", "sort", "limit"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (http_request_param(request, others[i]))
            return refuse(request, others[i], "at, filter, sort and limit go with table");
    }
    if (!api_range(request, EXPORT_RANGE_MS, &spec->from_ms, &spec->to_ms) ||
        !api_number(request, "points", 0, QUERY_POINTS_MAX, &points))
        return false;
    if (http_request_param(request, "points") && points == 0)
        return refuse(request, "points", "\"points\" must be at least 1");
    spec->points = (uint32_t)points;
    spec->aggregate = AGG_SUM;
    if (agg && aggregate_parse(agg, &spec->aggregate) < 0)
        return refuse(request, "agg", "\"agg\" must be avg, min, max, last, sum, p50, p90 or p99");
    if (layout && strcmp(layout, "long") != 0 && strcmp(layout, "wide") != 0)
        return refuse(request, "layout", "\"layout\" must be long or wide");
    spec->wide = layout && strcmp(layout, "wide") == 0;
    if (spec->wide && spec->format != EXPORT_CSV)
        return refuse(request, "layout", "the wide layout goes with format=csv");
    return api_selector(request, &spec->selector);
}

static bool read_table(struct http_request *request, const char *name, struct api *api,
                       struct export_spec *spec)
{
    const struct table_schema *schema = table_schema_named(name);
    static const char *const others[] = {"metric", "match", "from",  "to",
                                         "points", "agg",   "layout"};
    bool past = http_request_param(request, "at") != NULL;
    uint64_t limit;
    char why[128];
    const char *field;
    if (!schema)
        return refuse(request, "table",
                      "\"table\" must be connections, processes, flows, dns or interfaces");
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (http_request_param(request, others[i]))
            return refuse(request, others[i],
                          "table goes with at, filter, sort, limit and format only");
    }
    if (spec->format == EXPORT_OPENMETRICS)
        return refuse(request, "format", "a table has no place in OpenMetrics");
    if (past && !store_keeps_table(schema->kind))
        return refuse(request, "at", "no history is kept of this table; export its series instead");
    if (!api_number(request, "limit", UINT32_MAX, UINT32_MAX, &limit) ||
        !api_time(request, "at", 0, &spec->at_ms))
        return false;
    if (view_spec_new(schema, http_request_param(request, "filter"),
                      http_request_param(request, "sort"), &spec->view, &field, why,
                      sizeof(why)) < 0)
        return refuse(request, field, why);
    spec->kind = schema->kind;
    spec->limit = (size_t)limit;
    if (past)
        return true;
    struct tick_table *newest = station_table(api->station, schema->kind);
    if (!newest) {
        api_refuse_table(request, api, schema->kind);
        return false;
    }
    spec->table = table_ref(newest->table);
    spec->at_ms = newest->t_ms;
    tick_table_unref(newest);
    return true;
}

static bool read_spec(struct http_request *request, struct api *api, struct export_spec *spec)
{
    const char *format = http_request_param(request, "format");
    const char *table = http_request_param(request, "table");
    spec->format = EXPORT_JSON;
    if (format && export_format_parse(format, &spec->format) < 0)
        return refuse(request, "format", "\"format\" must be json, csv, ndjson or openmetrics");
    return table ? read_table(request, table, api, spec) : read_series(request, spec);
}

void api_get_export(struct http_request *request, void *user)
{
    struct api *api = user;
    struct export_spec spec = {0};
    if (!read_spec(request, api, &spec)) {
        export_spec_fini(&spec);
        return;
    }
    if (!tally_add(api->places, COUNTED_AS, EXPORTS_MAX)) {
        export_spec_fini(&spec);
        http_answer_header(request, "Retry-After", "5");
        http_respond_error(request, 503, "busy", NULL,
                           "%d exports are under way, and no more are made at once; try again",
                           EXPORTS_MAX);
        return;
    }
    struct export_answer *a = mem_alloc(sizeof(*a));
    a->api = api;
    a->request = request;
    a->spec = spec;
    a->job.work = answer_work;
    a->job.done = answer_done;
    a->only_head = http_request_head(request)->method == HTTP_METHOD_HEAD;
    a->pack = http_request_takes_gzip(request);
    a->from_memory = a->spec.table != NULL;
    http_request_on_gone(request, on_request_gone, a);
    if (submit(a))
        return;
    http_respond_error(request, 503, "busy", NULL,
                       "too many questions to the history at once; try again");
    free_answer(a);
}
