/*
 * test_view.c: filters, order and pages of a table.
 */
#include "stand.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/view.h"

/* Five interfaces; the rows are known by their ids. */
static struct table *sample(void)
{
    static const struct {
        const char *device, *state, *addresses;
        uint64_t rx_bytes;
        double rx_rate; /* negative: null */
        uint64_t speed; /* 0: null */
    } rows[] = {
        {"lo", "up", "127.0.0.1/8\n::1/128", 900, 10, 0},
        {"eth0", "up", "192.0.2.7/24\nfe80::1/64", 5000, 250.5, 1000000000},
        {"eth1", "down", "", 0, -1, 100000000},
        {"wlan0", "up", "192.0.2.8/24", 5000, 250.5, 0},
        {"docker0", "down", "172.17.0.1/16", 70, 0, UINT64_C(10000000000)},
    };
    struct table *t = table_new(TABLE_INTERFACES, ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cell *row = table_row(t, i + 1);
        cell_text(t, &row[IF_DEVICE], rows[i].device);
        cell_text(t, &row[IF_STATE], rows[i].state);
        cell_list(t, &row[IF_ADDRESSES], rows[i].addresses);
        cell_uint(&row[IF_RX_BYTES], rows[i].rx_bytes);
        if (rows[i].rx_rate >= 0)
            cell_real(&row[IF_RX_RATE], rows[i].rx_rate);
        if (rows[i].speed)
            cell_uint(&row[IF_SPEED_BPS], rows[i].speed);
    }
    return t;
}

static int see(const struct table *t, const char *filter, const char *sort, size_t limit,
               size_t offset, struct view *ret, const char **ret_field, char *why, size_t size)
{
    struct view_spec *spec = NULL;
    int err = view_spec_new(t->schema, filter, sort, &spec, ret_field, why, size);
    if (!err)
        view_make(t, spec, limit, offset, ret);
    view_spec_free(spec);
    return err;
}

/* The ids of the view as digits: "213" for the rows 2, 1 and 3 in this order. */
static void assert_view(const struct table *t, const char *filter, const char *sort, size_t limit,
                        size_t offset, size_t total, const char *ids)
{
    struct view view = {0};
    char why[128] = "", got[32];
    const char *field = "";
    if (see(t, filter, sort, limit, offset, &view, &field, why, sizeof(why)) < 0)
        fail_msg("%s: %s: %s", filter, field, why);
    assert_int_equal(view.total, total);
    assert_true(view.count < sizeof(got));
    for (size_t i = 0; i < view.count; i++)
        got[i] = (char)('0' + table_cell(t, view.rows[i], IF_ID)->uint);
    got[view.count] = '\0';
    if (strcmp(got, ids) != 0)
        fail_msg("filter \"%s\" sort \"%s\": %s instead of %s", filter ? filter : "",
                 sort ? sort : "", got, ids);
    view_fini(&view);
}

static void test_filters(void **state)
{
    static const struct {
        const char *filter, *ids;
    } cases[] = {
        {NULL, "12345"},
        {"", "12345"},
        {"  \t ", "12345"},
        {"eth", "23"},
        {"ETH", "23"},
        {"up", "124"},
        {"up eth", "2"},
        {"-up", "35"},
        {"-up -eth", "5"},
        {"192.0.2", "24"},
        {"fe80::1", "2"}, /* "fe80" is no column */
        {"::1", "12"},
        {":", "12"},
        {"device:eth", "23"},
        {"-device:eth", "145"},
        {"device:up", ""},
        {"state:up", "124"},
        {"addresses:172.17", "5"},
        {"rx_bytes:50", "24"},
        {"rx_bytes:5000", "24"},
        {"rx_bytes>70", "124"},
        {"rx_bytes<70", "3"},
        {"-rx_bytes>70", "35"},
        {"rx_rate>10", "24"},
        {"rx_rate<11", "15"}, /* null is neither less nor more */
        {"-rx_rate<1e9", "3"},
        {"speed_bps>5e8", "25"},
        {"rx_rate>-1", "1245"},
        {"250.5", "24"},
        {"device>5", ""}, /* a text is no number */
        {"-", ""},
        {"device:", "12345"},
        {"speed_bps:", "235"}, /* whatever has one */
        {"state:up rx_bytes>100 -lo", "24"},
        {"id:3", "3"},
        {"zzz", ""},
        {"<5", ""},
        {"*", ""}, /* words are no patterns */
        {"%s%n", ""},
        {"\xff\xfe", ""},
        {"'; drop table", ""},
    };
    struct table *t = sample();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_view(t, cases[i].filter, "id", 100, 0, strlen(cases[i].ids), cases[i].ids);
    table_unref(t);
}

