/* test_access.c: the rules as tables of heads. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/defs.h"
#include "http/access.h"

static const char *const hosts[] = {"127.0.0.1", "::1", "192.0.2.5", "myhost"};
static const char *const allowed_hosts[] = {"monitor.example"};
static const char *const allowed_origins[] = {"https://portal.example"};

static struct access_config config(void)
{
    return (struct access_config){
        .hosts = hosts,
        .host_count = ARRAY_LEN(hosts),
        .allowed_origins = allowed_origins,
        .allowed_origin_count = ARRAY_LEN(allowed_origins),
        .own_uid = 1000,
    };
}

static struct net_address address(const char *ip)
{
    struct net_address a;
    assert_true(net_address_parse_ip(ip, &a));
    return a;
}

/* ---- Host ---- */

static void test_host(void **state)
{
    (void)state;
    static const struct {
        const char *authority, *local;
        bool ok;
    } cases[] = {
        {"localhost", "127.0.0.1", true},
        {"localhost:7477", "127.0.0.1", true},
        {"LocalHost.:7477", "127.0.0.1", true},
        {"127.0.0.1:9000", "127.0.0.1", true},
        {"127.0.0.1", "::1", true}, /* through a tunnel */
        {"[::1]:7477", "::1", true},
        {"[::1]", "::1", true},
        {"[0:0::1]", "::1", true},
        {"192.0.2.5:7477", "192.0.2.5", true},
        {"192.0.2.5", "127.0.0.1", true}, /* a listener's */
        {"192.0.2.6", "192.0.2.6", true}, /* where it came in, e.g. listening on 0.0.0.0 */
        {"192.0.2.7", "192.0.2.6", false},
        {"myhost:7477", "127.0.0.1", true},
        {"MYHOST", "127.0.0.1", true},
        {"monitor.example", "127.0.0.1", false}, /* only when allowed, see below */
        {"evil.example", "127.0.0.1", false},
        {"localhost.evil.example", "127.0.0.1", false},
        {"myhost.evil.example", "127.0.0.1", false},
        {"evil.example:7477", "127.0.0.1", false},
        {"127.0.0.1.evil.example", "127.0.0.1", false},
        {"", "127.0.0.1", false},
        {":7477", "127.0.0.1", false},
        {"localhost:abc", "127.0.0.1", false},
        {"[::1", "::1", false},
        {"[::1]x", "::1", false},
        {"::1", "::1", false},
        {"localhost:1:2", "127.0.0.1", false},
    };
    struct access_config c = config();
    struct access *access = access_new(&c);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_head head = {.authority = cases[i].authority};
        struct net_address local = address(cases[i].local);
        if (access_host_ok(access, &head, &local) != cases[i].ok)
            fail_msg("Host: %s", cases[i].authority);
    }
    access_free(access);

    c.allowed_hosts = allowed_hosts;
    c.allowed_host_count = 1;
    access = access_new(&c);
    struct http_head head = {.authority = "Monitor.Example:443"};
    struct net_address local = address("127.0.0.1");
    assert_true(access_host_ok(access, &head, &local));
    access_free(access);
}

/* ---- Origin ---- */

static void test_origin(void **state)
{
    (void)state;
    static const struct {
        const char *authority, *origin, *site;
        bool ok;
    } cases[] = {
        {"localhost:7477", NULL, NULL, true}, /* a script */
        {"localhost:7477", "http://localhost:7477", NULL, true},
        {"localhost:7477", "http://localhost:7477", "same-origin", true},
        {"LOCALHOST:7477", "http://localhost:7477", "same-origin", true},
        {"localhost:7477", "https://localhost:7477", NULL, true},
        {"localhost", "http://localhost:80", NULL, true},
        {"localhost:80", "http://localhost", NULL, true},
        {"monitor.example", "https://monitor.example", "same-origin", true},
        {"localhost:443", "https://localhost", NULL, true},
        {"localhost:443", "http://localhost", NULL, false},
        {"localhost:7477", "http://localhost:8080", "same-site", false},
        {"localhost:7477", "http://localhost:8080", NULL, false},
        {"localhost:7477", "http://localhost", NULL, false},
        {"localhost:7477", "http://evil.example", "cross-site", false},
        {"localhost:7477", "http://evil.example:7477", NULL, false},
        {"localhost:7477", "null", NULL, false},
        {"localhost:7477", "", NULL, false},
        {"localhost:7477", "file://", NULL, false},
        {"localhost:7477", "http://localhost:7477.evil.example", NULL, false},
        {"localhost:7477", NULL, "cross-site", false},
        {"localhost:7477", NULL, "same-site", false},
        {"localhost:7477", NULL, "none", false},
        {"localhost:7477", NULL, "same-origin", true},
        {"localhost:7477", "http://localhost:7477", "cross-site", false},
        {"localhost:7477", "https://portal.example", "cross-site", true}, /* allowed */
        {"localhost:7477", "https://portal.example.evil", NULL, false},
    };
    struct access_config c = config();
    struct access *access = access_new(&c);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_field fields[2];
        struct http_head head = {.authority = cases[i].authority, .headers = fields};
        if (cases[i].origin)
            fields[head.header_count++] = (struct http_field){"origin", cases[i].origin};
        if (cases[i].site)
            fields[head.header_count++] = (struct http_field){"sec-fetch-site", cases[i].site};
        if (access_origin_ok(access, &head) != cases[i].ok)
            fail_msg("Origin: %s, Sec-Fetch-Site: %s", cases[i].origin, cases[i].site);
    }
    access_free(access);
}

