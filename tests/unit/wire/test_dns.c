/*
 * test_dns.c: questions and answers, names that are compressed, lie or never end, EDNS, and the
 * stream of a TCP connection in pieces of every size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/defs.h"
#include "wire/dns.h"

#define TEXT(bytes) (const uint8_t *)(bytes), sizeof(bytes) - 1

/* id 0x1234, response, NXDOMAIN, one question */
#define HEAD "\x12\x34\x81\x83\0\1\0\0\0\0\0\0"
#define EXAMPLE "\3www\7example\3org\0"

static int parse(const uint8_t *data, size_t len, struct dns_message *ret)
{
    /* In memory of exactly its size: what reads behind it is seen. */
    uint8_t *copy = test_malloc(len ? len : 1);
    memcpy(copy, data, len);
    int err = dns_parse(copy, len, len, ret);
    test_free(copy);
    return err;
}

static void test_question(void **state)
{
    (void)state;
    struct dns_message m;
    assert_int_equal(parse(TEXT(HEAD EXAMPLE "\0\x1c\0\1"), &m), 0);
    assert_int_equal(m.id, 0x1234);
    assert_true(m.response);
    assert_false(m.truncated);
    assert_int_equal(m.rcode, 3);
    assert_string_equal(m.name, "www.example.org");
    assert_int_equal(m.type, 28);
    assert_int_equal(m.class, 1);
    assert_int_equal(parse(TEXT(HEAD "\0\0\2\0\1"), &m), 0);
    assert_string_equal(m.name, ".");
    /* Bytes that are no letters cannot break out of the text. */
    assert_int_equal(parse(TEXT(HEAD "\5a.\\\n\xff\1b\0\0\1\0\1"), &m), 0);
    assert_string_equal(m.name, "a\\.\\\\\\010\\255.b");
    /* Without a question, as servers answer what they do not understand. */
    assert_int_equal(parse(TEXT("\x12\x34\x81\x81\0\0\0\0\0\0\0\0"), &m), 0);
    assert_int_equal(m.type, 0);
    assert_string_equal(m.name, "");
}

static void test_bad(void **state)
{
    static const struct {
        const char *data;
        size_t len;
    } messages[] = {
#define MESSAGE(text) {text, sizeof(text) - 1}
        MESSAGE(""),
        MESSAGE("\x12\x34\x81\x83\0\1\0\0\0\0\0"),
        MESSAGE("\x12\x34\x81\x83\0\2\0\0\0\0\0\0" EXAMPLE "\0\1\0\1" EXAMPLE "\0\1\0\1"),
        MESSAGE(HEAD "\3www"),
        MESSAGE(HEAD EXAMPLE "\0\1\0"),
        MESSAGE(HEAD "\xc0\x0c\0\1\0\1"),         /* points to itself */
        MESSAGE(HEAD "\1a\xc0\x0c\0\1\0\1"),      /* to its own beginning */
        MESSAGE(HEAD "\xc0\x0e\xc0\x0c\0\1\0\1"), /* forwards, and back */
        MESSAGE(HEAD "\xc0\x02\0\1\0\1"),         /* into the header */
        MESSAGE(HEAD "\x41"
                     "a\0\0\1\0\1"), /* a kind of label that there is not */
        MESSAGE(HEAD "\x81"
                     "a\0\0\1\0\1"),
#undef MESSAGE
    };
    struct dns_message m;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        if (parse((const uint8_t *)messages[i].data, messages[i].len, &m) != -EBADMSG)
            fail_msg("message %zu", i);
    }
}

static void test_long_name(void **state)
{
    (void)state;
    /* 127 labels of a byte and the root: 255 bytes, the longest. */
    uint8_t data[12 + 2 * 128 + 1 + 4] = "\x12\x34\x01\0\0\1";
    for (size_t i = 0; i < 127; i++) {
        data[12 + 2 * i] = 1;
        data[13 + 2 * i] = 0xff;
    }
    memcpy(data + 12 + 254, "\0\0\1\0\1", 5);
    struct dns_message m;
    assert_int_equal(parse(data, 12 + 255 + 4, &m), 0);
    assert_int_equal(strlen(m.name), 127 * 5 - 1);
    memcpy(data + 12 + 254, "\1a\0\0\1\0\1", 7);
    assert_int_equal(parse(data, 12 + 257 + 4, &m), -EBADMSG);
    /* Four labels of 63 bytes that are all escaped fit into the text, too. */
    uint8_t wide[12 + 255 + 4] = "\x12\x34\x01\0\0\1";
    size_t at = 12;
    for (size_t i = 0; i < 4; i++) {
        size_t label = i < 3 ? 63 : 61;
        wide[at++] = (uint8_t)label;
        memset(wide + at, 0x01, label);
        at += label;
    }
    memcpy(wide + at, "\0\0\1\0\1", 5);
    assert_int_equal(parse(wide, at + 5, &m), 0);
    assert_int_equal(strlen(m.name), 250 * 4 + 3);
}