static void test_sort(void **state)
{
    static const struct {
        const char *sort, *ids;
    } cases[] = {
        {NULL, "24153"}, /* rates, then totals, largest first; equal rows keep their order */
        {"", "24153"},         {"id", "12345"},       {"-id", "54321"},       {"device", "52314"},
        {"-device", "41325"},  {"rx_rate", "35124"}, /* null first */
        {"-rx_rate", "24153"}, {"rx_bytes", "35124"}, {"speed_bps", "14325"}, {"-state", "12435"},
    };
    struct table *t = sample();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_view(t, NULL, cases[i].sort, 100, 0, 5, cases[i].ids);
    table_unref(t);
}

static void test_pages(void **state)
{
    struct table *t = sample(), *empty = table_new(TABLE_INTERFACES, 0);
    (void)state;
    assert_view(t, NULL, "id", 2, 0, 5, "12");
    assert_view(t, NULL, "id", 2, 2, 5, "34");
    assert_view(t, NULL, "id", 2, 4, 5, "5");
    assert_view(t, NULL, "id", 2, 5, 5, "");
    assert_view(t, NULL, "id", 2, SIZE_MAX, 5, "");
    assert_view(t, NULL, "id", SIZE_MAX, 1, 5, "2345");
    assert_view(t, NULL, "id", 0, 0, 5, "");
    assert_view(t, "up", "-id", 1, 1, 3, "2");
    assert_view(empty, "up", NULL, 100, 0, 0, "");
    table_unref(t);
    table_unref(empty);
}

static void test_errors(void **state)
{
    static const struct {
        const char *filter, *sort, *field, *why;
    } cases[] = {
        {"speed>5", NULL, "filter", "speed"},
        {"rx_bytes>", NULL, "filter", "number"},
        {"rx_bytes>many", NULL, "filter", "many"},
        {"rx_bytes>nan", NULL, "filter", "nan"},
        {"rx_bytes<1x", NULL, "filter", "1x"},
        {"-nothing<5", NULL, "filter", "nothing"},
        {"a b c d e f g h i j k l m n o p q", NULL, "filter", "16"},
        {NULL, "speed", "sort", "speed"},
        {NULL, "-", "sort", ""},
        {NULL, "--id", "sort", "-id"},
        {NULL, "id,device", "sort", "id,device"},
        {NULL, "%s%n%n", "sort", "%s%n%n"},
    };
    struct table *t = sample();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct view view;
        char why[128] = "";
        const char *field = NULL;
        assert_int_equal(
            see(t, cases[i].filter, cases[i].sort, 100, 0, &view, &field, why, sizeof(why)),
            -EINVAL);
        assert_string_equal(field, cases[i].field);
        assert_non_null(strstr(why, cases[i].why));
    }
    /* A word of any length is cut in the message, not in the program. */
    char *word = malloc(4001), why[16];
    const char *field;
    struct view view;
    memset(word, 'x', 4000);
    word[3999] = '<';
    word[4000] = '\0';
    assert_int_equal(see(t, word, NULL, 1, 0, &view, &field, why, sizeof(why)), -EINVAL);
    assert_int_equal(strlen(why), sizeof(why) - 1);
    free(word);

    /* A longer filter is not read at all. */
    word = malloc(VIEW_TEXT_MAX + 2);
    memset(word, 'x', VIEW_TEXT_MAX + 1);
    word[VIEW_TEXT_MAX + 1] = '\0';
    assert_int_equal(see(t, word, NULL, 1, 0, &view, &field, why, sizeof(why)), -EINVAL);
    word[VIEW_TEXT_MAX] = '\0';
    assert_int_equal(see(t, word, NULL, 1, 0, &view, &field, why, sizeof(why)), 0);
    assert_int_equal(view.total, 0);
    view_fini(&view);
    free(word);
    table_unref(t);
}

