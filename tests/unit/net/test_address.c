/* test_address.c: addresses to text and back, and what counts as loopback. */
#include "fixture.h"

#include "base/defs.h"

static struct net_address parse(const char *text)
{
    struct net_address a;
    if (!net_address_parse_ip(text, &a))
        fail_msg("%s", text);
    return a;
}

static void test_format(void **state)
{
    (void)state;
    static const struct {
        const char *ip;
        uint16_t port;
        const char *text, *bare;
    } cases[] = {
        {"127.0.0.1", 7477, "127.0.0.1:7477", "127.0.0.1"},
        {"::1", 7477, "[::1]:7477", "::1"},
        {"[2001:db8::1]", 65535, "[2001:db8::1]:65535", "2001:db8::1"},
        {"fe80::1%3", 1, "[fe80::1%3]:1", "fe80::1%3"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[NET_ADDRESS_TEXT_MAX];
        struct net_address a = parse(cases[i].ip);
        a.port = cases[i].port;
        net_address_format(&a, text);
        assert_string_equal(text, cases[i].text);
        net_address_format_ip(&a, text);
        assert_string_equal(text, cases[i].bare);
        /* There and back through the kernel's form. */
        struct sockaddr_storage kernel;
        assert_true(net_address_to(&a, &kernel) > 0);
        struct net_address back = net_address_from(&kernel);
        assert_memory_equal(&back, &a, sizeof(a));
    }
    char text[NET_ADDRESS_TEXT_MAX];
    struct net_address none = {0};
    net_address_format(&none, text);
    assert_string_equal(text, "-");
}

static void test_parse_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {"",      "localhost", "127.0.0.1:80", "[127.0.0.1]",
                                      "1.2.3", "127.1",     "[::1",         "::1]",
                                      "::g",   "[]",        "127.0.0.1%1"};
    struct net_address a;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(net_address_parse_ip(bad[i], &a));
}

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *ip;
        bool loopback, any;
    } cases[] = {
        {"127.0.0.1", true, false},
        {"127.255.1.2", true, false},
        {"128.0.0.1", false, false},
        {"::1", true, false},
        {"::2", false, false},
        {"::ffff:127.0.0.1", true, false},
        {"::ffff:192.0.2.1", false, false},
        {"0.0.0.0", false, true},
        {"::", false, true},
        {"10.0.0.1", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct net_address a = parse(cases[i].ip);
        assert_int_equal(net_address_is_loopback(&a), cases[i].loopback);
        assert_int_equal(net_address_is_any(&a), cases[i].any);
    }
    struct net_address none = {0};
    assert_false(net_address_is_loopback(&none));
    assert_false(net_address_is_any(&none));
}

static void test_same(void **state)
{
    (void)state;
    struct net_address a = parse("127.0.0.1"), b = parse("127.0.0.1"), c = parse("::1");
    b.port = 9;
    assert_true(net_address_same_ip(&a, &b));
    assert_false(net_address_same_ip(&a, &c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
