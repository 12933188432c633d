/*
 * deflate.c: any bytes as a compressed message, and as a message that is compressed. What is
 * inflated keeps its limits, whatever the state the message before left; what is deflated comes
 * back.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/defs.h"
#include "wire/deflate.h"
#include "wire/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT 20000

static void inflate_any(struct inflater *i, const uint8_t *data, size_t size)
{
    struct buf first = BUF_INIT, second = BUF_INIT;
    int error = inflater_unpack(i, data, size, LIMIT, &first);
    CHECK(error == 0 || error == -EBADMSG || error == -EMSGSIZE || error == -ERANGE);
    CHECK(first.len <= MAX((size_t)INFLATE_FREE_BYTES, size * INFLATE_RATIO_MAX));
    CHECK(first.len <= LIMIT);
    CHECK(inflater_unpack(i, data, size, LIMIT, &second) == error);
    CHECK(first.len == second.len &&
          (first.len == 0 || memcmp(first.data, second.data, first.len) == 0));
    buf_fini(&first);
    buf_fini(&second);
}

static void there_and_back(struct inflater *i, const uint8_t *data, size_t size)
{
    struct deflater *d = deflater_new();
    struct bytes *frame = ws_frame(WS_BINARY, data, size);
    CHECK(frame);
    struct bytes *packed = deflater_pack(d, frame);
    if (packed) {
        struct ws_parser p;
        struct ws_received got;
        size_t used;
        ws_parser_init(&p, WS_CLIENT, size);
        ws_parser_inflate(&p, i);
        enum ws_event event = ws_parse(&p, packed->data, packed->len, &used, &got);
        /* Our own messages may shrink more than we take of strangers. */
        CHECK(event == WS_EVENT_MESSAGE ||
              (event == WS_EVENT_ERROR && packed->len * INFLATE_RATIO_MAX < size + 1000));
        if (event == WS_EVENT_MESSAGE)
            CHECK(got.len == size && memcmp(got.data, data, size) == 0);
        ws_parser_fini(&p);
    }
    bytes_unref(packed);
    bytes_unref(frame);
    deflater_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct inflater *i = inflater_new();
    inflate_any(i, data, size);
    there_and_back(i, data, size);
    inflater_free(i);
    return 0;
}
