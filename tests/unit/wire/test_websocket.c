/*
 * test_websocket.c: every script of bytes is fed whole, byte by byte, and cut at every place; the
 * events must be the same each time. An event is written as one line of text, so that a case is a
 * pair of strings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/defs.h"
#include "wire/deflate.h"
#include "wire/websocket.h"

#define LIMIT 300

/* ---- feeding ---- */

static void put_event(struct buf *log, enum ws_event event, const struct ws_received *r)
{
    static const char *const names[] = {[WS_EVENT_MESSAGE] = "message",
                                        [WS_EVENT_PING] = "ping",
                                        [WS_EVENT_PONG] = "pong",
                                        [WS_EVENT_CLOSE] = "close",
                                        [WS_EVENT_ERROR] = "error"};
    buf_text(log, names[event]);
    if (event == WS_EVENT_MESSAGE)
        buf_text(log, r->opcode == WS_BINARY ? " binary" : " text");
    if (event == WS_EVENT_CLOSE || event == WS_EVENT_ERROR)
        buf_printf(log, " %u", r->code);
    if (event == WS_EVENT_ERROR) {
        assert_true(strlen(r->why) > 5);
    } else if (r->len > 60) {
        buf_printf(log, " %zu bytes", r->len);
    } else if (r->len) {
        buf_char(log, ' ');
        buf_append(log, r->data, r->len);
    }
    buf_char(log, '\n');
}

/* Bytes are handed over in allocations of their exact size, so that valgrind sees a read too far.
 */
static void feed(struct ws_parser *p, const char *data, size_t len, struct buf *log)
{
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, data, len);
    size_t at = 0;
    while (at < len) {
        struct ws_received received;
        size_t used = SIZE_MAX;
        enum ws_event event = ws_parse(p, copy + at, len - at, &used, &received);
        assert_in_range(used, 1, len - at);
        if (event == WS_EVENT_MORE)
            assert_int_equal(used, len - at);
        else
            put_event(log, event, &received);
        at += used;
    }
    free(copy);
}

/* inflater: NULL: permessage-deflate was not agreed. */
static void check_with(enum ws_role role, struct inflater *inflater, const struct buf *script,
                       const char *expected)
{
    for (size_t cut = 0; cut <= script->len; cut++) {
        struct ws_parser p;
        CLEANUP(buf_fini) struct buf log = BUF_INIT;
        ws_parser_init(&p, role, LIMIT);
        ws_parser_inflate(&p, inflater);
        feed(&p, script->data, cut, &log);
        feed(&p, script->data + cut, script->len - cut, &log);
        ws_parser_fini(&p);
        if (strcmp(buf_string(&log), expected) != 0)
            fail_msg("cut at %zu: expected\n%sgot\n%s", cut, expected, buf_string(&log));
    }
    struct ws_parser p;
    CLEANUP(buf_fini) struct buf log = BUF_INIT;
    ws_parser_init(&p, role, LIMIT);
    ws_parser_inflate(&p, inflater);
    for (size_t i = 0; i < script->len; i++)
        feed(&p, script->data + i, 1, &log);
    ws_parser_fini(&p);
    assert_string_equal(buf_string(&log), expected);
}

static void check(enum ws_role role, const struct buf *script, const char *expected)
{
    check_with(role, NULL, script, expected);
}

/* ---- scripts ---- */

static void put(struct buf *b, bool fin, enum ws_opcode opcode, const char *payload)
{
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    ws_client_frame(b, fin, opcode, mask, payload, strlen(payload));
}

static void put_bytes(struct buf *b, enum ws_opcode opcode, const void *payload, size_t len)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    ws_client_frame(b, true, opcode, mask, payload, len);
}

static void check_raw(const char *bytes, size_t len, const char *expected)
{
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    buf_append(&b, bytes, len);
    check(WS_SERVER, &b, expected);
}
#define CHECK_RAW(bytes, expected) check_raw(bytes, sizeof(bytes) - 1, expected)

