/* test_extension.c: offers of permessage-deflate, as RFC 6455 (9.1) and RFC 7692 (7.1) put them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "wire/extension.h"

#define PLAIN "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
#define WINDOW PLAIN "; server_max_window_bits=15"
#define NONE NULL
#define BAD "bad"

struct offer {
    const char *list;
    const char *answer; /* NONE: declined; BAD: the handshake fails */
};

static void check(const struct offer *o)
{
    /* Of its exact size, so that valgrind sees a read too far. */
    size_t size = strlen(o->list) + 1;
    char *copy = malloc(size);
    memcpy(copy, o->list, size);
    struct ws_offers offers = {0};
    int error = ws_offers_read(&offers, copy);
    free(copy);
    if (o->answer && strcmp(o->answer, BAD) == 0) {
        if (error != -EBADMSG)
            fail_msg("\"%s\" was taken", o->list);
        return;
    }
    const char *answer = ws_offers_answer(&offers);
    if (error || (answer != NULL) != (o->answer != NULL) ||
        (answer && strcmp(answer, o->answer) != 0))
        fail_msg("\"%s\": %d, %s", o->list, error, answer ? answer : "declined");
}

static void check_all(const struct offer *offers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check(&offers[i]);
}

static void test_taken(void **state)
{
    static const struct offer offers[] = {
        {"permessage-deflate", PLAIN},
        {"permessage-deflate; client_max_window_bits", PLAIN}, /* every browser */
        {"permessage-deflate;client_max_window_bits=8", PLAIN},
        {"permessage-deflate; client_max_window_bits=\"15\"", PLAIN},
        {"permessage-deflate; client_max_window_bits=\"1\\0\"", PLAIN},
        {"permessage-deflate; server_no_context_takeover; client_no_context_takeover", PLAIN},
        {" \tpermessage-deflate ;\tserver_no_context_takeover\t", PLAIN},
        {"permessage-deflate; server_max_window_bits=15", WINDOW},
        {"permessage-deflate; server_max_window_bits = \"15\" ; client_max_window_bits", WINDOW},
        {",, permessage-deflate,,", PLAIN},
    };
    (void)state;
    check_all(offers, ARRAY_LEN(offers));
}

static void test_declined(void **state)
{
    static const struct offer offers[] = {
        {"permessage-bzip2", NONE},
        {"x-webkit-deflate-frame", NONE},
        {"Permessage-Deflate", NONE},
        {"permessage-deflate2", NONE},
        {"foo; bar=baz; bar=\"baz\", foo; x", NONE},
        {"permessage-deflate; server_max_window_bits=8", NONE}, /* smaller than the shared one */
        {"permessage-deflate; server_max_window_bits=14", NONE},
        {"permessage-deflate; server_max_window_bits=16", NONE},
        {"permessage-deflate; server_max_window_bits=7", NONE},
        {"permessage-deflate; server_max_window_bits=015", NONE},
        {"permessage-deflate; server_max_window_bits=0", NONE},
        {"permessage-deflate; server_max_window_bits=+15", NONE},
        {"permessage-deflate; server_max_window_bits=1e1", NONE},
        {"permessage-deflate; server_max_window_bits=150", NONE},
        {"permessage-deflate; server_max_window_bits", NONE}, /* must have a value */
        {"permessage-deflate; client_max_window_bits=16", NONE},
        {"permessage-deflate; client_max_window_bits=7", NONE},
        {"permessage-deflate; client_max_window_bits=08", NONE},
        {"permessage-deflate; client_max_window_bits=x", NONE},
        {"permessage-deflate; server_no_context_takeover=1", NONE}, /* must have none */
        {"permessage-deflate; client_no_context_takeover=\"x\"", NONE},
        {"permessage-deflate; mystery", NONE},
        {"permessage-deflate; Server_No_Context_Takeover", NONE},
        {"permessage-deflate; client_max_window_bits; client_max_window_bits=15", NONE},
        {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", NONE},
        {"permessage-deflate; client_no_context_takeover; client_no_context_takeover", NONE},
        {"permessage-deflate; server_max_window_bits=15; server_max_window_bits=15", NONE},
        {"permessage-deflate; x=0123456789012345678901234567890123456789012345678901234567890123456"
         "789",
         NONE},
    };
    (void)state;
    check_all(offers, ARRAY_LEN(offers));
}

static void test_fallbacks(void **state)
{
    static const struct offer offers[] = {
        {"permessage-deflate; server_max_window_bits=10, permessage-deflate", PLAIN},
        {"permessage-deflate; server_max_window_bits=15, permessage-deflate", WINDOW},
        {"permessage-deflate, permessage-deflate; server_max_window_bits=15", PLAIN},
        {"permessage-bzip2; level=9, permessage-deflate; unknown, permessage-deflate", PLAIN},
        {"permessage-deflate; server_max_window_bits=9, permessage-deflate; mystery=1", NONE},
    };
    (void)state;
    check_all(offers, ARRAY_LEN(offers));
}

static void test_bad_grammar(void **state)
{
    static const struct offer offers[] = {
        {"", BAD},
        {" ", BAD},
        {",", BAD},
        {";", BAD},
        {"permessage-deflate;", BAD},
        {"permessage-deflate; ;client_max_window_bits", BAD},
        {"permessage-deflate client_max_window_bits", BAD},
        {"permessage-deflate; client_max_window_bits=", BAD},
        {"permessage-deflate; client_max_window_bits=,", BAD},
        {"permessage-deflate; =15", BAD},
        {"permessage-deflate; a==b", BAD},
        {"permessage-deflate; a=\"\"", BAD},
        {"permessage-deflate; a=\"", BAD},
        {"permessage-deflate; a=\"1", BAD},
        {"permessage-deflate; a=\"1\\", BAD},
        {"permessage-deflate; a=\"1 2\"", BAD}, /* unescaped it must be a token */
        {"permessage-deflate; a=\"1\\\"2\"", BAD},
        {"permessage-deflate; a=\"1\"2", BAD},
        {"permessage-deflate; a=1 2", BAD},
        {"permessage-deflate; a=\x7f", BAD},
        {"permessage-deflate; a=\xc3\xa4", BAD},
        {"permessage/deflate", BAD},
        {"(permessage-deflate)", BAD},
        {"permessage-deflate, =", BAD}, /* also behind an offer that would be taken */
    };
    (void)state;
    check_all(offers, ARRAY_LEN(offers));
}

/* A header may be repeated: its lines are one list. */
static void test_lines(void **state)
{
    struct ws_offers offers = {0};
    (void)state;
    assert_int_equal(ws_offers_read(&offers, "permessage-deflate; server_max_window_bits=9"), 0);
    assert_null(ws_offers_answer(&offers));
    assert_int_equal(ws_offers_read(&offers, "permessage-deflate; server_max_window_bits=15"), 0);
    assert_int_equal(ws_offers_read(&offers, "permessage-deflate"), 0);
    assert_int_equal(ws_offers_read(&offers, ""), 0); /* an empty element of a list that has some */
    assert_string_equal(ws_offers_answer(&offers), WINDOW);
    assert_int_equal(ws_offers_read(&offers, "\""), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken),     cmocka_unit_test(test_declined),
        cmocka_unit_test(test_fallbacks), cmocka_unit_test(test_bad_grammar),
        cmocka_unit_test(test_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