static void test_content_type(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        bool ok;
    } cases[] = {
        {"application/json", true},
        {"Application/JSON; charset=utf-8", true},
        {"application/json ;x", true},
        {"application/jsonp", false},
        {"application/x-www-form-urlencoded", false},
        {"text/plain", false},
        {"", false},
        {NULL, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_field field = {"content-type", cases[i].type};
        struct http_head head = {
            .headers = &field, .header_count = cases[i].type != NULL, .has_body = true};
        assert_int_equal(access_content_type_ok(&head), cases[i].ok);
        head.has_body = false;
        assert_true(access_content_type_ok(&head));
    }
}

/* ---- roles ---- */

struct kernel {
    int error;
    uid_t uid;
    unsigned asked;
};

static int peer_uid(void *user, const struct net_address *remote, const struct net_address *local,
                    uid_t *ret)
{
    struct kernel *k = user;
    assert_int_equal(remote->port, 40000);
    assert_int_equal(local->port, 7477);
    k->asked++;
    if (k->error == 0)
        *ret = k->uid;
    return k->error;
}

static enum access_role role(struct access_config *c, struct kernel *k, const char *remote_ip,
                             const char *header, enum access_role needed)
{
    struct net_address remote = address(remote_ip), local = remote;
    struct http_field field = {header, "x"};
    struct http_head head = {.headers = &field, .header_count = header != NULL};
    remote.port = 40000;
    local.port = 7477;
    c->peer_uid = peer_uid;
    c->peer_user = k;
    struct access *access = access_new(c);
    enum access_role result = access_role(access, &head, &remote, &local, needed);
    access_free(access);
    return result;
}

static void test_roles(void **state)
{
    (void)state;
    struct access_config c = config();
    struct kernel root = {.uid = 0}, own = {.uid = 1000}, other = {.uid = 1001};
    struct kernel gone = {.error = -ENOENT};
    assert_int_equal(role(&c, &root, "127.0.0.1", NULL, ACCESS_ADMIN), ACCESS_ADMIN);
    assert_int_equal(role(&c, &own, "::1", NULL, ACCESS_ADMIN), ACCESS_ADMIN);
    assert_int_equal(role(&c, &other, "127.0.0.1", NULL, ACCESS_ADMIN), ACCESS_VIEWER);
    assert_int_equal(role(&c, &gone, "127.0.0.1", NULL, ACCESS_ADMIN), ACCESS_VIEWER);
    assert_int_equal(role(&c, &root, "192.0.2.5", NULL, ACCESS_ADMIN), ACCESS_ANYONE);
    assert_int_equal(root.asked, 1); /* the kernel is not asked about other hosts */
    assert_int_equal(role(&c, &root, "127.0.0.1", NULL, ACCESS_VIEWER), ACCESS_VIEWER);
    assert_int_equal(root.asked, 1); /* nor for what a viewer may */
    assert_int_equal(role(&c, &root, "192.0.2.5", NULL, ACCESS_VIEWER), ACCESS_ANYONE);
}

static void test_a_proxy_ends_the_exemption(void **state)
{
    (void)state;
    static const char *const signs[] = {"forwarded", "via", "x-forwarded-for", "x-forwarded-proto",
                                        "x-forwarded-anything"};
    struct kernel root = {.uid = 0};
    struct access_config c = config();
    for (size_t i = 0; i < ARRAY_LEN(signs); i++)
        assert_int_equal(role(&c, &root, "127.0.0.1", signs[i], ACCESS_ADMIN), ACCESS_ANYONE);
    assert_int_equal(role(&c, &root, "127.0.0.1", "x-other", ACCESS_ADMIN), ACCESS_ADMIN);

    struct access_config proxied = config();
    proxied.behind_proxy = true;
    assert_int_equal(role(&proxied, &root, "127.0.0.1", NULL, ACCESS_ADMIN), ACCESS_ANYONE);
    struct access_config named = config();
    named.allowed_hosts = allowed_hosts;
    named.allowed_host_count = 1;
    assert_int_equal(role(&named, &root, "127.0.0.1", NULL, ACCESS_VIEWER), ACCESS_ANYONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host),
        cmocka_unit_test(test_origin),
        cmocka_unit_test(test_content_type),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_a_proxy_ends_the_exemption),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
