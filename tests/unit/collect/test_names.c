/* Names that others chose, and names of users. */
#include "proc_tree.h"

#include "collect/census/endpoint.h"
#include "collect/census/identity.h"
#include "collect/census/names.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/text.h"

static void check_tame(const char *text, size_t size, const char *expected)
{
    char out[64];
    name_tame(out, size, text, strlen(text));
    assert_string_equal(out, expected);
}

static void test_tame(void **state)
{
    (void)state;
    check_tame("nginx", 64, "nginx");
    check_tame("a/b \"c\" 'd' \\e", 64, "a/b \"c\" 'd' \\e");
    check_tame("a\nb\tc\x7f\x1b[0m", 64, "a?b?c??[0m");
    check_tame("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7", 64,
               "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7");
    check_tame("\xc2\x9b", 64, "?"); /* CSI */
    check_tame("\xff\xc3", 64, "??");
    check_tame("\xe2\x82", 64, "??");
    check_tame("caf\xc3\xa9", 5, "caf"); /* a character is not cut in two */
    check_tame("caf\xc3\xa9", 6, "caf\xc3\xa9");
    check_tame("x", 1, "");
    /* Any bytes: valid, not longer, no control characters. */
    srandom(3);
    for (int i = 0; i < 20000; i++) {
        char text[24], out[16];
        size_t len = (size_t)random() % sizeof(text);
        for (size_t j = 0; j < len; j++)
            text[j] = (char)(random() % 4 ? 0x80 | random() : random());
        name_tame(out, sizeof(out), text, len);
        size_t got = strnlen(out, sizeof(out));
        assert_true(got < sizeof(out));
        assert_int_equal(text_utf8_valid(out, got), got);
        for (size_t j = 0; j < got; j++)
            assert_true((unsigned char)out[j] >= 0x20 && out[j] != 0x7f);
    }
}

static void test_users(void **state)
{
    (void)state;
    struct proc_tree t = tree_new();
    tree_write(&t, "passwd",
               "# a comment\nroot:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:\n+::::::\n\n:x:7:7::/:\n"
               "big:x:4294967295:1::/:\nno:x:12a:1::/:\nal\xffice:x:1000:1000:A,B:/:\nend:x:3:3");
    char *path = mem_printf("%s/passwd", t.root);
    struct users *u = users_new(path);
    assert_string_equal(users_name(u, 0), "root");
    assert_string_equal(users_name(u, 1000), "al?ice");
    assert_string_equal(users_name(u, 7), "7");
    assert_string_equal(users_name(u, 12), "12");
    assert_string_equal(users_name(u, UINT32_MAX), "4294967295");
    tree_write(&t, "passwd", "bob:x:7:7::/:\n");
    users_refresh(u);
    assert_string_equal(users_name(u, 7), "bob");
    assert_string_equal(users_name(u, 1000), "1000");
    assert_int_equal(unlink(path), 0);
    users_refresh(u); /* what was known stays */
    assert_string_equal(users_name(u, 7), "bob");
    users_free(u);
    u = users_new("/nonexistent");
    assert_string_equal(users_name(u, 0), "0");
    users_free(u);
    free(path);
    tree_free(&t);
}

static void test_identity(void **state)
{
    (void)state;
    static const char *const commands[] = {"sh", "a b", ") S 1 (",    "(",
                                           ")",  "\n",  "a\nR 1 2 3", ""};
    struct proc_tree t = tree_new();
    int proc = open(t.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(proc >= 0);
    struct identity id;
    char unit[UNIT_BYTES];
    uint32_t uid = 0;
    for (unsigned i = 0; i < ARRAY_LEN(commands); i++) {
        tree_process(&t, 100 + i, 5000 + i, commands[i], 1000 + i, "/system.slice/s.service");
        assert_int_equal(identity_read(proc, 100 + i, &id), 0);
        assert_int_equal(id.start_ticks, 5000 + i);
        char expected[COMMAND_BYTES];
        name_tame(expected, sizeof(expected), commands[i], strlen(commands[i]));
        assert_string_equal(id.command, expected);
        assert_int_equal(identity_uid(proc, 100 + i, &uid), 0);
        assert_int_equal(uid, 1000 + i);
        assert_int_equal(identity_unit(proc, 100 + i, unit), 0);
        assert_string_equal(unit, "s.service");
    }
    assert_int_equal(identity_read(proc, 99, &id), -ENOENT);
    assert_int_equal(identity_uid(proc, 99, &uid), -ENOENT);
    static const char *const broken[] = {
        "",      "1",           "1 (x",
        "1 (x)", "1 (x) S 1\n", "1 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 y\n"};
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        tree_write(&t, "7/stat", broken[i]);
        tree_write(&t, "7/status", "Name:\nUid:\tx\n");
        assert_int_equal(identity_read(proc, 7, &id), -EINVAL);
        assert_int_equal(identity_uid(proc, 7, &uid), -EINVAL);
    }
    close(proc);
    tree_free(&t);
}

/* Addresses as inet_ntop writes them, but for what RFC 5952 has otherwise. */
static void test_endpoints(void **state)
{
    (void)state;
    char out[ENDPOINT_BYTES], expected[ENDPOINT_BYTES + 8], text[INET6_ADDRSTRLEN];
    srandom(9);
    for (int i = 0; i < 50000; i++) {
        uint8_t address[16] = {0};
        uint8_t family = random() % 4 ? AF_INET6 : AF_INET;
        for (size_t j = 0; j < 16; j += 2) {
            long kind = random() % 3; /* many zeros */
            address[j] = kind == 2 ? (uint8_t)random() : 0;
            address[j + 1] = kind ? (uint8_t)random() : 0;
        }
        if (family == AF_INET6 && random() % 8 == 0)
            memcpy(address, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
        /* ::1.2.3.4 is deprecated, and written as numbers. */
        bool compatible = true;
        for (size_t j = 0; j < 12; j++)
            compatible &= address[j] == 0;
        if (family == AF_INET6 && compatible)
            address[0] = 0x20;
        uint16_t port = (uint16_t)random();
        assert_non_null(inet_ntop(family, address, text, sizeof(text)));
        snprintf(expected, sizeof(expected), family == AF_INET6 ? "[%s]:%u" : "%s:%u", text, port);
        assert_int_equal(endpoint_write(out, family, address, port), strlen(expected));
        assert_string_equal(out, expected);
    }
    static const uint8_t any[16], one[16] = {[15] = 1}, compatible[16] = {[12] = 1, [15] = 4};
    endpoint_write(out, AF_INET6, any, 0);
    assert_string_equal(out, "[::]:0");
    endpoint_write(out, AF_INET6, one, 65535);
    assert_string_equal(out, "[::1]:65535");
    endpoint_write(out, AF_INET6, compatible, 1);
    assert_string_equal(out, "[::100:4]:1");
    assert_string_equal(protocol_name(IPPROTO_UDP), "udp");
    assert_string_equal(protocol_name(99), "ip");
    assert_null(socket_direction_name(DIRECTION_UNKNOWN));
    assert_string_equal(socket_state_name(SOCKET_TIME_WAIT), "time_wait");
    assert_string_equal(socket_state_name(0), "unknown");
    assert_string_equal(socket_state_name(200), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tame),
        cmocka_unit_test(test_users),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_endpoints),
    };
    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