static void test_rfc_examples(void **state)
{
    (void)state;
    /* RFC 6455 section 5.7: the masked "Hello". */
    CHECK_RAW("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "message text Hello\n");
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    buf_append(&b, "\x81\x05Hello\x01\x03Hel\x80\x02lo\x89\x05Hello", 23);
    check(WS_CLIENT, &b, "message text Hello\nmessage text Hello\nping Hello\n");
}

static void test_messages(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    put(&b, true, WS_TEXT, "");
    put(&b, true, WS_TEXT, "{\"op\":\"ping\"}");
    put(&b, true, WS_BINARY, "\xff\xfe");
    put(&b, true, WS_TEXT, "Z\xc3\xbcrich");
    check(WS_SERVER, &b,
          "message text\nmessage text {\"op\":\"ping\"}\nmessage binary \xff\xfe\n"
          "message text Z\xc3\xbcrich\n");
}

static void test_fragments_with_control_between(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    put(&b, false, WS_TEXT, "one ");
    put(&b, true, WS_PING, "p1");
    put(&b, false, WS_CONTINUATION, "");
    put(&b, false, WS_CONTINUATION, "two ");
    put(&b, true, WS_PONG, "");
    put(&b, true, WS_CONTINUATION, "three");
    put(&b, true, WS_TEXT, "next");
    check(WS_SERVER, &b, "ping p1\npong\nmessage text one two three\nmessage text next\n");
}

static void test_utf8_over_fragments(void **state)
{
    (void)state;
    static const char fish[] = "\xf0\x9f\x90\x9f";
    for (size_t cut = 0; cut <= 4; cut++) {
        CLEANUP(buf_fini) struct buf b = BUF_INIT;
        char head[5] = "", tail[5] = "";
        memcpy(head, fish, cut);
        memcpy(tail, fish + cut, 4 - cut);
        put(&b, false, WS_TEXT, head);
        put(&b, true, WS_PING, "");
        put(&b, true, WS_CONTINUATION, tail);
        check(WS_SERVER, &b, "ping\nmessage text \xf0\x9f\x90\x9f\n");
    }
}

static void test_bad_utf8(void **state)
{
    (void)state;
    static const char *const bad[] = {"\xff",
                                      "a\x80",
                                      "\xc0\xaf",
                                      "\xe0\x80\x80",
                                      "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf8\x88\x80\x80\x80"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(buf_fini) struct buf b = BUF_INIT;
        put(&b, true, WS_TEXT, bad[i]);
        put(&b, true, WS_TEXT, "never seen");
        check(WS_SERVER, &b, "error 1007\n");
    }
    /* A character that the message ends in, and one that a new fragment does not continue. */
    CLEANUP(buf_fini) struct buf cut = BUF_INIT;
    put(&cut, true, WS_TEXT, "\xe2\x82");
    check(WS_SERVER, &cut, "error 1007\n");
    CLEANUP(buf_fini) struct buf broken = BUF_INIT;
    put(&broken, false, WS_TEXT, "\xe2\x82");
    put(&broken, true, WS_CONTINUATION, "a");
    check(WS_SERVER, &broken, "error 1007\n");
    /* Fails at the wrong byte, not when the message is complete. */
    CLEANUP(buf_fini) struct buf early = BUF_INIT;
    put(&early, false, WS_TEXT, "\xe0\x80");
    check(WS_SERVER, &early, "error 1007\n");
}

static void test_lengths(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 125, 126, 127, 299, 300};
    char payload[301];
    memset(payload, 'x', sizeof(payload));
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        CLEANUP(buf_fini) struct buf b = BUF_INIT;
        char expected[64];
        put_bytes(&b, WS_TEXT, payload, lengths[i]);
        snprintf(expected, sizeof(expected),
                 lengths[i] > 60 ? "message text %zu bytes\n"
                 : lengths[i]    ? "message text x\n"
                                 : "message text\n",
                 lengths[i]);
        check(WS_SERVER, &b, expected);
    }
    CLEANUP(buf_fini) struct buf big = BUF_INIT;
    put_bytes(&big, WS_TEXT, payload, 301);
    check(WS_SERVER, &big, "error 1009\n");
    CLEANUP(buf_fini) struct buf sum = BUF_INIT;
    put(&sum, false, WS_TEXT, "12345678901");
    put_bytes(&sum, WS_CONTINUATION, payload, 290);
    check(WS_SERVER, &sum, "error 1009\n");
    /* A length that is only announced is refused before anything is kept. */
    CHECK_RAW("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", "error 1009\n");
}

