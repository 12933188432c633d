/* Identity: an interface is its index, and an index that came back is another interface. */
#include "stand.h"

#include <malloc.h>

#include "collect/interfaces.h"

struct fixture {
    struct stand stand;
    const char *excluded[1];
    struct engine_settings settings;
    struct interfaces *list;
};

static void fixture_start(struct fixture *f, size_t limit)
{
    *f = (struct fixture){.stand = stand_new(limit), .excluded = {"docker*"}};
    f->settings.exclude_devices = f->excluded;
    f->settings.exclude_devices_count = 1;
    f->list = interfaces_new(&f->stand.sampler, &f->settings);
}

static void fixture_end(struct fixture *f)
{
    interfaces_free(f->list);
    stand_free(&f->stand);
}

static void sample(struct fixture *f, uint32_t index, const char *name, uint64_t rx)
{
    struct link_sample s = {.index = index, .name = name, .state = "up"};
    link_count(&s, LINK_RX_BYTES, rx);
    link_count(&s, LINK_TX_BYTES, 2 * rx);
    link_measure(&s, LINK_MTU, 1500);
    interfaces_sample(f->list, &f->stand.sink, &s);
}

static void begin(struct fixture *f)
{
    stand_begin(&f->stand);
    interfaces_begin(f->list, &f->stand.sink);
}

static void end(struct fixture *f)
{
    interfaces_end(f->list, &f->stand.sink, true);
    stand_end(&f->stand);
}

static void tick_one(struct fixture *f, uint32_t index, const char *name, uint64_t rx)
{
    begin(f);
    sample(f, index, name, rx);
    end(f);
}

#define RX(device) "node_network_receive_bytes_total{device=\"" device "\"}"

static const struct cell *cell(const struct fixture *f, size_t row, enum interfaces_column column)
{
    return table_cell(f->stand.tick->tables[TABLE_INTERFACES], row, column);
}

static void test_recreated_under_the_same_name(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 100);
    tick_one(&f, 5, "veth0", 100);
    tick_one(&f, 5, "veth0", 150);
    assert_counter(&f.stand, RX("veth0"), SAMPLE_OK, 150, 50);
    tick_one(&f, 9, "veth0", 4000000000); /* another one, moved in with large numbers */
    assert_counter(&f.stand, RX("veth0"), SAMPLE_GAP, 4000000000, 0);
    assert_int_equal(cell(&f, 0, IF_RX_RATE)->type, CELL_NULL);
    tick_one(&f, 9, "veth0", 4000000010);
    assert_counter(&f.stand, RX("veth0"), SAMPLE_OK, 4000000010, 10);
    assert_true(cell(&f, 0, IF_RX_RATE)->real == 10);
    fixture_end(&f);
}

/* It leaves the namespace, another one comes with the same name and the same index. */
static void test_recreated_under_the_same_index(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 100);
    tick_one(&f, 5, "veth0", 100);
    tick_one(&f, 5, "veth0", 150);
    begin(&f);
    end(&f);
    tick_one(&f, 5, "veth0", 4000000000);
    assert_counter(&f.stand, RX("veth0"), SAMPLE_GAP, 4000000000, 0);
    tick_one(&f, 5, "veth0", 4000000001);
    assert_counter(&f.stand, RX("veth0"), SAMPLE_OK, 4000000001, 1);

    /* The same within one tick, told by a notice. */
    interfaces_gone(f.list, 5);
    tick_one(&f, 5, "veth0", 9000000000);
    assert_counter(&f.stand, RX("veth0"), SAMPLE_GAP, 9000000000, 0);
    assert_int_equal(cell(&f, 0, IF_RX_RATE)->type, CELL_NULL);
    interfaces_gone(f.list, 77); /* unknown: nothing happens */
    fixture_end(&f);
}

static void test_rename(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 100);
    tick_one(&f, 5, "eth0", 100);
    tick_one(&f, 5, "lan", 160);
    assert_counter(&f.stand, RX("lan"), SAMPLE_GAP, 160, 0);
    assert_false(stand_has(&f.stand, RX("eth0")));
    assert_true(cell(&f, 0, IF_RX_RATE)->real == 60); /* still the same interface */
    assert_string_equal(cell(&f, 0, IF_DEVICE)->text, "lan");
    tick_one(&f, 5, "lan", 1160);
    assert_counter(&f.stand, RX("lan"), SAMPLE_OK, 1160, 1000);
    /* Under its old name again: what it counted as "lan" belongs there and nowhere else. */
    tick_one(&f, 5, "eth0", 1170);
    assert_counter(&f.stand, RX("eth0"), SAMPLE_GAP, 1170, 0);
    tick_one(&f, 5, "eth0", 1175);
    assert_counter(&f.stand, RX("eth0"), SAMPLE_OK, 1175, 5);
    tick_one(&f, 5, "lan", 1180);
    assert_counter(&f.stand, RX("lan"), SAMPLE_GAP, 1180, 0);
    fixture_end(&f);
}

