/*
 * test_view.c: filters, order and pages of a table.
 */
#include "../hub/maker.h"

#include <errno.h>

#include "api/view.h"

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

/* The ids of the view as digits: "213" for the rows 2, 1 and 3 in this order. */
static void assert_view(const struct table *t, const char *filter, const char *sort, size_t limit,
                        size_t offset, size_t total, const char *ids)
{
    struct view view;
    char why[128] = "", got[32];
    const char *field;
    if (view_make(t, filter, sort, limit, offset, &view, &field, why, sizeof(why)) < 0)
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
            view_make(t, cases[i].filter, cases[i].sort, 100, 0, &view, &field, why, sizeof(why)),
            -EINVAL);
        assert_string_equal(field, cases[i].field);
        assert_non_null(strstr(why, cases[i].why));
    }
    /* A word of any length is cut in the message, not in the program. */
    char *word = malloc(100001), why[16];
    const char *field;
    struct view view;
    memset(word, 'x', 100000);
    word[99999] = '<';
    word[100000] = '\0';
    assert_int_equal(view_make(t, word, NULL, 1, 0, &view, &field, why, sizeof(why)), -EINVAL);
    assert_int_equal(strlen(why), sizeof(why) - 1);
    free(word);
    table_unref(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_sort),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests_name("api/view", tests, NULL, NULL);
}