static void test_a_frame_of_more_than_64_KiB(void **state)
{
    (void)state;
    size_t len = 70000;
    char *payload = malloc(len);
    memset(payload, 'y', len);
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    CLEANUP(buf_fini) struct buf log = BUF_INIT;
    put_bytes(&b, WS_BINARY, payload, len);
    assert_int_equal(b.len, len + 14);
    struct ws_parser p;
    ws_parser_init(&p, WS_SERVER, 1 << 20);
    feed(&p, b.data, b.len, &log);
    assert_string_equal(buf_string(&log), "message binary 70000 bytes\n");
    ws_parser_fini(&p);
    free(payload);
}

static void test_protocol_errors(void **state)
{
    (void)state;
    CHECK_RAW("\x81\x05Hello", "error 1002\n");                        /* not masked */
    CHECK_RAW("\xc1\x80\0\0\0\0", "error 1002\n");                     /* RSV1 */
    CHECK_RAW("\xa1\x80\0\0\0\0", "error 1002\n");                     /* RSV2 */
    CHECK_RAW("\x91\x80\0\0\0\0", "error 1002\n");                     /* RSV3 */
    CHECK_RAW("\x83\x80\0\0\0\0", "error 1002\n");                     /* opcode 3 */
    CHECK_RAW("\x8b\x80\0\0\0\0", "error 1002\n");                     /* opcode 11 */
    CHECK_RAW("\x80\x80\0\0\0\0", "error 1002\n");                     /* continues nothing */
    CHECK_RAW("\x09\x80\0\0\0\0", "error 1002\n");                     /* ping in fragments */
    CHECK_RAW("\x89\xfe\0\x7e\0\0\0\0", "error 1002\n");               /* ping of 126 bytes */
    CHECK_RAW("\x81\xfe\0\x7d\0\0\0\0", "error 1002\n");               /* 125 in two bytes */
    CHECK_RAW("\x81\xff\0\0\0\0\0\0\xff\xff\0\0\0\0", "error 1002\n"); /* 65535 in eight */
    CHECK_RAW("\x81\xff\x80\0\0\0\0\0\0\0\0\0\0\0", "error 1002\n");   /* the highest bit */
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    put(&b, false, WS_TEXT, "begun");
    put(&b, true, WS_TEXT, "another");
    check(WS_SERVER, &b, "error 1002\n");
    CLEANUP(buf_fini) struct buf masked = BUF_INIT;
    put(&masked, true, WS_TEXT, "x");
    check(WS_CLIENT, &masked, "error 1002\n");
}

