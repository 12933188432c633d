/* test_message.c: frames as wire/websocket makes them, read by the crowd's own reader, whole and
 * in pieces; what is none; numbers and times in messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/mem.h"
#include "bench/message.h"
#include "wire/deflate.h"
#include "wire/websocket.h"

static void test_round_trip(void **state)
{
    static const size_t sizes[] = {64, 125, 126, 127, 256, 1024, 16384, 65535, 65536};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct bytes *frame = message_frame(sizes[i], 42 + i, 1234567890123456789);
        struct message_frame got;
        uint64_t seq = 0;
        int64_t t_ns = 0;
        assert_non_null(frame);
        for (size_t len = 0; len < frame->len; len += len < 16 ? 1 : 997)
            assert_int_equal(message_next(frame->data, len, &got), 0);
        assert_int_equal(message_next(frame->data, frame->len, &got), frame->len);
        assert_int_equal(got.opcode, WS_TEXT);
        assert_false(got.compressed);
        assert_int_equal(got.len, sizes[i]);
        assert_true(message_read(MESSAGE_FANOUT, got.payload, got.len, &seq, &t_ns));
        assert_int_equal(seq, 42 + i);
        assert_int_equal(t_ns, 1234567890123456789);
        bytes_unref(frame);
    }
}

/* What compression is measured with: of the length that was asked for, read as every message, and
 * compressed about as small as the daemon's own (docs/adr/030: 0.3 of 6 KB). */
static void test_metrics(void **state)
{
    static const size_t sizes[] = {64, 65, 200, 1024, 6000, 65536};
    struct deflater *d = deflater_new();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct bytes *frame = message_metrics_frame(sizes[i], UINT64_MAX / 20, 1234567890123456789);
        struct message_frame got;
        uint64_t seq = 0;
        int64_t t_ns = 0;
        assert_non_null(frame);
        assert_int_equal(message_next(frame->data, frame->len, &got), frame->len);
        assert_int_equal(got.len, sizes[i]);
        assert_true(message_read(MESSAGE_FANOUT, got.payload, got.len, &seq, &t_ns));
        assert_true(seq == UINT64_MAX / 20 && t_ns == 1234567890123456789);
        bytes_unref(frame);
    }
    for (uint64_t seq = 1; seq < 100; seq++) {
        struct bytes *plain = message_metrics_frame(6000, seq, 1234567890123456789);
        struct bytes *packed = deflater_pack(d, plain);
        assert_non_null(packed);
        assert_in_range(packed->len, plain->len / 4, plain->len * 35 / 100);
        bytes_unref(packed);
        bytes_unref(plain);
    }
    deflater_free(d);
}

/* What our server must not send. */
static void test_no_frames(void **state)
{
    static const struct {
        uint8_t bytes[10];
        size_t len;
    } cases[] = {
        {{0x01, 0x00}, 2},                                      /* a fragment */
        {{0x91, 0x00}, 2},                                      /* RSV3 */
        {{0xa1, 0x00}, 2},                                      /* RSV2 */
        {{0x81, 0x80}, 2},                                      /* masked */
        {{0x81, 0x7f, 0, 0, 0, 0, 0x04, 0x00, 0x00, 0x01}, 10}, /* 64 MiB and one byte */
        {{0x81, 0x7f, 0xff, 0, 0, 0, 0, 0, 0, 0}, 10},
    };
    struct message_frame got;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(message_next(cases[i].bytes, cases[i].len, &got), -EPROTO);
    static const uint8_t compressed[] = {0xc1, 0x01, 0x00};
    assert_int_equal(message_next(compressed, sizeof(compressed), &got), 3);
    assert_true(got.compressed);
}

static void test_read(void **state)
{
    static const struct {
        enum message_kind kind;
        const char *text;
        bool good;
        uint64_t seq;
        int64_t t_ns;
    } cases[] = {
        {MESSAGE_FANOUT, "fanout 7 9 x", true, 7, 9},
        {MESSAGE_FANOUT, "fanout 7 9", true, 7, 9},
        {MESSAGE_FANOUT, "fanout 7", false, 0, 0},
        {MESSAGE_FANOUT, "fanout x 9", false, 0, 0},
        {MESSAGE_FANOUT, "fanou", false, 0, 0},
        {MESSAGE_FANOUT, "", false, 0, 0},
        {MESSAGE_METRICS, "{\"type\":\"metrics\",\"seq\":123,\"t\":1764000000000,\"values\":[]}",
         true, 123, 1764000000000000000},
        {MESSAGE_METRICS, "{\"type\":\"series\",\"seq\":123,\"t\":1}", false, 0, 0},
        {MESSAGE_METRICS, "{\"type\":\"metrics\",\"seq\":123,\"u\":1}", false, 0, 0},
        {MESSAGE_METRICS, "fanout 7 9", false, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t seq = 0;
        int64_t t_ns = 0;
        size_t len = strlen(cases[i].text);
        uint8_t *copy = mem_alloc(len); /* to its last byte, for the sanitizer's eyes */
        memcpy(copy, cases[i].text, len);
        assert_int_equal(message_read(cases[i].kind, copy, len, &seq, &t_ns), cases[i].good);
        if (cases[i].good) {
            assert_int_equal(seq, cases[i].seq);
            assert_int_equal(t_ns, cases[i].t_ns);
        }
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_no_frames),
        cmocka_unit_test(test_read),
    };
    return cmocka_run_group_tests_name("bench message", tests, NULL, NULL);
}
