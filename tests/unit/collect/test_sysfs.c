/* /sys/class/net as a tree of files. */
#include "stand.h"

#include "collect/sysfs.h"

static void make_device(const char *root, const char *name, const char *index, const char *speed)
{
    char path[128];
    snprintf(path, sizeof(path), "class/net/%s/ifindex", name);
    stand_write(root, path, index);
    if (speed) {
        snprintf(path, sizeof(path), "class/net/%s/speed", name);
        stand_write(root, path, speed);
    }
}

static void test_speeds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool known;
        double bytes;
    } cases[] = {
        {"1000\n", true, 125e6}, {"10\n", true, 1250000},    {"0\n", true, 0},
        {"-1\n", false, 0},      {"4294967295\n", false, 0}, {"fast\n", false, 0},
        {"", false, 0},          {NULL, false, 0},           {"400000\n", true, 5e10},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *root = stand_make_tree();
        make_device(root, "eth0", "4\n", cases[i].text);
        struct sysfs *s = sysfs_new(root, SYSFS_SPEED);
        struct sysfs_links *links = sysfs_read(s, NULL, NULL);
        assert_int_equal(links->count, 1);
        const struct sysfs_link *link = sysfs_links_find(links, 4);
        assert_non_null(link);
        assert_int_equal(!!(link->measured & 1U << LINK_SPEED), cases[i].known);
        if (cases[i].known)
            assert_true(link->gauges[LINK_SPEED] == cases[i].bytes);
        message_unref(&links->msg);
        sysfs_free(s);
        stand_remove_tree(root);
    }
}

static void test_everything(void **state)
{
    (void)state;
    char *root = stand_make_tree();
    make_device(root, "eth0", "4\n", "1000\n");
    stand_write(root, "class/net/eth0/mtu", "1400\n");
    stand_write(root, "class/net/eth0/operstate", "lowerlayerdown\n");
    stand_write(root, "class/net/eth0/flags", "0x1003\n");
    stand_write(root, "class/net/eth0/carrier", "0\n");
    stand_write(root, "class/net/eth0/carrier_changes", "7\n");
    stand_write(root, "class/net/eth0/carrier_up_count", "3\n");
    stand_write(root, "class/net/eth0/carrier_down_count", "4\n");
    stand_write(root, "class/net/eth0/type", "1\n");
    stand_write(root, "class/net/eth0/tx_queue_len", "500\n");
    stand_write(root, "class/net/eth0/device/uevent", "");
    make_device(root, "lo", "1\n", NULL);
    stand_write(root, "class/net/lo/type", "772\n");
    make_device(root, "br0", "9\n", NULL);
    stand_write(root, "class/net/br0/uevent", "DEVTYPE=bridge\nINTERFACE=br0\n");
    make_device(root, "tun0", "10\n", NULL);
    stand_write(root, "class/net/tun0/tun_flags", "0x1\n");
    make_device(root, "dummy0", "11\n", NULL);
    make_device(root, "broken0", "many\n", NULL);
    stand_write(root, "class/net/bonding_masters", "bond0\n"); /* not a device */

    struct sysfs *s = sysfs_new(root, SYSFS_ALL);
    struct sysfs_links *links = sysfs_read(s, NULL, NULL);
    assert_int_equal(links->count, 5);
    for (size_t i = 1; i < links->count; i++)
        assert_true(links->links[i - 1].index < links->links[i].index);
    const struct sysfs_link *eth0 = sysfs_links_find(links, 4);
    assert_string_equal(eth0->kind, "physical");
    assert_string_equal(eth0->state, "lowerlayerdown");
    assert_true(eth0->gauges[LINK_UP] == 0 && eth0->gauges[LINK_MTU] == 1400);
    assert_true(eth0->gauges[LINK_FLAGS] == 0x1003 && eth0->gauges[LINK_QUEUE_LENGTH] == 500);
    assert_true((eth0->measured & 1U << LINK_CARRIER) && eth0->gauges[LINK_CARRIER] == 0);
    assert_int_equal(eth0->carrier_changes, 7);
    assert_int_equal(eth0->carrier_up, 3);
    assert_int_equal(eth0->carrier_down, 4);
    assert_string_equal(sysfs_links_find(links, 1)->kind, "loopback");
    assert_string_equal(sysfs_links_find(links, 9)->kind, "bridge");
    assert_string_equal(sysfs_links_find(links, 10)->kind, "tun");
    assert_string_equal(sysfs_links_find(links, 11)->kind, "virtual");
    assert_null(sysfs_links_find(links, 5));
    assert_null(sysfs_links_find(NULL, 5));

    struct sysfs_links *again = sysfs_read(s, NULL, NULL);
    assert_true(sysfs_links_equal(links, again));
    stand_write(root, "class/net/eth0/operstate", "up\n");
    struct sysfs_links *changed = sysfs_read(s, NULL, NULL);
    assert_false(sysfs_links_equal(links, changed));
    assert_false(sysfs_links_equal(links, NULL));
    assert_string_equal(sysfs_links_find(changed, 4)->state, "up");
    message_unref(&links->msg);
    message_unref(&again->msg);
    message_unref(&changed->msg);
    sysfs_free(s);
    stand_remove_tree(root);
}

