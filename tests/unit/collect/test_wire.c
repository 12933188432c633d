/* Which interfaces count as the wire, in a made-up /sys. */
#include "stand.h"

#include "collect/wire.h"

static void device(const char *sys, const char *name, unsigned index, unsigned link, unsigned type,
                   const char *extra)
{
    static const char *const files[] = {"ifindex", "iflink", "type"};
    const unsigned values[] = {index, link, type};
    char path[96], text[16];
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "class/net/%s/%s", name, files[i]);
        snprintf(text, sizeof(text), "%u\n", values[i]);
        stand_write(sys, path, text);
    }
    if (extra) {
        snprintf(path, sizeof(path), "class/net/%s/%s", name, extra);
        stand_write(sys, path, "");
    }
}

static void count(const char *sys, const char *name, unsigned rx, unsigned tx)
{
    char path[96], text[16];
    snprintf(path, sizeof(path), "class/net/%s/statistics/rx_bytes", name);
    snprintf(text, sizeof(text), "%u\n", rx);
    stand_write(sys, path, text);
    snprintf(path, sizeof(path), "class/net/%s/statistics/tx_bytes", name);
    snprintf(text, sizeof(text), "%u\n", tx);
    stand_write(sys, path, text);
}

static void expect(struct wire *w, uint64_t rx, uint64_t tx)
{
    uint64_t got_rx, got_tx;
    assert_true(wire_read(w, &got_rx, &got_tx));
    assert_int_equal(got_rx, rx);
    assert_int_equal(got_tx, tx);
}

static void test_physical(void **state)
{
    (void)state;
    char *sys = stand_make_tree();
    device(sys, "lo", 1, 1, 772, NULL);
    device(sys, "eth0", 2, 2, 1, "device");
    device(sys, "eth1", 3, 3, 1, "device");
    device(sys, "br0", 4, 4, 1, "lower_eth0");
    device(sys, "veth1", 5, 9, 1, NULL);
    static const char *const names[] = {"lo", "eth0", "eth1", "br0", "veth1"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        count(sys, names[i], 1000, 1000);
    struct wire *w = wire_new(sys, 100);
    expect(w, 0, 0); /* from now on */
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        count(sys, names[i], 1100, 1010);
    expect(w, 200, 20);
    count(sys, "eth0", 50, 1010); /* started over */
    expect(w, 250, 20);

    /* One that goes takes nothing away, one that comes begins with what it counts from then on. */
    char *gone = mem_printf("%s/class/net/eth1", sys);
    stand_remove_tree(gone);
    expect(w, 250, 20);
    device(sys, "eth2", 7, 7, 1, "device");
    count(sys, "eth2", 5000, 5000);
    expect(w, 250, 20);
    count(sys, "eth2", 5001, 5002);
    expect(w, 251, 22);
    stand_write(sys, "class/net/eth2/statistics/rx_bytes", "nonsense");
    expect(w, 251, 22);
    wire_free(w);
    stand_remove_tree(sys);
}

static void test_nothing_physical(void **state)
{
    (void)state;
    char *sys = stand_make_tree();
    device(sys, "lo", 1, 1, 772, NULL);
    device(sys, "eth0", 2, 40, 1, NULL); /* its other end is elsewhere */
    device(sys, "br0", 3, 3, 1, "lower_va");
    device(sys, "va", 4, 5, 1, NULL); /* a pair within */
    device(sys, "vb", 5, 4, 1, NULL);
    device(sys, "eth0.7", 6, 2, 1, "lower_eth0");
    device(sys, "tun0", 7, 7, 65534, NULL);
    static const char *const names[] = {"lo", "eth0", "br0", "va", "vb", "eth0.7", "tun0"};
    static const unsigned shares[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        count(sys, names[i], 0, 0);
    struct wire *w = wire_new(sys, 100);
    expect(w, 0, 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        count(sys, names[i], shares[i], 2 * shares[i]);
    expect(w, 1010, 2020);

    /* A card that is plugged in is the wire from then on. */
    device(sys, "eth9", 9, 9, 1, "device");
    count(sys, "eth9", 7, 7);
    expect(w, 1010, 2020);
    count(sys, "eth9", 8, 9);
    count(sys, "eth0", 999, 999);
    expect(w, 1011, 2022);
    wire_free(w);
    uint64_t rx, tx;
    w = wire_new("/nonexistent", 100);
    assert_false(wire_read(w, &rx, &tx));
    wire_free(w);
    stand_remove_tree(sys);
}

static void rename_device(const char *sys, const char *from, const char *to)
{
    char *before = mem_printf("%s/class/net/%s", sys, from);
    char *after = mem_printf("%s/class/net/%s", sys, to);
    assert_int_equal(rename(before, after), 0);
    free(before);
    free(after);
}

/* The same interface under another name goes on where it was, also when two change theirs. */
static void test_renamed(void **state)
{
    (void)state;
    char *sys = stand_make_tree();
    device(sys, "eth0", 2, 2, 1, "device");
    device(sys, "eth1", 3, 3, 1, "device");
    count(sys, "eth0", 1000, 1000);
    count(sys, "eth1", 5, 5);
    struct wire *w = wire_new(sys, 100);
    expect(w, 0, 0);
    rename_device(sys, "eth0", "wan");
    count(sys, "wan", 1100, 1010);
    expect(w, 100, 10);
    rename_device(sys, "eth1", "swap");
    rename_device(sys, "wan", "eth1");
    rename_device(sys, "swap", "wan");
    count(sys, "eth1", 1200, 1020);
    count(sys, "wan", 6, 6);
    expect(w, 201, 21);
    wire_free(w);
    stand_remove_tree(sys);
}

/* More than there is room for: told how many, and the others count as ever. */
static void test_too_many(void **state)
{
    (void)state;
    enum { MAX_KEPT = 8 };
    char *sys = stand_make_tree(), name[16], path[64];
    for (unsigned i = 0; i < MAX_KEPT + 3; i++) {
        snprintf(name, sizeof(name), "d%u", i);
        snprintf(path, sizeof(path), "class/net/%s/ifindex", name);
        stand_write(sys, path, "7\n");
        snprintf(path, sizeof(path), "class/net/%s/device", name);
        stand_write(sys, path, "");
        count(sys, name, 0, 0);
    }
    struct wire *w = wire_new(sys, MAX_KEPT);
    expect(w, 0, 0);
    assert_int_equal(wire_left_out(w), 3);
    for (unsigned i = 0; i < MAX_KEPT + 3; i++) {
        snprintf(name, sizeof(name), "d%u", i);
        count(sys, name, 1, 2);
    }
    expect(w, MAX_KEPT, 2 * MAX_KEPT);
    assert_int_equal(wire_left_out(w), 3);
    /* As many go as had no place: in the round that follows all have one. */
    for (unsigned i = 0; i < 3; i++) {
        char *gone = mem_printf("%s/class/net/d%u", sys, i);
        stand_remove_tree(gone);
    }
    uint64_t rx, tx;
    assert_true(wire_read(w, &rx, &tx));
    assert_int_equal(wire_left_out(w), 0);
    wire_free(w);
    stand_remove_tree(sys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_physical),
        cmocka_unit_test(test_nothing_physical),
        cmocka_unit_test(test_renamed),
        cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
