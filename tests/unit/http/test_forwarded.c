/* test_forwarded.c: whom proxies speak for, as a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/defs.h"
#include "http/forwarded.h"

static void test_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *range, *in, *out;
    } good[] = {
        {"192.0.2.1", "192.0.2.1", "192.0.2.2"},
        {"10.0.0.0/8", "10.255.0.1", "11.0.0.1"},
        {"10.16.0.0/12", "10.31.255.255", "10.32.0.0"},
        {"0.0.0.0/0", "203.0.113.9", "::1"},
        {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"},
        {"::1", "::1", "::2"},
        {"::/0", "2001:db8::1", "192.0.2.1"},
        {"127.0.0.1", "::ffff:127.0.0.1", "::ffff:127.0.0.2"},
        {"::ffff:10.0.0.0/104", "10.1.1.1", "11.0.0.1"},
        {"192.0.2.0/31", "192.0.2.1", "192.0.2.2"},
    };
    static const char *const bad[] = {"",
                                      "/8",
                                      "10.0.0.0/",
                                      "10.0.0.0/33",
                                      "10.0.0.1/8",
                                      "::1/129",
                                      "2001:db8::1/32",
                                      "[::1]",
                                      "fe80::1%eth0",
                                      "10.0.0.0/8/8",
                                      "10.0.0.0/-1",
                                      "host.example",
                                      "10.0.0",
                                      "10.0.0.0/ 8"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct address_range range;
        struct net_address a;
        if (!address_range_parse(good[i].range, &range))
            fail_msg("%s", good[i].range);
        assert_true(net_address_parse_ip(good[i].in, &a));
        if (!address_range_has(&range, &a))
            fail_msg("%s is in %s", good[i].in, good[i].range);
        assert_true(net_address_parse_ip(good[i].out, &a));
        if (address_range_has(&range, &a))
            fail_msg("%s is not in %s", good[i].out, good[i].range);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct address_range range;
        if (address_range_parse(bad[i], &range))
            fail_msg("%s is no range", bad[i]);
    }
}

#define PEER "10.0.0.1" /* trusted, as all of 10.0.0.0/8 and ::1 */
#define XFF "x-forwarded-for"
#define FWD "forwarded"