/* Hardware is asked in every pass, the others in every tenth. */
static void test_how_often(void **state)
{
    (void)state;
    char *root = stand_make_tree();
    make_device(root, "eth0", "4\n", "1000\n");
    stand_write(root, "class/net/eth0/device/uevent", "");
    make_device(root, "veth0", "5\n", "10000\n");
    struct sysfs *s = sysfs_new(root, SYSFS_SPEED);
    message_unref(&sysfs_read(s, NULL, NULL)->msg);
    stand_write(root, "class/net/eth0/speed", "100\n");
    stand_write(root, "class/net/veth0/speed", "2000\n");
    int changed_at = 0;
    for (int pass = 1; pass <= 10; pass++) {
        struct sysfs_links *links = sysfs_read(s, NULL, NULL);
        assert_true(sysfs_links_find(links, 4)->gauges[LINK_SPEED] == 12.5e6);
        if (!changed_at && sysfs_links_find(links, 5)->gauges[LINK_SPEED] == 250e6)
            changed_at = pass;
        message_unref(&links->msg);
    }
    assert_true(changed_at > 0);
    sysfs_free(s);
    stand_remove_tree(root);
}

static void write_identity(const char *root, const char *address, const char *alias)
{
    stand_write(root, "class/net/veth0/address", address);
    stand_write(root, "class/net/veth0/broadcast", "ff:ff:ff:ff:ff:ff\n");
    stand_write(root, "class/net/veth0/ifalias", alias);
    stand_write(root, "class/net/veth0/duplex", "full\n");
    stand_write(root, "class/net/veth0/addr_assign_type", "3\n");
    stand_write(root, "class/net/veth0/name_assign_type", "4\n");
    stand_write(root, "class/net/veth0/dev_id", "0x10\n");
    stand_write(root, "class/net/veth0/iflink", "8\n");
    stand_write(root, "class/net/veth0/link_mode", "1\n");
    stand_write(root, "class/net/veth0/netdev_group", "7\n");
}

static bool has(const struct sysfs_link *link, enum link_gauge gauge, double value)
{
    return (link->measured & 1U << gauge) && link->gauges[gauge] == value;
}

/* Texts and what hardly ever changes: both depths, again when the state is another. */
static void test_identity(void **state)
{
    (void)state;
    char *root = stand_make_tree();
    make_device(root, "veth0", "5\n", NULL);
    write_identity(root, "02:00:5e:10:00:ff\n", "a \"port\"\n");
    stand_write(root, "class/net/veth0/operstate", "down\n");
    stand_write(root, "class/net/veth0/statistics/rx_nohandler", "12\n");
    struct sysfs *few = sysfs_new(root, SYSFS_SPEED), *all = sysfs_new(root, SYSFS_ALL);
    for (int pass = 0; pass < 2; pass++) { /* read, then kept */
        struct sysfs_links *links = sysfs_read(few, NULL, NULL);
        const struct sysfs_link *link = sysfs_links_find(links, 5);
        assert_string_equal(link->duplex, "full");
        assert_string_equal(link->alias, "a \"port\"");
        assert_true(has(link, LINK_ADDRESS_ASSIGNED, 3) && has(link, LINK_NAME_ASSIGNED, 4) &&
                    has(link, LINK_DEVICE_ID, 16));
        assert_false(link->measured & (1U << LINK_LOWER | 1U << LINK_MODE | 1U << LINK_GROUP));
        assert_int_equal(link->address.len, 0); /* rtnetlink tells these */
        message_unref(&links->msg);
        links = sysfs_read(all, NULL, NULL);
        link = sysfs_links_find(links, 5);
        assert_true(has(link, LINK_LOWER, 8) && has(link, LINK_MODE, 1) &&
                    has(link, LINK_GROUP, 7));
        assert_true(has(link, LINK_DEVICE_ID, 16) && link->nohandler == 12);
        static const uint8_t address[] = {2, 0, 0x5e, 0x10, 0, 0xff};
        assert_int_equal(link->address.len, 6);
        assert_memory_equal(link->address.bytes, address, 6);
        assert_int_equal(link->broadcast.len, 6);
        message_unref(&links->msg);
    }
    stand_write(root, "class/net/veth0/operstate", "up\n");
    write_identity(root, "00:00:00:00\n", "\n");
    struct sysfs_links *links = sysfs_read(all, NULL, NULL);
    assert_int_equal(sysfs_links_find(links, 5)->address.len, 4);
    assert_null(sysfs_links_find(links, 5)->alias);
    message_unref(&links->msg);
    sysfs_free(few);
    sysfs_free(all);

    static const char *const broken[] = {"\n", "02:0", "02:00:", "02-00", "2:0", "02:0g", "020011"};
    static const int lens[] = {0, 0, 2, 0, 0, 0, 0};
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        write_identity(root, broken[i], "\n");
        all = sysfs_new(root, SYSFS_ALL);
        links = sysfs_read(all, NULL, NULL);
        assert_int_equal(sysfs_links_find(links, 5)->address.len, lens[i]);
        message_unref(&links->msg);
        sysfs_free(all);
    }
    stand_remove_tree(root);
}

static void test_missing(void **state)
{
    (void)state;
    struct sysfs *s = sysfs_new("/nonexistent", SYSFS_ALL);
    assert_null(sysfs_read(s, NULL, NULL));
    sysfs_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_speeds),    cmocka_unit_test(test_everything),
        cmocka_unit_test(test_how_often), cmocka_unit_test(test_identity),
        cmocka_unit_test(test_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