#define ANSWERS                                                                                    \
    "\x12\x34\x81\x80\0\1\0\4\0\0\0\1" EXAMPLE "\0\1\0\1"                                          \
    "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\6\3cdn\xc0\x10"                                                  \
    "\xc0\x2d\0\1\0\1\0\0\1\0\0\4\xc0\0\2\1"                                                       \
    "\xc0\x2d\0\x1c\0\1\0\0\0\x1e\0\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"                     \
    "\xc0\x2d\0\1\0\1\0\0\0\x1e\0\3\1\2\3" /* three bytes are no address */                        \
    "\0\0\x29\x04\xd0\1\0\0\0\0\0"         /* OPT with an upper part of the code */

static void test_answers(void **state)
{
    (void)state;
    struct dns_message m;
    assert_int_equal(parse(TEXT(ANSWERS), &m), 0);
    assert_int_equal(m.answers, 4);
    assert_int_equal(m.rcode, 16);
    assert_string_equal(dns_rcode_name(m.rcode), "BADVERS");

    struct dns_walk walk;
    struct dns_address address;
    dns_walk_begin(&walk, TEXT(ANSWERS));
    assert_true(dns_walk_next(&walk, &address));
    assert_int_equal(address.family, 4);
    assert_int_equal(address.ttl_s, 256);
    assert_memory_equal(address.address, "\xc0\0\2\1", 4);
    assert_true(dns_walk_next(&walk, &address));
    assert_int_equal(address.family, 6);
    assert_int_equal(address.address[15], 1);
    assert_false(dns_walk_next(&walk, &address));

    /* Cut anywhere: what is there is right, and there is never more of it. */
    size_t len = sizeof(ANSWERS) - 1, before = 0;
    for (size_t captured = 0; captured <= len; captured++) {
        uint8_t *copy = test_malloc(captured ? captured : 1);
        memcpy(copy, ANSWERS, captured);
        int err = dns_parse(copy, captured, len, &m);
        assert_int_equal(err, captured < 12 ? -EBADMSG : 0);
        if (!err && captured < len) {
            assert_true(m.cut);
            assert_true(m.type == 0 || strcmp(m.name, "www.example.org") == 0);
        }
        size_t found = 0;
        dns_walk_begin(&walk, copy, captured);
        while (dns_walk_next(&walk, &address))
            found++;
        assert_true(found >= before && found <= 2);
        before = found;
        test_free(copy);
    }
    assert_int_equal(before, 2);
}

static void test_stream(void **state)
{
    (void)state;
    static const uint8_t stream[] = "\0\5hello\0\0\0\3abc\xff\xff";
    for (size_t piece = 1; piece < sizeof(stream); piece++) {
        struct dns_stream s = {0};
        size_t messages = 0;
        for (size_t at = 0; at < sizeof(stream) - 1; at += piece) {
            size_t len = MIN(piece, sizeof(stream) - 1 - at), used = 0;
            while (used < len) {
                bool message;
                size_t took = dns_stream_feed(&s, stream + at + used, len - used, &message);
                assert_true(took > 0);
                used += took;
                if (!message)
                    continue;
                const char *wanted = messages++ ? "abc" : "hello";
                assert_int_equal(s.kept, strlen(wanted));
                assert_memory_equal(s.data, wanted, s.kept);
            }
        }
        assert_int_equal(messages, 2);
        assert_int_equal(s.message_bytes, 0xffff);
    }
    /* A long one is passed, and its beginning kept. */
    struct dns_stream s = {0};
    bool message;
    uint8_t block[1000] = {0x27, 0x10}; /* 10,000 bytes */
    size_t sent = dns_stream_feed(&s, block, sizeof(block), &message);
    assert_int_equal(sent, 1000);
    for (sent -= 2; sent < 10000 && !message; sent += 1000) {
        block[0] = (uint8_t)(sent / 1000);
        size_t took = dns_stream_feed(&s, block, sizeof(block), &message);
        assert_int_equal(took, MIN((size_t)1000, 10000 - sent));
    }
    assert_true(message);
    assert_int_equal(s.kept, DNS_STREAM_KEEP);
}

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(dns_rcode_name(0), "NOERROR");
    assert_string_equal(dns_rcode_name(3), "NXDOMAIN");
    assert_null(dns_rcode_name(99));
    assert_string_equal(dns_type_name(1), "A");
    assert_string_equal(dns_type_name(65), "HTTPS");
    assert_null(dns_type_name(65280));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_question),  cmocka_unit_test(test_bad),
        cmocka_unit_test(test_long_name), cmocka_unit_test(test_answers),
        cmocka_unit_test(test_stream),    cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