static void test_close(void **state)
{
    (void)state;
    static const struct {
        const char *payload;
        size_t len;
        const char *expected;
    } cases[] = {
        {"", 0, "close 1005\n"},
        {"\x03\xe8", 2, "close 1000\n"},
        {"\x03\xe9"
         "bye",
         5, "close 1001 bye\n"},
        {"\x0f\xa0", 2, "close 4000\n"},
        {"\x03", 1, "error 1002\n"},
        {"\x03\xed", 2, "error 1002\n"}, /* 1005 */
        {"\x03\xee", 2, "error 1002\n"}, /* 1006 */
        {"\x03\xe7", 2, "error 1002\n"}, /* 999 */
        {"\x03\xf7", 2, "error 1002\n"}, /* 1015 */
        {"\x07\xd0", 2, "error 1002\n"}, /* 2000 */
        {"\x13\x88", 2, "error 1002\n"}, /* 5000 */
        {"\x03\xe8\xff", 3, "error 1007\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_fini) struct buf b = BUF_INIT;
        put_bytes(&b, WS_CLOSE, cases[i].payload, cases[i].len);
        put(&b, true, WS_TEXT, "after the end");
        check(WS_SERVER, &b, cases[i].expected);
    }
}

/* Nothing is held between messages: a quiet connection costs the struct alone. */
static void test_memory_between_messages(void **state)
{
    (void)state;
    struct ws_parser p;
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    CLEANUP(buf_fini) struct buf log = BUF_INIT;
    ws_parser_init(&p, WS_SERVER, LIMIT);
    put(&b, true, WS_TEXT, "a message");
    feed(&p, b.data, b.len, &log);
    feed(&p, b.data, 1, &log);
    assert_null(p.text.data);
    assert_in_range(sizeof(p), 1, 256);
    ws_parser_fini(&p);
}

static void test_frames(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 125, 126, 65535, 65536, 200000};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        char *payload = malloc(lengths[i] + 1);
        memset(payload, 'z', lengths[i]);
        struct bytes *frame = ws_frame(WS_TEXT, payload, lengths[i]);
        struct ws_parser p;
        struct ws_received r;
        size_t used;
        ws_parser_init(&p, WS_CLIENT, 1 << 20);
        assert_int_equal(ws_parse(&p, frame->data, frame->len, &used, &r), WS_EVENT_MESSAGE);
        assert_int_equal(used, frame->len);
        assert_int_equal(r.len, lengths[i]);
        if (r.len)
            assert_memory_equal(r.data, payload, r.len);
        ws_parser_fini(&p);
        bytes_unref(frame);
        free(payload);
    }
}

static void assert_close(unsigned code, const char *reason, unsigned expected_code,
                         const char *expected_reason)
{
    struct bytes *frame = ws_frame_close(code, reason);
    struct ws_parser p;
    struct ws_received r;
    size_t used;
    ws_parser_init(&p, WS_CLIENT, LIMIT);
    assert_int_equal(ws_parse(&p, frame->data, frame->len, &used, &r), WS_EVENT_CLOSE);
    assert_int_equal(r.code, expected_code);
    assert_int_equal(r.len, strlen(expected_reason));
    assert_memory_equal(r.data, expected_reason, r.len);
    ws_parser_fini(&p);
    bytes_unref(frame);
}

static void test_close_frames(void **state)
{
    (void)state;
    char longest[200], cut[200];
    memset(longest, 'r', 122);
    snprintf(longest + 122, sizeof(longest) - 122, "\xe2\x82\xac and more");
    memset(cut, 'r', 122);
    cut[122] = '\0';
    assert_close(WS_CLOSE_NONE, NULL, WS_CLOSE_NONE, "");
    assert_close(WS_CLOSE_GOING_AWAY, NULL, 1001, "");
    assert_close(WS_CLOSE_TRY_LATER, "too slow", 1013, "too slow");
    assert_close(WS_CLOSE_POLICY, longest, 1008, cut); /* not in the middle of a character */
}

static void test_handshake(void **state)
{
    (void)state;
    char accept[WS_ACCEPT_LEN + 1];
    ws_accept("dGhlIHNhbXBsZSBub25jZQ==", accept); /* RFC 6455 section 1.3 */
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_true(ws_key_valid("dGhlIHNhbXBsZSBub25jZQ=="));
    assert_true(ws_key_valid("AAAAAAAAAAAAAAAAAAAAAA=="));
    assert_false(ws_key_valid("AAAAAAAAAAAAAAAAAAAAAB==")); /* bits behind the 16th byte */
    assert_false(ws_key_valid("AAAAAAAAAAAAAAAAAAAAAAAA"));
    assert_false(ws_key_valid("dGhlIHNhbXBsZSBub25jZQ="));
    assert_false(ws_key_valid("dGhlIHNhbXBsZSBub25jZ=Q="));
    assert_false(ws_key_valid(""));
}

