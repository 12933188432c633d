/* /proc/net/dev: names that pass from one interface to another, at every bad moment. */
#include "stand.h"

#include "collect/procfs/parts.h"

#define HEAD                                                                                       \
    "Inter-|   Receive                                                |  Transmit\n"               \
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs "     \
    "drop fifo colls carrier compressed\n"

/* The kernel's table of names, which the tests change between and after readings. */
struct names {
    struct {
        const char *name;
        int index;
    } items[8];
    size_t count;
    const char *swap_after; /* after this name was asked for, swap the first two */
};

static int names_index(void *user, const char *name)
{
    struct names *n = user;
    int index = -ENODEV;
    for (size_t i = 0; i < n->count; i++) {
        if (strcmp(n->items[i].name, name) == 0)
            index = n->items[i].index;
    }
    if (n->swap_after && strcmp(n->swap_after, name) == 0) {
        int swap = n->items[0].index;
        n->items[0].index = n->items[1].index;
        n->items[1].index = swap;
        n->swap_after = NULL;
    }
    return index;
}

struct fixture {
    struct stand stand;
    struct names names;
    struct engine_settings settings;
    struct devices *part;
    size_t bad;
};

static void fixture_start(struct fixture *f)
{
    *f = (struct fixture){.stand = stand_new(1000),
                          .names = {.items = {{"eth0", 2}, {"eth1", 3}}, .count = 2}};
    f->part = devices_new(&f->stand.sampler, &f->settings, names_index, &f->names);
}

static void fixture_end(struct fixture *f)
{
    devices_free(f->part);
    stand_free(&f->stand);
}

static bool read_text(struct fixture *f, const char *text, bool second)
{
    char *copy;
    struct scan scan = stand_text(&copy, text, strlen(text));
    bool again = devices_read(f->part, scan, second, &f->bad);
    free(copy);
    return again;
}

static char *dev_text(const char *one, uint64_t bytes_one, const char *two, uint64_t bytes_two)
{
    return mem_printf(HEAD "  %s: %lu 1 2 3 4 5 6 7 %lu 9 10 11 12 13 14 15\n"
                           "  %s: %lu 1 2 3 4 5 6 7 %lu 9 10 11 12 13 14 15\n",
                      one, bytes_one, bytes_one + 1, two, bytes_two, bytes_two + 1);
}

/* A tick as the engine does it: a second reading when the first was doubtful. */
static int tick(struct fixture *f, const char *one, uint64_t bytes_one, const char *two,
                uint64_t bytes_two)
{
    char *text = dev_text(one, bytes_one, two, bytes_two);
    stand_begin(&f->stand);
    int readings = 1;
    if (read_text(f, text, false)) {
        readings++;
        assert_false(read_text(f, text, true));
    }
    devices_sample(f->part, &f->stand.sink, NULL);
    stand_end(&f->stand);
    free(text);
    return readings;
}

#define RX(device) "node_network_receive_bytes_total{device=\"" device "\"}"

static void test_columns(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    assert_int_equal(tick(&f, "eth0", 1000, "eth1", 50), 1);
    static const char *const names[] = {
        "node_network_receive_bytes_total{device=\"eth0\"}",
        "node_network_receive_packets_total{device=\"eth0\"}",
        "node_network_receive_errs_total{device=\"eth0\"}",
        "node_network_receive_drop_total{device=\"eth0\"}",
        "node_network_receive_fifo_total{device=\"eth0\"}",
        "node_network_receive_frame_total{device=\"eth0\"}",
        "node_network_receive_compressed_total{device=\"eth0\"}",
        "node_network_receive_multicast_total{device=\"eth0\"}",
        "node_network_transmit_bytes_total{device=\"eth0\"}",
        "node_network_transmit_packets_total{device=\"eth0\"}",
        "node_network_transmit_errs_total{device=\"eth0\"}",
        "node_network_transmit_drop_total{device=\"eth0\"}",
        "node_network_transmit_fifo_total{device=\"eth0\"}",
        "node_network_transmit_colls_total{device=\"eth0\"}",
        "node_network_transmit_carrier_total{device=\"eth0\"}",
        "node_network_transmit_compressed_total{device=\"eth0\"}",
    };
    static const uint64_t values[] = {1000, 1, 2, 3, 4, 5, 6, 7, 1001, 9, 10, 11, 12, 13, 14, 15};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_counter(&f.stand, names[i], SAMPLE_GAP, values[i], 0);
    assert_gauge(&f.stand, "node_network_iface_id{device=\"eth0\"}", 2);
    fixture_end(&f);
}

static void test_rates_and_rows(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    tick(&f, "eth0", 1000, "eth1", 50);
    const struct table *t = f.stand.tick->tables[TABLE_INTERFACES];
    assert_int_equal(t->rows_count, 2);
    assert_int_equal(table_cell(t, 0, IF_RX_RATE)->type, CELL_NULL);
    tick(&f, "eth0", 3500, "eth1", 50);
    assert_counter(&f.stand, RX("eth0"), SAMPLE_OK, 3500, 2500);
    t = f.stand.tick->tables[TABLE_INTERFACES];
    assert_int_equal(table_cell(t, 0, IF_ID)->uint, 2);
    assert_string_equal(table_cell(t, 0, IF_DEVICE)->text, "eth0");
    assert_true(table_cell(t, 0, IF_RX_RATE)->real == 2500);
    assert_true(table_cell(t, 1, IF_RX_RATE)->real == 0);
    assert_int_equal(table_cell(t, 0, IF_ERRORS)->uint, 2 + 10);
    assert_int_equal(table_cell(t, 0, IF_DROPS)->uint, 3 + 11);
    fixture_end(&f);
}