/* A reading that changes interrupted: who was missed is a gap and not gone, nobody else suffers. */
static void test_interrupted_reading(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 100);
    for (uint64_t i = 1; i < 3; i++) {
        begin(&f);
        sample(&f, 2, "eth0", 100 * i);
        sample(&f, 5, "veth0", 10 * i);
        end(&f);
    }
    begin(&f);
    sample(&f, 2, "eth0", 350);
    sample(&f, 2, "eth0", 355); /* seen twice: the first time counts */
    interfaces_end(f.list, &f.stand.sink, false);
    stand_end(&f.stand);
    assert_counter(&f.stand, RX("eth0"), SAMPLE_OK, 350, 150);
    assert_false(stand_has(&f.stand, RX("veth0")));
    assert_null(f.stand.tick->tables[TABLE_INTERFACES]); /* it would lack a row */
    begin(&f);
    sample(&f, 2, "eth0", 400);
    sample(&f, 5, "veth0", 44);
    end(&f);
    assert_counter(&f.stand, RX("eth0"), SAMPLE_OK, 400, 50);
    assert_counter(&f.stand, RX("veth0"), SAMPLE_GAP, 44, 24); /* the same one, of both ticks */
    assert_true(cell(&f, 1, IF_RX_RATE)->real == 12);
    /* One that is missing for good goes with the next whole reading. */
    begin(&f);
    interfaces_end(f.list, &f.stand.sink, false);
    stand_end(&f.stand);
    tick_one(&f, 2, "eth0", 500);
    tick_one(&f, 5, "veth0", 50);
    assert_counter(&f.stand, RX("veth0"), SAMPLE_GAP, 50, 0);
    fixture_end(&f);
}

static void test_exclusion_follows_the_name(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 100);
    tick_one(&f, 5, "docker0", 100);
    assert_int_equal(stand_sampled(&f.stand), 0);
    assert_int_equal(f.stand.tick->tables[TABLE_INTERFACES]->rows_count, 0);
    tick_one(&f, 5, "bridge0", 100);
    assert_int_equal(stand_sampled(&f.stand), 3);
    tick_one(&f, 5, "docker1", 100);
    assert_int_equal(stand_sampled(&f.stand), 0);
    fixture_end(&f);
}

static void test_physical(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 100);
    begin(&f);
    struct link_sample wire = {.index = 5, .name = "eth0", .kind = "physical"};
    struct link_sample pair = {.index = 6, .name = "veth0", .kind = "veth"};
    struct link_sample unknown = {.index = 7, .name = "odd0"};
    interfaces_sample(f.list, &f.stand.sink, &wire);
    interfaces_sample(f.list, &f.stand.sink, &pair);
    interfaces_sample(f.list, &f.stand.sink, &unknown);
    end(&f);
    assert_gauge(&f.stand, "netsonde_network_physical{device=\"eth0\"}", 1);
    assert_false(stand_has(&f.stand, "netsonde_network_physical{device=\"veth0\"}"));
    assert_false(stand_has(&f.stand, "netsonde_network_physical{device=\"odd0\"}"));
    fixture_end(&f);
}

#define INFO(address, duplex, alias, state)                                                        \
    "node_network_info{address=\"" address                                                         \
    "\",broadcast=\"ff:ff\",device=\"eth0\",duplex=\"" duplex "\",ifalias=\"" alias                \
    "\",operstate=\"" state "\"}"

static void info_tick(struct fixture *f, const struct link_texts *texts)
{
    struct link_sample s = {.index = 5, .name = "eth0", .texts = *texts};
    begin(f);
    interfaces_sample(f->list, &f->stand.sink, &s);
    end(f);
}

/* One series for what the interface is called now; none is left over. */
static void test_info(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 100);
    const struct link_address none = {.len = 0}, all = {.bytes = {0xff, 0xff}, .len = 2};
    const struct link_address one = {.bytes = {0x02, 0xab}, .len = 2};
    struct link_texts texts = {.state = "up"};
    info_tick(&f, &texts); /* not known yet */
    assert_int_equal(stand_sampled(&f.stand), 0);
    texts = (struct link_texts){.address = &none, .broadcast = &all, .state = "up"};
    info_tick(&f, &texts);
    assert_gauge(&f.stand, INFO("", "", "", "up"), 1);
    info_tick(&f, &texts);
    assert_gauge(&f.stand, INFO("", "", "", "up"), 1);
    texts.address = &one;
    texts.duplex = "full";
    char alias[] = "to \"b\"";
    texts.alias = alias;
    info_tick(&f, &texts);
    assert_gauge(&f.stand, INFO("02:ab", "full", "to \\\"b\\\"", "up"), 1);
    assert_false(stand_has(&f.stand, INFO("", "", "", "up")));
    assert_int_equal(stand_sampled(&f.stand), 1);
    alias[0] = 'T'; /* the text is the engine's: what was seen is kept as a copy */
    info_tick(&f, &texts);
    assert_gauge(&f.stand, INFO("02:ab", "full", "To \\\"b\\\"", "up"), 1);
    texts.alias = NULL;
    texts.state = "down";
    info_tick(&f, &texts);
    assert_gauge(&f.stand, INFO("02:ab", "full", "", "down"), 1);
    assert_int_equal(stand_sampled(&f.stand), 1);
    fixture_end(&f);
}

