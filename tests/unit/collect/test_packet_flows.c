/*
 * test_packet_flows.c: the table of flows against a plain list: found again from both directions,
 * kept apart, evicted by age, renewed; a million flows in bounded memory. And fragments.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/defs.h"
#include "collect/packet/flows.h"
#include "collect/packet/fragments.h"

struct ended {
    size_t count;
    uint64_t last_id;
};

static void on_ended(void *user, struct flow *f)
{
    struct ended *e = user;
    e->count++;
    e->last_id = f->id;
}

/* A packet between two numbers; `back` the other way. */
static struct packet between(uint8_t addresses[2][16], uint8_t family, uint32_t one, uint32_t other)
{
    memset(addresses, 0, 32);
    size_t at = family == 4 ? 0 : 12;
    for (size_t i = 0; i < 4; i++) {
        addresses[0][at + i] = (uint8_t)(one >> (24 - 8 * i));
        addresses[1][at + i] = (uint8_t)(other >> (24 - 8 * i));
    }
    struct packet p = {.layers_count = 1};
    p.layer[0] = (struct packet_layer){.family = family,
                                       .protocol = IPPROTO_UDP,
                                       .has_ports = true,
                                       .first = true,
                                       .ports = {1000, 2000},
                                       .address = {addresses[0], addresses[1]}};
    return p;
}

static struct flow *get(struct flows *t, uint8_t family, uint32_t one, uint32_t other, bool back,
                        int64_t t_ns, bool *ret_made, uint8_t *ret_sender)
{
    uint8_t addresses[2][16];
    struct packet p = between(addresses, family, back ? other : one, back ? one : other);
    uint16_t ports[2] = {back ? 2000 : 1000, back ? 1000 : 2000};
    struct flow_key key;
    flow_key_make(&p, 0, ports, &key, ret_sender);
    return flows_get(t, &key, t_ns, ret_made);
}

static void test_both_ways(void **state)
{
    (void)state;
    struct ended ended = {0};
    struct flows *t = flows_new(100, on_ended, &ended);
    bool made;
    uint8_t there, back;
    for (uint32_t i = 0; i < 40; i++) {
        uint8_t family = i % 2 ? 4 : 6;
        struct flow *f = get(t, family, i, 20, false, 1, &made, &there);
        assert_true(made);
        assert_ptr_equal(get(t, family, i, 20, true, 2, &made, &back), f);
        assert_false(made);
        assert_true(there != back);
        char text[2][FLOW_ENDPOINT_TEXT];
        for (int side = 0; side < 2; side++)
            flow_endpoint_text(family, f->key.address[side], f->key.port[side], text[side]);
        char wanted[FLOW_ENDPOINT_TEXT];
        snprintf(wanted, sizeof(wanted), family == 4 ? "0.0.0.%u:1000" : "[::%x]:1000", i);
        if (family == 4 || i > 1)
            assert_string_equal(text[there], wanted);
    }
    assert_int_equal(flows_count(t), 40);
    flows_free(t);
    assert_int_equal(ended.count, 40);
}

/* Each part of the key keeps flows apart. */
static void test_apart(void **state)
{
    (void)state;
    struct ended ended = {0};
    struct flows *t = flows_new(100, on_ended, &ended);
    uint8_t addresses[2][16], sender;
    bool made;
    struct flow_key key, base;
    struct packet p = between(addresses, 4, 1, 2);
    flow_key_make(&p, 0, p.layer[0].ports, &base, &sender);
    flows_get(t, &base, 1, &made);
    struct flow_key others[7];
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        others[i] = base;
    others[0].port[0]++;
    others[1].protocol = IPPROTO_TCP;
    others[2].vlan[0] = 7;
    others[3].vlan[1] = 7;
    others[4].tunnel_id = 42;
    others[5].carrier = 1;
    others[6].address[1][3]++;
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        flows_get(t, &others[i], 1, &made);
        assert_true(made);
    }
    p.vlans_count = 2;
    p.vlan[0] = 5;
    p.vlan[1] = 6;
    flow_key_make(&p, 0, p.layer[0].ports, &key, &sender);
    assert_int_equal(key.vlan[0], 5);
    assert_int_equal(key.vlan[1], 6);
    flows_free(t);
}