static void test_two_names_swap_between_ticks(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    tick(&f, "eth0", 1000000, "eth1", 50);
    tick(&f, "eth0", 1000010, "eth1", 60);
    f.names.items[0].index = 3;
    f.names.items[1].index = 2;
    /* The readings after the swap show the other one's numbers under each name. */
    assert_int_equal(tick(&f, "eth0", 70, "eth1", 1000020), 2);
    assert_counter(&f.stand, RX("eth0"), SAMPLE_GAP, 70, 0);
    assert_counter(&f.stand, RX("eth1"), SAMPLE_GAP, 1000020, 0);
    /* The table follows the interface, not the name: its rate goes on. */
    const struct table *t = f.stand.tick->tables[TABLE_INTERFACES];
    assert_int_equal(table_cell(t, 1, IF_ID)->uint, 2);
    assert_true(table_cell(t, 1, IF_RX_RATE)->real == 10);
    assert_int_equal(tick(&f, "eth0", 75, "eth1", 1000030), 1);
    assert_counter(&f.stand, RX("eth0"), SAMPLE_OK, 75, 5);
    assert_counter(&f.stand, RX("eth1"), SAMPLE_OK, 1000030, 10);
    fixture_end(&f);
}

/* The names swap after the file was read and before the indices are asked for. */
static void test_swap_behind_the_reading(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    tick(&f, "eth0", 1000000, "eth1", 50);
    tick(&f, "eth0", 1000010, "eth1", 60);
    stand_begin(&f.stand);
    f.names.items[0].index = 3;
    f.names.items[1].index = 2;
    char *before = dev_text("eth0", 1000020, "eth1", 70); /* as it was before the swap */
    assert_true(read_text(&f, before, false));
    char *after = dev_text("eth0", 71, "eth1", 1000021);
    assert_false(read_text(&f, after, true));
    devices_sample(f.part, &f.stand.sink, NULL);
    stand_end(&f.stand);
    assert_counter(&f.stand, RX("eth0"), SAMPLE_GAP, 71, 0);
    assert_counter(&f.stand, RX("eth1"), SAMPLE_GAP, 1000021, 0);
    free(before);
    free(after);
    fixture_end(&f);
}

/* They swap again during the second reading: nothing is certain, nothing is shown. */
static void test_swap_in_both_readings(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    tick(&f, "eth0", 1000000, "eth1", 50);
    tick(&f, "eth0", 1000010, "eth1", 60);
    f.names.items[0].index = 3;
    f.names.items[1].index = 2;
    f.names.swap_after = "eth1";
    assert_int_equal(tick(&f, "eth0", 70, "eth1", 1000020), 2);
    assert_false(stand_has(&f.stand, RX("eth0")));
    assert_false(stand_has(&f.stand, RX("eth1")));
    assert_int_equal(tick(&f, "eth0", 1000030, "eth1", 80), 1);
    assert_int_equal(f.stand.tick->state[stand_slot(&f.stand, RX("eth0"))], SAMPLE_GAP);
    assert_true(f.stand.tick->value[stand_slot(&f.stand, RX("eth0"))].increment < 100);
    fixture_end(&f);
}

static void test_rename_onto_a_remembered_name(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    tick(&f, "eth0", 1000000, "eth1", 50);
    tick(&f, "eth0", 1000010, "eth1", 60);
    /* eth0 goes, eth1 takes its name. */
    f.names.items[0].index = 3;
    f.names.count = 1;
    char *text = mem_printf(HEAD "  eth0: 70 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n");
    stand_begin(&f.stand);
    assert_true(read_text(&f, text, false));
    assert_false(read_text(&f, text, true));
    devices_sample(f.part, &f.stand.sink, NULL);
    stand_end(&f.stand);
    assert_counter(&f.stand, RX("eth0"), SAMPLE_GAP, 70, 0);
    assert_false(stand_has(&f.stand, RX("eth1")));
    assert_int_equal(f.stand.tick->tables[TABLE_INTERFACES]->rows_count, 1);
    free(text);
    fixture_end(&f);
}

static void test_broken_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bad, rows;
    } cases[] = {
        {"", 0, 0},
        {HEAD, 0, 0},
        {HEAD "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", 0, 1},
        {HEAD "eth0:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", 0, 1},
        {HEAD "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n", 0, 1},
        {HEAD "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n", 1, 0},
        {HEAD "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", 1, 0},
        {HEAD "eth0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", 1, 0},
        {HEAD ": 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", 1, 0},
        {HEAD "a-name-that-is-too-long: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", 1, 0},
        {HEAD "eth0: -1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", 1, 0},
        {HEAD "gone: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", 0, 0},
        {HEAD "\n\n", 2, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        fixture_start(&f);
        stand_begin(&f.stand);
        read_text(&f, cases[i].text, false);
        devices_sample(f.part, &f.stand.sink, NULL);
        stand_end(&f.stand);
        if (f.bad != cases[i].bad ||
            f.stand.tick->tables[TABLE_INTERFACES]->rows_count != cases[i].rows)
            fail_msg("case %zu: %zu bad", i, f.bad);
        fixture_end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_rates_and_rows),
        cmocka_unit_test(test_two_names_swap_between_ticks),
        cmocka_unit_test(test_swap_behind_the_reading),
        cmocka_unit_test(test_swap_in_both_readings),
        cmocka_unit_test(test_rename_onto_a_remembered_name),
        cmocka_unit_test(test_broken_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