static void test_clients(void **state)
{
    (void)state;
    static const struct {
        const char *peer;
        struct http_field headers[3];
        enum forwarded result;
        const char *client; /* NULL: the peer */
    } cases[] = {
        {PEER, {{0}}, FORWARDED_NONE, NULL},
        {PEER, {{XFF, "192.0.2.1"}}, FORWARDED_CLIENT, "192.0.2.1"},
        {"192.0.2.9", {{XFF, "192.0.2.1"}}, FORWARDED_NONE, NULL}, /* not believed */
        {PEER, {{XFF, "192.0.2.1:1234"}}, FORWARDED_CLIENT, "192.0.2.1"},
        {PEER, {{XFF, "  192.0.2.1\t "}}, FORWARDED_CLIENT, "192.0.2.1"},
        {PEER, {{XFF, "2001:db8::5"}}, FORWARDED_CLIENT, "2001:db8::5"},
        {PEER, {{XFF, "[2001:db8::5]"}}, FORWARDED_CLIENT, "2001:db8::5"},
        {PEER, {{XFF, "[2001:db8::5]:80"}}, FORWARDED_CLIENT, "2001:db8::5"},
        {PEER, {{XFF, "::ffff:192.0.2.1"}}, FORWARDED_CLIENT, "192.0.2.1"},
        /* the right-most that is not ours */
        {PEER, {{XFF, "203.0.113.1, 192.0.2.1"}}, FORWARDED_CLIENT, "192.0.2.1"},
        {PEER, {{XFF, "203.0.113.1, 192.0.2.1, 10.9.9.9"}}, FORWARDED_CLIENT, "192.0.2.1"},
        {PEER, {{XFF, "127.0.0.1, 192.0.2.1"}}, FORWARDED_CLIENT, "192.0.2.1"},
        {PEER, {{XFF, "garbage, 192.0.2.1"}}, FORWARDED_CLIENT, "192.0.2.1"},
        {PEER, {{XFF, "203.0.113.1"}, {XFF, "192.0.2.1"}}, FORWARDED_CLIENT, "192.0.2.1"},
        {PEER, {{XFF, "203.0.113.1"}, {XFF, "10.1.1.1"}}, FORWARDED_CLIENT, "203.0.113.1"},
        {PEER, {{XFF, "10.3.3.3, 10.2.2.2"}}, FORWARDED_CLIENT, "10.3.3.3"}, /* a proxy's own */
        {"::1", {{XFF, "192.0.2.1"}}, FORWARDED_CLIENT, "192.0.2.1"},
        /* what cannot be read */
        {PEER, {{XFF, ""}}, FORWARDED_UNCLEAR, NULL},
        {PEER, {{XFF, ","}}, FORWARDED_UNCLEAR, NULL},
        {PEER, {{XFF, "192.0.2.1,"}}, FORWARDED_UNCLEAR, NULL},
        {PEER, {{XFF, "192.0.2.1, unknown"}}, FORWARDED_UNCLEAR, NULL},
        {PEER, {{XFF, "192.0.2.1, garbage, 10.1.1.1"}}, FORWARDED_UNCLEAR, NULL},
        {PEER, {{XFF, "fe80::1%lo"}}, FORWARDED_UNCLEAR, NULL},
        {PEER, {{XFF, "192.0.2.1:http"}}, FORWARDED_UNCLEAR, NULL},
        {PEER, {{XFF, "192.0.2.1:"}}, FORWARDED_UNCLEAR, NULL},
        {PEER, {{XFF, "192.0.2.1:123456"}}, FORWARDED_UNCLEAR, NULL},
        {PEER, {{XFF, "[2001:db8::5"}}, FORWARDED_UNCLEAR, NULL},
        {PEER, {{XFF, "[192.0.2.1]"}}, FORWARDED_UNCLEAR, NULL},
        {PEER, {{XFF, "[::1]x"}}, FORWARDED_UNCLEAR, NULL},
        {PEER, {{XFF, "192.0.2.256"}}, FORWARDED_UNCLEAR, NULL},
        {PEER, {{XFF, "0300.0.2.1"}}, FORWARDED_UNCLEAR, NULL}, /* octal is not read as octal */
        /* longer than any chain of proxies: what is left of it is not looked at */
        {PEER,
         {{XFF,
           "203.0.113.1,10.1.1.1,10.1.1.1,10.1.1.1,10.1.1.1,10.1.1.1,10.1.1.1,10.1.1.1,"
           "10.1.1.1,10.1.1.1,10.1.1.1,10.1.1.1,10.1.1.1,10.1.1.1,10.1.1.1,10.1.1.1,10.1.1.1"}},
         FORWARDED_UNCLEAR,
         NULL},
        /* RFC 7239 */
        {PEER, {{FWD, "for=192.0.2.1"}}, FORWARDED_CLIENT, "192.0.2.1"},
        {PEER, {{FWD, "For=\"[2001:db8::5]:4711\""}}, FORWARDED_CLIENT, "2001:db8::5"},
        {PEER, {{FWD, "by=10.0.0.1; FOR=192.0.2.1 ;proto=https"}}, FORWARDED_CLIENT, "192.0.2.1"},
        {PEER, {{FWD, "for=203.0.113.1, for=192.0.2.1"}}, FORWARDED_CLIENT, "192.0.2.1"},
        {PEER,
         {{FWD, "for=203.0.113.1;x=\"a,for=10.9.9.9\", for=10.1.1.1"}},
         FORWARDED_CLIENT,
         "203.0.113.1"},
        {PEER, {{FWD, "for=192.0.2.1;x=\"\\\",for=203.0.113.7\""}}, FORWARDED_CLIENT, "192.0.2.1"},
        {PEER, {{FWD, "for=unknown"}}, FORWARDED_UNCLEAR, NULL},
        {PEER, {{FWD, "for=_hidden"}}, FORWARDED_UNCLEAR, NULL},
        {PEER, {{FWD, "proto=https"}}, FORWARDED_UNCLEAR, NULL},
        {PEER, {{FWD, "for=192.0.2.1;for=192.0.2.2"}}, FORWARDED_UNCLEAR, NULL},
        {PEER, {{FWD, "for=\"192.0.2.1"}}, FORWARDED_UNCLEAR, NULL},
        {PEER, {{FWD, "for=\"\""}}, FORWARDED_UNCLEAR, NULL},
        {PEER, {{FWD, ""}}, FORWARDED_UNCLEAR, NULL},
        /* two headers, one of which the client may have written */
        {PEER, {{XFF, "192.0.2.1"}, {FWD, "for=192.0.2.1"}}, FORWARDED_CLIENT, "192.0.2.1"},
        {PEER, {{XFF, "192.0.2.1"}, {FWD, "for=203.0.113.1"}}, FORWARDED_UNCLEAR, NULL},
        {PEER, {{FWD, "for=203.0.113.1"}, {XFF, "192.0.2.1"}}, FORWARDED_UNCLEAR, NULL},
        {PEER, {{XFF, "192.0.2.1"}, {FWD, "garbage"}}, FORWARDED_UNCLEAR, NULL},
    };
    struct address_range ranges[2];
    assert_true(address_range_parse("10.0.0.0/8", &ranges[0]));
    assert_true(address_range_parse("::1", &ranges[1]));
    const struct proxies proxies = {ranges, ARRAY_LEN(ranges)};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_field headers[3];
        struct net_address peer, client, expected;
        struct http_head head = {.headers = headers};
        for (size_t h = 0; h < 3 && cases[i].headers[h].name; h++)
            headers[head.header_count++] = cases[i].headers[h];
        assert_true(net_address_parse_ip(cases[i].peer, &peer));
        enum forwarded result = forwarded_client(&proxies, &head, &peer, &client);
        if (result != cases[i].result)
            fail_msg("%zu: %s: %d instead of %d", i,
                     head.header_count ? headers[0].value : "nothing", result, cases[i].result);
        assert_true(
            net_address_parse_ip(cases[i].client ? cases[i].client : cases[i].peer, &expected));
        if (!net_address_same_ip(&client, &expected))
            fail_msg("%zu: %s is another client", i, headers[0].value);
    }
}

static void test_scheme(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        bool https;
    } cases[] = {
        {"x-forwarded-proto", "https", true},
        {"x-forwarded-proto", "HTTPS", true},
        {"x-forwarded-proto", "http", false},
        {"x-forwarded-proto", "https, http", false},
        {"x-forwarded-proto", "http, https", true},
        {"x-forwarded-proto", "", false},
        {"forwarded", "for=1.2.3.4;proto=https", true},
        {"forwarded", "proto=\"https\"", true},
        {"forwarded", "proto=http", false},
        {"forwarded", "for=1.2.3.4", false},
        {"x-other", "https", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_field field = {cases[i].name, cases[i].value};
        struct http_head head = {.headers = &field, .header_count = 1};
        if (forwarded_https(&head) != cases[i].https)
            fail_msg("%s: %s", cases[i].name, cases[i].value);
        assert_int_equal(forwarded_any(&head), strcmp(cases[i].name, "x-other") != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_clients),
        cmocka_unit_test(test_scheme),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
