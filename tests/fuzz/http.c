/*
 * http.c: any bytes through the request parser, whole and in pieces of a size that the input
 * chooses. Both readings must give the same requests; what is handed out keeps the promises of
 * wire/http.h.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/defs.h"
#include "base/text.h"
#include "wire/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Small, so that the search reaches them. */
static const struct http_limits limits = {
    .head_bytes = 600, .target_bytes = 200, .body_bytes = 100, .headers = 8};

static void note_text(struct buf *log, const char *text)
{
    buf_append(log, text, strlen(text) + 1);
}

static void note_request(struct buf *log, const struct http_parser *p)
{
    const struct http_head *head = http_parser_head(p);
    size_t body_len;
    const char *body = http_parser_body(p, &body_len);
    CHECK(head->path[0] == '/' || strcmp(head->path, "*") == 0);
    CHECK(!strstr(head->path, "/../"));
    CHECK(text_utf8_valid(head->path, strlen(head->path)) == strlen(head->path));
    CHECK(head->header_count <= limits.headers && head->param_count <= limits.headers);
    CHECK(body_len <= limits.body_bytes && head->minor <= 1);
    note_text(log, head->path);
    note_text(log, head->target);
    note_text(log, head->authority);
    for (size_t i = 0; i < head->param_count; i++) {
        note_text(log, head->params[i].name);
        note_text(log, head->params[i].value);
    }
    size_t hosts = 0;
    for (size_t i = 0; i < head->header_count; i++) {
        hosts += strcmp(head->headers[i].name, "host") == 0;
        note_text(log, head->headers[i].name);
        note_text(log, head->headers[i].value);
    }
    CHECK(hosts == 1 || (hosts == 0 && head->minor == 0));
    buf_u64(log, head->method);
    buf_u64(log, head->keep_alive + 2u * head->upgrade + 4u * http_accepts_gzip(head));
    buf_append(log, body, body_len);
}

static void read_all(const uint8_t *data, size_t size, size_t piece, struct buf *log)
{
    struct http_parser *p = http_parser_new(&limits);
    bool bad = false;
    for (size_t start = 0; start < size && !bad; start += piece) {
        size_t len = MIN(piece, size - start);
        size_t at = 0;
        while (at < len && !bad) {
            size_t used;
            enum http_event event = http_parse(p, data + start + at, len - at, &used);
            CHECK(used > 0 && used <= len - at);
            at += used;
            if (event == HTTP_EVENT_DONE) {
                note_request(log, p);
                http_parser_free(p);
                p = http_parser_new(&limits);
            } else if (event == HTTP_EVENT_BAD) {
                CHECK(http_parser_status(p) >= 400 && http_parser_status(p) <= 505);
                note_text(log, http_parser_reason(p));
                if (http_parser_has_head(p)) /* the body was bad */
                    note_text(log, http_parser_head(p)->path);
                bad = true;
            }
        }
    }
    http_parser_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct buf whole = BUF_INIT, cut = BUF_INIT;
    read_all(data + 1, size - 1, SIZE_MAX / 2, &whole);
    read_all(data + 1, size - 1, (size_t)data[0] + 1, &cut);
    CHECK(whole.len == cut.len && (whole.len == 0 || memcmp(whole.data, cut.data, cut.len) == 0));
    buf_fini(&whole);
    buf_fini(&cut);
    return 0;
}
