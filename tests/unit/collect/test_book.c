/* The book of sockets: what is told of by its cookie alone, and that no key of many is the same
 * one: with so many as here that would take longer than this program may run. */
#include "census_stand.h"

#include "collect/census/book.h"

/* Cookies first, addresses when they are shown: found by either. */
static void test_addresses_later(void **state)
{
    (void)state;
    struct book *b = book_new(100, 1);
    for (uint64_t cookie = 1; cookie <= 50; cookie++) {
        const struct socket_seen alone = {.cookie = cookie};
        struct entry *e = book_add(b, &alone);
        assert_non_null(e);
        e->id = cookie;
    }
    for (uint64_t cookie = 1; cookie <= 50; cookie += 2) {
        struct socket_seen seen = tcp(cookie, (uint16_t)cookie, "192.0.2.9", 443, 0);
        struct entry *e = book_find(b, &seen);
        assert_int_equal(e->id, cookie);
        e->flags |= ENTRY_SHOWN;
        book_update(b, e, &seen);
        seen.cookie = 0;
        assert_ptr_equal(book_find(b, &seen), e);
    }
    for (uint64_t cookie = 1; cookie <= 50; cookie++)
        book_remove(b, book_find_cookie(b, 0, cookie));
    assert_int_equal(book_count(b), 0);
    book_free(b);
}

/* Sockets whose owners are told and that nobody shows: coming, found, going. */
static void test_cookies_alone(void **state)
{
    (void)state;
    enum { COUNT = 200000 };
    struct book *b = book_new(COUNT, 1);
    for (uint32_t i = 0; i < COUNT; i++) {
        const struct socket_seen alone = {.cookie = 1 + i};
        struct entry *e = book_add(b, &alone);
        assert_non_null(e);
        e->id = 1 + i;
    }
    for (uint32_t i = 0; i < COUNT; i++)
        book_remove(b, book_find_cookie(b, 0, 1 + i));
    assert_int_equal(book_count(b), 0);
    book_free(b);
}

/* A round in which the direction of one connection is not known yet, beside so many sockets that
 * can all be called on one port. */
static void test_one_port(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    struct fixture f = fixture_new();
    f.settings.sockets_max = COUNT + 1;
    begin(&f);
    struct socket_seen called = tcp(1, 53, "192.0.2.9", 443, 0);
    called.protocol = IPPROTO_UDP;
    for (uint32_t i = 0; i < COUNT; i++) {
        struct socket_seen seen = tcp(100 + i, 53, "0.0.0.0", 0, 100 + i);
        seen.protocol = IPPROTO_UDP;
        seen.state = SOCKET_CLOSE;
        census_socket(f.census, &seen);
    }
    census_socket(f.census, &called);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    const struct table *t = f.result->tables[TABLE_CONNECTIONS];
    TEXT(table_cell(t, row_of(t, CONN_REMOTE, "192.0.2.9:443"), CONN_DIRECTION), "in");
    fixture_free(&f);
}

/* As many connections whose direction is not known as addresses that listen on one port. */
static void test_many_addresses(void **state)
{
    (void)state;
    enum { COUNT = 50000 };
    struct fixture f = fixture_new();
    f.settings.sockets_max = 2 * COUNT;
    begin(&f);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct socket_seen listener = tcp(1 + i, 80, "0.0.0.0", 0, 0), called;
        listener.state = SOCKET_LISTEN;
        listener.local = ipv4("198.51.0.0", 80);
        listener.local.address[2] = (uint8_t)(i >> 8);
        listener.local.address[3] = (uint8_t)i;
        census_socket(f.census, &listener);
        called = listener;
        called.cookie += COUNT;
        called.state = SOCKET_ESTABLISHED;
        called.remote = ipv4("192.0.2.9", 443);
        census_socket(f.census, &called);
    }
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    const struct table *t = f.result->tables[TABLE_CONNECTIONS];
    for (size_t i = 0; i < t->rows_count; i++) {
        if (table_cell(t, i, CONN_REMOTE)->type == CELL_TEXT)
            TEXT(table_cell(t, i, CONN_DIRECTION), "in");
    }
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_later),
        cmocka_unit_test(test_cookies_alone),
        cmocka_unit_test(test_one_port),
        cmocka_unit_test(test_many_addresses),
    };
    return cmocka_run_group_tests_name("book", tests, NULL, NULL);
}