static void test_rates(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 100);
    tick_one(&f, 5, "eth0", UINT32_MAX - 100);
    assert_int_equal(cell(&f, 0, IF_RX_RATE)->type, CELL_NULL);
    tick_one(&f, 5, "eth0", UINT32_MAX - 50);
    assert_true(cell(&f, 0, IF_RX_RATE)->real == 50);
    assert_true(cell(&f, 0, IF_TX_RATE)->real == 100);
    tick_one(&f, 5, "eth0", 9); /* 32 bits: 60 further on */
    assert_true(cell(&f, 0, IF_RX_RATE)->real == 60);
    tick_one(&f, 5, "eth0", 2); /* started over */
    assert_int_equal(cell(&f, 0, IF_RX_RATE)->type, CELL_NULL);
    begin(&f);
    f.stand.sink.mono_ns += 9 * NS_PER_S; /* a late tick: ten seconds */
    sample(&f, 5, "eth0", 1002);
    end(&f);
    assert_true(cell(&f, 0, IF_RX_RATE)->real == 100);
    fixture_end(&f);
}

/* Many, in changing order, each found again. */
static void test_order(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 1000);
    char name[16];
    for (uint32_t round = 0; round < 6; round++) {
        begin(&f);
        for (uint32_t i = 0; i < 50; i++) {
            uint32_t index = 1 + (i * (round % 2 ? 7U : 1U) + round) % 50;
            snprintf(name, sizeof(name), "d%u", index);
            sample(&f, index, name, 1000 * index + round);
            sample(&f, index, name, 77); /* reported twice: the first counts */
        }
        end(&f);
        assert_int_equal(f.stand.tick->tables[TABLE_INTERFACES]->rows_count, 50);
        for (uint32_t index = 1; round && index <= 50; index++) {
            char *key = mem_printf("node_network_receive_bytes_total{device=\"d%u\"}", index);
            assert_counter(&f.stand, key, SAMPLE_OK, 1000 * index + round, 1);
            free(key);
        }
    }
    fixture_end(&f);
}

static void test_full_registry(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, 4);
    begin(&f);
    sample(&f, 5, "eth0", 100);
    sample(&f, 6, "eth1", 100);
    end(&f);
    assert_int_equal(stand_sampled(&f.stand), 4);
    uint64_t refused = registry_refused(f.stand.registry);
    begin(&f);
    sample(&f, 5, "eth0", 110);
    sample(&f, 6, "eth1", 120);
    end(&f);
    assert_int_equal(registry_refused(f.stand.registry), refused);
    /* The table does not depend on the registry. */
    assert_true(cell(&f, 1, IF_TX_RATE)->real == 40);
    fixture_end(&f);
}

/* A host that starts and ends 100,000 containers, each with a new index and a new name: every one
 * is seen with its numbers from the first tick on, and memory does not grow with their number. */
static void test_short_lived(void **state)
{
    enum { DEVICES = 100000, NEW = 50, AT_ONCE = 100 };
    (void)state;
    struct fixture f;
    fixture_start(&f, 2400); /* for 100 devices with 3 series, and some that were there just now */
    size_t early_bytes = 0, late_bytes = 0;
    for (uint32_t first = 0; first < DEVICES; first += NEW) {
        begin(&f);
        for (uint32_t i = first > AT_ONCE - NEW ? first - (AT_ONCE - NEW) : 0; i < first + NEW;
             i++) {
            char name[IF_NAMESIZE];
            snprintf(name, sizeof(name), "veth%x", i);
            sample(&f, i + 1, name, 1000 * (uint64_t)i + first);
        }
        end(&f);
        registry_make_room(f.stand.registry, f.stand.seq - MIN(f.stand.seq, 3U));
        size_t rows = MIN(first + NEW, (uint32_t)AT_ONCE);
        assert_int_equal(f.stand.tick->tables[TABLE_INTERFACES]->rows_count, rows);
        assert_int_equal(stand_sampled(&f.stand), 3 * rows);
        assert_true(rows < AT_ONCE || cell(&f, 0, IF_RX_RATE)->real == NEW);
        if (first == DEVICES / 10)
            early_bytes = mallinfo2().uordblks;
    }
    late_bytes = mallinfo2().uordblks;
    assert_int_equal(registry_refused(f.stand.registry), 0);
    assert_in_range(late_bytes, 0, early_bytes + (64 << 10));
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recreated_under_the_same_name),
        cmocka_unit_test(test_recreated_under_the_same_index),
        cmocka_unit_test(test_rename),
        cmocka_unit_test(test_interrupted_reading),
        cmocka_unit_test(test_exclusion_follows_the_name),
        cmocka_unit_test(test_physical),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_full_registry),
        cmocka_unit_test(test_short_lived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
