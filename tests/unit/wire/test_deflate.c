/*
 * test_deflate.c: permessage-deflate's bytes: what is packed comes back, what does not pay is not
 * packed, and what strangers send is read by RFC 7692's letter or refused, within the limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/defs.h"
#include "wire/deflate.h"
#include "wire/websocket.h"

#define MOST (1U << 20)

/* ---- out ---- */

static struct buf metrics_like(size_t values)
{
    struct buf b = BUF_INIT;
    buf_text(&b, "{\"type\":\"metrics\",\"values\":[");
    for (size_t i = 0; i < values; i++)
        buf_printf(&b, "%s[%zu,%zu]", i ? "," : "", i, i * 7919 % 1000);
    buf_text(&b, "]}");
    return b;
}

static void check_round_trip(struct deflater *d, struct inflater *i, enum ws_opcode opcode,
                             const struct buf *message)
{
    struct bytes *frame = ws_frame(opcode, message->data, message->len);
    struct bytes *packed = deflater_pack(d, frame);
    assert_non_null(packed);
    assert_true(packed->len < frame->len - frame->len / 8);
    assert_int_equal(packed->data[0], 0x80 | WS_BIT_COMPRESSED | opcode);

    /* As a client reads it: the parser's other role. */
    struct ws_parser p;
    struct ws_received got;
    size_t used;
    ws_parser_init(&p, WS_CLIENT, MOST);
    ws_parser_inflate(&p, i);
    assert_int_equal(ws_parse(&p, packed->data, packed->len, &used, &got), WS_EVENT_MESSAGE);
    assert_int_equal(used, packed->len);
    assert_int_equal(got.opcode, opcode);
    assert_int_equal(got.len, message->len);
    assert_memory_equal(got.data, message->data, message->len);
    ws_parser_fini(&p);
    bytes_unref(packed);
    bytes_unref(frame);
}

static void test_round_trip(void **state)
{
    static const size_t sizes[] = {40, 600, 20000, 600}; /* every length of header, and back */
    struct deflater *d = deflater_new();
    struct inflater *i = inflater_new();
    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
        CLEANUP(buf_fini) struct buf message = metrics_like(sizes[k]);
        check_round_trip(d, i, WS_TEXT, &message);
        check_round_trip(d, i, WS_BINARY, &message);
    }
    deflater_free(d);
    inflater_free(i);
}

static void test_what_does_not_pay(void **state)
{
    struct deflater *d = deflater_new();
    uint8_t noise[10000];
    uint32_t x = 1;
    (void)state;
    for (size_t k = 0; k < sizeof(noise); k++) {
        x = x * 1664525 + 1013904223;
        noise[k] = (uint8_t)(x >> 24);
    }
    for (size_t len = 0; len < 256; len += 51) { /* small, however alike its bytes are */
        char same[256] = {0};
        struct bytes *frame = ws_frame(WS_TEXT, same, len);
        assert_null(deflater_pack(d, frame));
        bytes_unref(frame);
    }
    struct bytes *frame = ws_frame(WS_BINARY, noise, sizeof(noise));
    assert_null(deflater_pack(d, frame));
    bytes_unref(frame);
    /* And after all that a message that pays is packed as ever. */
    struct inflater *i = inflater_new();
    CLEANUP(buf_fini) struct buf message = metrics_like(100);
    check_round_trip(d, i, WS_TEXT, &message);
    inflater_free(i);
    deflater_free(d);
}

/* Frames do not depend on those before: the same message gives the same bytes. */
static void test_no_context(void **state)
{
    struct deflater *d = deflater_new();
    CLEANUP(buf_fini) struct buf a = metrics_like(100), b = metrics_like(300);
    struct bytes *frame_a = ws_frame(WS_TEXT, a.data, a.len);
    struct bytes *frame_b = ws_frame(WS_TEXT, b.data, b.len);
    struct bytes *first = deflater_pack(d, frame_a);
    bytes_unref(deflater_pack(d, frame_b));
    struct bytes *second = deflater_pack(d, frame_a);
    (void)state;
    assert_int_equal(first->len, second->len);
    assert_memory_equal(first->data, second->data, first->len);
    bytes_unref(first);
    bytes_unref(second);
    bytes_unref(frame_a);
    bytes_unref(frame_b);
    deflater_free(d);
}

/* ---- in ---- */

/* In an allocation of its exact size. */
static int unpack(struct inflater *i, const void *data, size_t len, size_t most, struct buf *out)
{
    void *copy = malloc(len ? len : 1);
    memcpy(copy, data, len);
    buf_fini(out);
    int error = inflater_unpack(i, copy, len, most, out);
    free(copy);
    return error;
}

#define HELLO_IS(bytes)                                                                            \
    do {                                                                                           \
        assert_int_equal(unpack(i, bytes, sizeof(bytes) - 1, MOST, &out), 0);                      \
        assert_int_equal(out.len, 5);                                                              \
        assert_memory_equal(out.data, "Hello", 5);                                                 \
    } while (0)