static void test_eviction(void **state)
{
    (void)state;
    struct ended ended = {0};
    struct flows *t = flows_new(10, on_ended, &ended);
    bool made;
    uint8_t sender;
    for (uint32_t i = 0; i < 10; i++)
        get(t, 4, i, 99, false, i * NS_PER_S, &made, &sender);
    uint64_t first = get(t, 4, 0, 99, true, 20 * NS_PER_S, &made, &sender)->id; /* spoke again */
    get(t, 4, 50, 99, false, 21 * NS_PER_S, &made, &sender);
    assert_int_equal(flows_evicted(t), 1);
    assert_int_equal(ended.count, 1);
    assert_int_not_equal(ended.last_id, first);
    get(t, 4, 0, 99, false, 22 * NS_PER_S, &made, &sender);
    assert_false(made);
    get(t, 4, 1, 99, false, 23 * NS_PER_S, &made, &sender);
    assert_true(made); /* it was the one that went */

    /* Between two packets that are too close for the list to tell. */
    struct flows *quick = flows_new(2, on_ended, &ended);
    get(quick, 4, 1, 99, false, 1000, &made, &sender);
    get(quick, 4, 2, 99, false, 1001, &made, &sender);
    get(quick, 4, 1, 99, false, 1002, &made, &sender);
    get(quick, 4, 3, 99, false, 1003, &made, &sender);
    get(quick, 4, 1, 99, false, 1004, &made, &sender);
    assert_false(made);
    flows_free(quick);
    flows_free(t);
}

static void test_renew(void **state)
{
    (void)state;
    struct ended ended = {0};
    struct flows *t = flows_new(10, on_ended, &ended);
    bool made;
    uint8_t sender;
    struct flow *old = get(t, 4, 1, 2, false, 1, &made, &sender);
    struct flow *fresh = flows_renew(t, old, 2);
    assert_ptr_not_equal(old, fresh);
    assert_ptr_equal(get(t, 4, 1, 2, true, 3, &made, &sender), fresh);
    assert_int_equal(flows_count(t), 2);
    /* The one that is over leaves sooner. */
    flows_expire(t, 0, 3);
    assert_int_equal(flows_count(t), 1);
    assert_ptr_equal(flows_newest(t), fresh);
    flows_expire(t, 4, 4);
    assert_int_equal(flows_count(t), 0);
    flows_free(t);
}

/* Every answer of the table is that of an array of all flows that are in it. */
static void test_a_million(void **state)
{
    (void)state;
    enum { MAX = 1000, COUNT = 1000000 };
    struct ended ended = {0};
    struct flows *t = flows_new(MAX, on_ended, &ended);
    bool made;
    uint8_t sender;
    for (uint32_t i = 0; i < COUNT; i++) {
        get(t, 4, i * 2654435761U, 99, false, (int64_t)i * NS_PER_S, &made, &sender);
        assert_true(made);
        if (i >= 500 && i % 7 == 0) {
            uint64_t evicted = flows_evicted(t);
            get(t, 4, (i - 400) * 2654435761U, 99, true, (int64_t)i * NS_PER_S, &made, &sender);
            assert_false(made);
            assert_int_equal(flows_evicted(t), evicted);
        }
        assert_true(flows_count(t) <= MAX);
    }
    assert_int_equal(flows_evicted(t), COUNT - MAX);
    assert_int_equal(ended.count, COUNT - MAX);
    size_t listed = 0;
    for (struct flow *f = flows_newest(t); f; f = flows_older(t, f))
        listed++;
    assert_int_equal(listed, MAX);
    flows_free(t);
    assert_int_equal(ended.count, COUNT);
}

static void test_fragments(void **state)
{
    (void)state;
    struct fragments *t = fragments_new();
    uint8_t addresses[2][16];
    struct packet p = between(addresses, 6, 1, 2);
    struct packet_layer first = p.layer[0], later = p.layer[0];
    first.fragment = later.fragment = true;
    first.fragment_id = later.fragment_id = 77;
    later.first = later.has_ports = false;
    uint16_t ports[2];
    assert_false(fragments_get(t, &later, 1, ports));
    fragments_put(t, &first, 1);
    assert_true(fragments_get(t, &later, 2, ports));
    assert_int_equal(ports[0], 1000);
    assert_int_equal(ports[1], 2000);
    later.fragment_id = 78;
    assert_false(fragments_get(t, &later, 2, ports));
    later.fragment_id = 77;
    later.protocol = IPPROTO_TCP;
    assert_false(fragments_get(t, &later, 2, ports));
    later.protocol = IPPROTO_UDP;
    assert_false(fragments_get(t, &later, 31 * NS_PER_S, ports)); /* too late */
    /* However many there are: the newest ones are there. */
    for (uint32_t i = 0; i < 100000; i++) {
        first.fragment_id = later.fragment_id = i;
        fragments_put(t, &first, 100 + i);
        assert_true(fragments_get(t, &later, 100 + i, ports));
    }
    fragments_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways), cmocka_unit_test(test_apart),
        cmocka_unit_test(test_eviction),  cmocka_unit_test(test_renew),
        cmocka_unit_test(test_a_million), cmocka_unit_test(test_fragments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
