/*
 * websocket.c: any bytes through the frame parser, whole and in pieces of a size that the input
 * chooses, with or without permessage-deflate. Both readings must give the same events; text must
 * be UTF-8; nothing is larger than the limit; a parser that has ended says nothing any more.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/defs.h"
#include "base/text.h"
#include "wire/deflate.h"
#include "wire/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT 1000

static void note(struct buf *log, enum ws_event event, const struct ws_received *r)
{
    buf_u64(log, event);
    if (event == WS_EVENT_ERROR || event == WS_EVENT_CLOSE)
        buf_u64(log, r->code);
    if (event == WS_EVENT_ERROR) {
        CHECK(r->why && ws_close_code_valid(r->code));
        return;
    }
    CHECK(r->len <= LIMIT);
    if (event == WS_EVENT_CLOSE || (event == WS_EVENT_MESSAGE && r->opcode == WS_TEXT))
        CHECK(r->len == 0 || text_utf8_valid((const char *)r->data, r->len) == r->len);
    buf_append(log, r->data, r->len);
}

static void read_all(enum ws_role role, struct inflater *inflater, const uint8_t *data, size_t size,
                     size_t piece, struct buf *log)
{
    struct ws_parser p;
    bool ended = false;
    ws_parser_init(&p, role, LIMIT);
    ws_parser_inflate(&p, inflater);
    for (size_t start = 0; start < size; start += piece) {
        size_t len = MIN(piece, size - start);
        size_t at = 0;
        while (at < len) {
            struct ws_received r;
            size_t used;
            enum ws_event event = ws_parse(&p, data + start + at, len - at, &used, &r);
            CHECK(used > 0 && used <= len - at);
            at += used;
            if (event == WS_EVENT_MORE)
                continue;
            CHECK(!ended);
            ended = event == WS_EVENT_CLOSE || event == WS_EVENT_ERROR;
            note(log, event, &r);
        }
    }
    ws_parser_fini(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    enum ws_role role = data[0] & 1 ? WS_CLIENT : WS_SERVER;
    size_t piece = (size_t)(data[0] >> 1 & 0x3f) + 1;
    struct inflater *inflater = data[0] & 0x80 ? inflater_new() : NULL;
    struct buf whole = BUF_INIT, cut = BUF_INIT;
    read_all(role, inflater, data + 1, size - 1, SIZE_MAX / 2, &whole);
    read_all(role, inflater, data + 1, size - 1, piece, &cut);
    CHECK(whole.len == cut.len && (whole.len == 0 || memcmp(whole.data, cut.data, cut.len) == 0));
    inflater_free(inflater);
    buf_fini(&whole);
    buf_fini(&cut);
    return 0;
}