/* Numbers are found as they are shown: test_encode.c holds both against each other. */
static void test_numbers(void **state)
{
    static const struct {
        double value;
        const char *shown;
    } cases[] = {
        {0, "0"},
        {1, "1"},
        {250.5, "250.5"},
        {0.000001, "0.000001"},
        {0.00000012345678, "1.23457e-07"},
        {-0.0000001, "-1e-07"},
        {0.0000123456789, "0.0000123457"},
        {-0.0, "0"},
        {-12.25, "-12.25"},
        {0.1, "0.1"},
        {1e6, "1000000"},
        {123456.25, "123456"},
        {99999.46, "99999.5"},
        {1234.56789, "1234.57"},
        {1234567.1234564, "1234567"},
        {1234567.6234566, "1234568"},
        {0.9999999, "1"},
        {8999999999.5, "9000000000"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct table *t = table_new(TABLE_INTERFACES, 1);
        cell_real(&table_row(t, 1)[IF_RX_RATE], cases[i].value);
        char *word = mem_printf("rx_rate:%s", cases[i].shown);
        assert_view(t, word, NULL, 1, 0, 1, "1");
        char *longer = mem_printf("rx_rate:%s0", cases[i].shown);
        assert_view(t, longer, NULL, 1, 0, 0, "");
        free(word);
        free(longer);
        table_unref(t);
    }
    struct table *t = table_new(TABLE_INTERFACES, 2);
    cell_uint(&table_row(t, 1)[IF_RX_BYTES], UINT64_MAX);
    cell_real(&table_row(t, 2)[IF_RX_RATE], 1e300);
    assert_view(t, "18446744073709551615", "id", 9, 0, 1, "1");
    assert_view(t, "1e+300", "id", 9, 0, 1, "2");
    table_unref(t);
}

/* Pages of a heap against a whole sort, on rows with many ties. */
static void test_pages_of_many(void **state)
{
    enum { ROWS = 2000 };
    struct table *t = table_new(TABLE_INTERFACES, ROWS);
    uint64_t random = 1;
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        struct cell *row = table_row(t, i);
        cell_uint(&row[IF_RX_BYTES], random >> 60);
        if (random >> 40 & 1)
            cell_real(&row[IF_RX_RATE], (double)(random >> 50 & 7));
    }
    static const char *const orders[] = {"", "rx_bytes", "-rx_bytes", "-id", "rx_rate"};
    static const char *const filters[] = {"", "rx_bytes>7", "-rx_rate:3"};
    for (size_t o = 0; o < ARRAY_LEN(orders); o++) {
        for (size_t f = 0; f < ARRAY_LEN(filters); f++) {
            struct view all, page;
            const char *field;
            char why[64];
            assert_int_equal(
                see(t, filters[f], orders[o], SIZE_MAX, 0, &all, &field, why, sizeof(why)), 0);
            for (size_t i = 1; i < all.count; i++)
                assert_int_not_equal(all.rows[i], all.rows[i - 1]);
            for (size_t offset = 0; offset < ROWS; offset += 333) {
                for (size_t limit = 0; limit < 400; limit += 133) {
                    assert_int_equal(see(t, filters[f], orders[o], limit, offset, &page, &field,
                                         why, sizeof(why)),
                                     0);
                    size_t rest = all.count - MIN(offset, all.count);
                    assert_int_equal(page.total, all.total);
                    assert_int_equal(page.count, MIN(limit, rest));
                    if (page.count)
                        assert_memory_equal(page.rows, all.rows + offset,
                                            page.count * sizeof(*page.rows));
                    view_fini(&page);
                }
            }
            view_fini(&all);
        }
    }
    table_unref(t);
}

static char *key_of(const char *filter, const char *sort)
{
    struct view_spec *spec;
    struct buf key = BUF_INIT;
    const char *field;
    char why[64];
    assert_int_equal(view_spec_new(table_schema(TABLE_CONNECTIONS), filter, sort, &spec, &field,
                                   why, sizeof(why)),
                     0);
    view_spec_put_key(spec, &key);
    char *text = mem_string(buf_string(&key));
    buf_fini(&key);
    view_spec_free(spec);
    return text;
}

static void test_keys(void **state)
{
    static const struct {
        const char *filter, *sort, *other, *other_sort;
        bool same;
    } cases[] = {
        {"", "", NULL, NULL, true},
        {"a b", "", "b  a a", NULL, true},
        {"SSH", "", "ssh", NULL, true},
        {"a", "", "b", "", false},
        {"a", "", "-a", "", false},
        {"ab", "", "a b", "", false},
        {"process:a", "", "a", "", false},
        {"process:a", "", "unit:a", "", false},
        {"rx_rate>1", "", "rx_rate<1", "", false},
        {"rx_rate>1", "", "rx_rate:1", "", false},
        {"", "pid", "", "-pid", false},
        {"", "pid", "", "", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *a = key_of(cases[i].filter, cases[i].sort);
        char *b = key_of(cases[i].other, cases[i].other_sort);
        assert_int_equal(strcmp(a, b) == 0, cases[i].same);
        free(a);
        free(b);
    }
}

/* A table without rates and totals begins with what is newest. */
static void test_newest_first(void **state)
{
    struct table *t = table_new(TABLE_DNS, 3);
    (void)state;
    cell_uint(&table_row(t, 1)[DNS_T], 500);
    cell_uint(&table_row(t, 2)[DNS_T], 900);
    cell_uint(&table_row(t, 3)[DNS_T], 700);
    assert_view(t, NULL, NULL, 9, 0, 3, "231");
    table_unref(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters), cmocka_unit_test(test_sort),
        cmocka_unit_test(test_pages),   cmocka_unit_test(test_errors),
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_pages_of_many),
        cmocka_unit_test(test_keys),    cmocka_unit_test(test_newest_first),
    };
    return cmocka_run_group_tests_name("model/view", tests, NULL, NULL);
}