/* RFC 7692, 7.2.3: one block, two blocks, no compression, a final block; and what encoders do that
 * leave the flush's end in place. */
static void test_examples(void **state)
{
    struct inflater *i = inflater_new();
    struct buf out = BUF_INIT;
    (void)state;
    HELLO_IS("\xf2\x48\xcd\xc9\xc9\x07\x00");
    HELLO_IS("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00");
    HELLO_IS("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00");
    HELLO_IS("\xf3\x48\xcd\xc9\xc9\x07\x00\x00");
    HELLO_IS("\xf3\x48\xcd\xc9\xc9\x07\x00");
    HELLO_IS("\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff");
    assert_int_equal(unpack(i, "\x00", 1, MOST, &out), 0); /* the empty message */
    assert_int_equal(out.len, 0);
    assert_int_equal(unpack(i, "", 0, MOST, &out), 0);
    assert_int_equal(out.len, 0);
    buf_fini(&out);
    inflater_free(i);
}

/* A final block, then another stream that refers to the text before it. */
static void test_final_blocks_share_the_window(void **state)
{
    static const char text[] = "a text that is long enough to be referred to later on";
    CLEANUP(buf_fini) struct buf packed = BUF_INIT;
    struct inflater *i = inflater_new();
    struct buf out = BUF_INIT;
    (void)state;
    for (int part = 0; part < 3; part++) {
        z_stream z = {0};
        uint8_t piece[256];
        assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
        if (part)
            assert_int_equal(deflateSetDictionary(&z, (const Bytef *)text, sizeof(text)), Z_OK);
        z.next_in = (Bytef *)(uintptr_t)text;
        z.avail_in = sizeof(text);
        z.next_out = piece;
        z.avail_out = sizeof(piece);
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        buf_append(&packed, piece, z.total_out);
        deflateEnd(&z);
    }
    assert_int_equal(unpack(i, packed.data, packed.len, MOST, &out), 0);
    assert_int_equal(out.len, 3 * sizeof(text));
    for (size_t k = 0; k < 3; k++)
        assert_memory_equal(out.data + k * sizeof(text), text, sizeof(text));
    buf_fini(&out);
    inflater_free(i);
}

static void test_broken(void **state)
{
    static const struct {
        const char *data;
        size_t len;
    } broken[] = {
        {"\xff", 1},                         /* a block type that does not exist */
        {"\x07", 1},                         /* the same, final */
        {"\xf2\x48\xcd\xc9", 4},             /* cut off: the flush's end becomes part of it */
        {"\x00\x05\x00\xfa\xff\x48\x65", 7}, /* a stored block that lacks bytes */
        {"\x00\x05\x00\xfa\xfe\x48\x65\x6c\x6c\x6f\x00", 11}, /* lengths that disagree */
        {"\x4a\x00\x03\x02\x00", 5},
        {"\xf3\x48\xcd\xc9\xc9\x07\x00\xff", 8}, /* nonsense behind a final block */
    };
    struct inflater *i = inflater_new();
    struct buf out = BUF_INIT;
    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(broken); k++) {
        if (unpack(i, broken[k].data, broken[k].len, MOST, &out) != -EBADMSG)
            fail_msg("broken message %zu was read", k);
        HELLO_IS("\xf2\x48\xcd\xc9\xc9\x07\x00"); /* nobody else notices */
    }
    buf_fini(&out);
    inflater_free(i);
}

static struct buf zeros(size_t len)
{
    struct buf packed = BUF_INIT;
    uint8_t *plain = calloc(1, len);
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = plain;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)buf_reserve(&packed, len + 64);
    z.avail_out = (uInt)len + 64;
    assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
    packed.len = z.total_out - 4;
    deflateEnd(&z);
    free(plain);
    return packed;
}

static void test_limits(void **state)
{
    struct inflater *i = inflater_new();
    struct buf out = BUF_INIT;
    (void)state;
    /* The limit counts what comes out, to the byte. */
    CLEANUP(buf_fini) struct buf small = zeros(INFLATE_FREE_BYTES);
    assert_int_equal(unpack(i, small.data, small.len, INFLATE_FREE_BYTES, &out), 0);
    assert_int_equal(out.len, INFLATE_FREE_BYTES);
    assert_int_equal(unpack(i, small.data, small.len, INFLATE_FREE_BYTES - 1, &out), -EMSGSIZE);
    /* A bomb of 1:1000 is no message, whatever the limit; nor is memory taken for it. */
    CLEANUP(buf_fini) struct buf bomb = zeros(16U << 20);
    assert_true(bomb.len < 17000);
    assert_int_equal(unpack(i, bomb.data, bomb.len, 64U << 20, &out), -ERANGE);
    assert_true(out.cap < 4U << 20);
    CLEANUP(buf_fini) struct buf little = zeros(INFLATE_FREE_BYTES + 1);
    assert_int_equal(unpack(i, little.data, little.len, MOST, &out), -ERANGE);
    buf_fini(&out);
    inflater_free(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_what_does_not_pay),
        cmocka_unit_test(test_no_context),
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_final_blocks_share_the_window),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