static void test_protocols(void **state)
{
    (void)state;
    assert_true(ws_protocol_offered("netsonde.v1", "netsonde.v1"));
    assert_true(ws_protocol_offered("a, netsonde.v1", "netsonde.v1"));
    assert_true(ws_protocol_offered("a,netsonde.v1 ,b", "netsonde.v1"));
    assert_false(ws_protocol_offered("a netsonde.v1", "netsonde.v1")); /* no comma: no list */
    assert_false(ws_protocol_offered("netsonde.v10, netsonde.v", "netsonde.v1"));
    assert_false(ws_protocol_offered("NETSONDE.V1", "netsonde.v1"));
    assert_false(ws_protocol_offered("", "netsonde.v1"));
    assert_false(ws_protocol_offered(" , ,", "netsonde.v1"));
}

/* ---- permessage-deflate ---- */

/* A frame with reserved bits; the length as in its payload. */
static void put_reserved(struct buf *b, unsigned bits, bool fin, enum ws_opcode opcode,
                         const void *payload, size_t len)
{
    static const uint8_t mask[4] = {9, 8, 7, 6};
    size_t start = b->len;
    ws_client_frame(b, fin, opcode, mask, payload, len);
    b->data[start] = (char)(b->data[start] | (int)bits);
}

/* "Hello", RFC 7692 section 7.2.3.1 */
static const char hello[] = "\xf2\x48\xcd\xc9\xc9\x07\x00";

/* A stored block: compressed data of any content. */
static void put_stored(struct buf *b, enum ws_opcode opcode, const char *content, size_t len)
{
    CLEANUP(buf_fini) struct buf packed = BUF_INIT;
    char head[5] = {0, (char)len, (char)(len >> 8), (char)~len, (char)(~len >> 8)};
    buf_append(&packed, head, sizeof(head));
    buf_append(&packed, content, len);
    buf_char(&packed, 0);
    put_reserved(b, WS_BIT_COMPRESSED, true, opcode, packed.data, packed.len);
}

static void check_deflate(const struct buf *script, const char *expected)
{
    struct inflater *i = inflater_new();
    check_with(WS_SERVER, i, script, expected);
    inflater_free(i);
}

static void test_compressed_messages(void **state)
{
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    (void)state;
    put_reserved(&b, 0x40, true, WS_TEXT, hello, 7);
    put(&b, true, WS_TEXT, "plain"); /* each message says for itself */
    put_reserved(&b, 0x40, true, WS_BINARY, hello, 7);
    put_reserved(&b, 0x40, false, WS_TEXT, hello, 3);
    put(&b, true, WS_PING, "in between");
    put(&b, false, WS_CONTINUATION, "");
    put_reserved(&b, 0, true, WS_CONTINUATION, &hello[3], 4);
    put_reserved(&b, 0x40, true, WS_TEXT, "", 0);
    put(&b, false, WS_TEXT, "pl");
    put(&b, true, WS_CONTINUATION, "ain");
    put(&b, true, WS_CLOSE, "");
    check_deflate(&b, "message text Hello\nmessage text plain\nmessage binary Hello\n"
                      "ping in between\nmessage text Hello\nmessage text\nmessage text plain\n"
                      "close 1005\n");
}

/* One broken frame behind a good message; what follows it is not looked at. */
static void check_refused(unsigned bits, bool inside, enum ws_opcode opcode, const char *payload,
                          size_t len, const char *expected)
{
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    CLEANUP(buf_fini) struct buf said = BUF_INIT;
    put(&b, true, WS_TEXT, "good");
    if (inside)
        put_reserved(&b, 0x40, false, WS_TEXT, hello, 3);
    put_reserved(&b, bits, true, opcode, payload, len);
    put(&b, true, WS_PING, "");
    buf_printf(&said, "message text good\n%s", expected);
    check_deflate(&b, buf_string(&said));
}

static void test_compressed_refused(void **state)
{
    (void)state;
    /* Reserved bits: only the first, only on a message's first frame. */
    check_refused(0x20, false, WS_TEXT, hello, 7, "error 1002\n");
    check_refused(0x10, false, WS_TEXT, hello, 7, "error 1002\n");
    check_refused(0x60, false, WS_TEXT, hello, 7, "error 1002\n");
    check_refused(0x70, false, WS_BINARY, hello, 7, "error 1002\n");
    check_refused(0x40, true, WS_CONTINUATION, &hello[3], 4, "error 1002\n");
    check_refused(0x40, false, WS_PING, "a", 1, "error 1002\n");
    check_refused(0x40, false, WS_PONG, "", 0, "error 1002\n");
    check_refused(0x40, false, WS_CLOSE, "\x03\xe8", 2, "error 1002\n");
    check_refused(0x40, true, WS_PING, "a", 1, "error 1002\n");
    /* What is no deflated data, and what is no text. */
    check_refused(0x40, false, WS_TEXT, "\xff\xff", 2, "error 1007\n");
    check_refused(0, true, WS_CONTINUATION, "\xff\xff\xff\xff\xff", 5, "error 1007\n");
    check_refused(0x40, false, WS_TEXT, "\x00\x01\x00\xfe\xff\xff\x00", 7, "error 1007\n");
    check_refused(0x40, false, WS_TEXT, "\x00\x01\x00\xfe\xff\xc3\x00", 7, "error 1007\n");
}

static void test_compressed_limit(void **state)
{
    char content[LIMIT + 1];
    (void)state;
    memset(content, 'x', sizeof(content));
    CLEANUP(buf_fini) struct buf good = BUF_INIT;
    put_stored(&good, WS_TEXT, content, LIMIT); /* its bytes on the way are more than the limit */
    check_deflate(&good, "message text 300 bytes\n");
    CLEANUP(buf_fini) struct buf bad = BUF_INIT;
    put_stored(&bad, WS_TEXT, content, LIMIT + 1);
    check_deflate(&bad, "error 1009\n");
    /* An announcement of more than any message of the limit could need is refused as it comes. */
    CLEANUP(buf_fini) struct buf announced = BUF_INIT;
    buf_append(&announced, "\xc1\xff\x00\x00\x01\x00\x00\x00\x00\x00mask", 14);
    check_deflate(&announced, "error 1009\n");
    CLEANUP(buf_fini) struct buf fragments = BUF_INIT;
    put_reserved(&fragments, 0x40, false, WS_TEXT, content, LIMIT);
    put_reserved(&fragments, 0, false, WS_CONTINUATION, content, LIMIT / 2);
    check_deflate(&fragments, "error 1009\n");
}

static void test_release(void **state)
{
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    struct ws_parser p;
    struct ws_received got;
    size_t used;
    (void)state;
    put(&b, true, WS_TEXT, "message");
    put(&b, false, WS_TEXT, "half a ");
    put(&b, true, WS_CONTINUATION, "message");
    ws_parser_init(&p, WS_SERVER, LIMIT);
    const uint8_t *at = (const uint8_t *)b.data;
    assert_int_equal(ws_parse(&p, at, b.len, &used, &got), WS_EVENT_MESSAGE);
    ws_parser_release(&p);
    assert_null(p.text.data);
    size_t half = used + 5;
    assert_int_equal(ws_parse(&p, at + used, half, &used, &got), WS_EVENT_MORE);
    ws_parser_release(&p); /* not handed out yet: stays */
    assert_int_equal(ws_parse(&p, at + 2 * half - 5, b.len - (2 * half - 5), &used, &got),
                     WS_EVENT_MESSAGE);
    assert_int_equal(got.len, 14);
    assert_memory_equal(got.data, "half a message", 14);
    ws_parser_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_examples),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_fragments_with_control_between),
        cmocka_unit_test(test_utf8_over_fragments),
        cmocka_unit_test(test_bad_utf8),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_a_frame_of_more_than_64_KiB),
        cmocka_unit_test(test_protocol_errors),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_memory_between_messages),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_close_frames),
        cmocka_unit_test(test_handshake),
        cmocka_unit_test(test_protocols),
        cmocka_unit_test(test_compressed_messages),
        cmocka_unit_test(test_compressed_refused),
        cmocka_unit_test(test_compressed_limit),
        cmocka_unit_test(test_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
