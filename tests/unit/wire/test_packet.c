/*
 * test_packet.c: frames put together header by header, as the link layers and tunnels have them,
 * whole, cut at every byte, and with lengths that lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>

#include "base/defs.h"
#include "base/load.h"
#include "wire/packet.h"

struct frame {
    uint8_t data[512];
    uint32_t len;
};

static void put(struct frame *f, const char *hex)
{
    for (const char *at = hex; *at; at++) {
        if (*at == ' ')
            continue;
        unsigned byte = 0;
        for (int i = 0; i < 2; i++, at++)
            byte = byte * 16 + (unsigned)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
        at--;
        f->data[f->len++] = (uint8_t)byte;
    }
}

static void put16(struct frame *f, unsigned value)
{
    f->data[f->len++] = (uint8_t)(value >> 8);
    f->data[f->len++] = (uint8_t)value;
}

#define ETHERNET "020000000001 020000000002 "
#define FROM4 "0a000001"
#define TO4 "0a000002"
#define FROM6 "20010db8000000000000000000000001"
#define TO6 "20010db8000000000000000000000002"

/* fragment: the field with flags and offset */
static void put_ipv4(struct frame *f, unsigned protocol, unsigned payload, unsigned fragment)
{
    put(f, "4500");
    put16(f, 20 + payload);
    put(f, "1234");
    put16(f, fragment);
    f->data[f->len++] = 64;
    f->data[f->len++] = (uint8_t)protocol;
    put(f, "0000" FROM4 TO4);
}

static void put_ipv6(struct frame *f, unsigned next, unsigned payload)
{
    put(f, "60000000");
    put16(f, payload);
    f->data[f->len++] = (uint8_t)next;
    put(f, "40" FROM6 TO6);
}

static void put_udp(struct frame *f, unsigned from, unsigned to, unsigned payload)
{
    put16(f, from);
    put16(f, to);
    put16(f, 8 + payload);
    put(f, "0000");
}

static void put_tcp(struct frame *f)
{
    put(f, "3039 0050 01020304 05060708 5012 7210 0000 0000");
}

static struct packet decode(uint32_t link, const struct frame *f)
{
    struct packet p;
    packet_decode(link, f->data, f->len, f->len, &p);
    return p;
}

static void assert_udp(const struct packet *p, uint8_t family, size_t layers)
{
    assert_int_equal(p->flaw, PACKET_WHOLE);
    assert_int_equal(p->layers_count, layers);
    const struct packet_layer *inner = &p->layer[layers - 1];
    assert_int_equal(inner->family, family);
    assert_int_equal(inner->protocol, IPPROTO_UDP);
    assert_true(inner->has_ports);
    assert_int_equal(inner->ports[0], 1000);
    assert_int_equal(inner->ports[1], 2000);
    assert_int_equal(p->payload_bytes, 4);
    assert_int_equal(p->payload_captured_bytes, 4);
    assert_memory_equal(p->payload, "\xde\xad\xbe\xef", 4);
}

static void put_udp4(struct frame *f)
{
    put_ipv4(f, IPPROTO_UDP, 12, 0);
    put_udp(f, 1000, 2000, 4);
    put(f, "deadbeef");
}

static void put_udp6(struct frame *f)
{
    put_ipv6(f, IPPROTO_UDP, 12);
    put_udp(f, 1000, 2000, 4);
    put(f, "deadbeef");
}

static void test_links(void **state)
{
    static const struct {
        uint32_t link;
        const char *before4, *before6;
        unsigned vlans;
    } links[] = {
        {PACKET_LINK_ETHERNET, ETHERNET "0800", ETHERNET "86dd", 0},
        {PACKET_LINK_ETHERNET, ETHERNET "8100 0064 0800", ETHERNET "8100 0064 86dd", 1},
        {PACKET_LINK_ETHERNET, ETHERNET "88a8 a007 8100 0064 0800",
         ETHERNET "9100 a007 8100 0064 86dd", 2},
        {PACKET_LINK_ETHERNET, ETHERNET "8864 1100 0001 0022 0021",
         ETHERNET "8864 1100 0001 0036 0057", 0},
        {PACKET_LINK_ETHERNET, ETHERNET "0028 aaaa03 000000 0800",
         ETHERNET "003c aaaa03 000000 86dd", 0},
        {PACKET_LINK_SLL, "0000 0001 0006 020000000001 0000 0800",
         "0000 0001 0006 020000000001 0000 86dd", 0},
        {PACKET_LINK_SLL2, "0800 0000 00000002 0001 00 06 020000000001 0000",
         "86dd 0000 00000002 0001 00 06 020000000001 0000", 0},
        {PACKET_LINK_NULL, "02000000", "1e000000", 0},
        {PACKET_LINK_NULL, "00000002", "0000001c", 0},
        {PACKET_LINK_LOOP, "00000002", "0000000a", 0},
        {PACKET_LINK_RAW, "", "", 0},
        {PACKET_LINK_IPV4, "", NULL, 0},
        {PACKET_LINK_IPV6, NULL, "", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(links); i++) {
        assert_true(packet_link_known(links[i].link));
        for (int six = 0; six < 2; six++) {
            const char *before = six ? links[i].before6 : links[i].before4;
            if (!before)
                continue;
            struct frame f = {.len = 0};
            put(&f, before);
            if (six)
                put_udp6(&f);
            else
                put_udp4(&f);
            struct packet p = decode(links[i].link, &f);
            assert_udp(&p, six ? 6 : 4, 1);
            assert_int_equal(p.vlans_count, links[i].vlans);
            if (p.vlans_count)
                assert_int_equal(p.vlan[p.vlans_count - 1], 100);
            if (p.vlans_count == 2)
                assert_int_equal(p.vlan[0], 7);
            const struct packet_layer *layer = &p.layer[0];
            assert_memory_equal(layer->address[1] + (six ? 12 : 0), six ? "\0\0\0\2" : "\x0a\0\0\2",
                                4);
        }
    }
    assert_false(packet_link_known(147));
}

static void test_foreign(void **state)
{
    static const struct {
        uint32_t link;
        const char *hex;
    } frames[] = {
        {PACKET_LINK_ETHERNET, ETHERNET "0806 0001080006040001"},     /* ARP */
        {PACKET_LINK_ETHERNET, ETHERNET "0010 42420300000000000000"}, /* spanning tree */
        {PACKET_LINK_NULL, "07000000 00"},
        {PACKET_LINK_SLL, "0000 0001 0006 020000000001 0000 0004 00"},
        {147, "00"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
        struct frame f = {.len = 0};
        put(&f, frames[i].hex);
        memset(f.data + f.len, 0, 32);
        f.len += 32;
        struct packet p = decode(frames[i].link, &f);
        assert_int_equal(p.flaw, PACKET_FOREIGN);
        assert_int_equal(p.layers_count, 0);
    }
}

static void test_tcp(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    put(&f, ETHERNET "0800");
    put_ipv4(&f, IPPROTO_TCP, 20 + 3, 0x4000);
    put_tcp(&f);
    put(&f, "aabbcc");
    put(&f, "0000000000"); /* Ethernet's padding is no payload */
    struct packet p = decode(PACKET_LINK_ETHERNET, &f);
    assert_int_equal(p.flaw, PACKET_WHOLE);
    assert_true(p.has_tcp);
    assert_int_equal(p.tcp_seq, 0x01020304);
    assert_int_equal(p.tcp_ack, 0x05060708);
    assert_int_equal(p.tcp_flags, PACKET_SYN | PACKET_ACK);
    assert_int_equal(p.tcp_window, 0x7210);
    assert_int_equal(p.payload_bytes, 3);
    assert_int_equal(p.payload[0], 0xaa);
    assert_int_equal(p.layer[0].ports[0], 12345);
    assert_int_equal(p.layer[0].ip_captured_bytes, 43);
    assert_false(p.layer[0].fragment); /* "do not fragment" is none */

    /* Offloaded segmentation leaves the length open: the frame's is the packet's. */
    f.data[16] = f.data[17] = 0;
    p = decode(PACKET_LINK_ETHERNET, &f);
    assert_int_equal(p.flaw, PACKET_WHOLE);
    assert_int_equal(p.payload_bytes, 8);
}

static void test_ipv6_extensions(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    put_ipv6(&f, IPPROTO_HOPOPTS, 8 + 16 + 8 + 12 + 12);
    put(&f, "3c00 0000 0000 0000");                     /* hop by hop */
    put(&f, "2b01 0000 0000 0000 0000 0000 0000 0000"); /* destination options */
    put(&f, "3300 0000 0000 0000");                     /* routing */
    put(&f, "1101 0000 0000 0001 0000 0001");           /* AH */
    put_udp(&f, 1000, 2000, 4);
    put(&f, "deadbeef");
    struct packet p = decode(PACKET_LINK_RAW, &f);
    assert_udp(&p, 6, 1);

    /* A jumbogram: the length field is 0. */
    f.data[4] = f.data[5] = 0;
    p = decode(PACKET_LINK_RAW, &f);
    assert_udp(&p, 6, 1);

    /* Too many of them. */
    f.len = 0;
    put_ipv6(&f, IPPROTO_DSTOPTS, 8 * 20);
    for (int i = 0; i < 20; i++)
        put(&f, "3c00 0000 0000 0000");
    p = decode(PACKET_LINK_RAW, &f);
    assert_int_equal(p.flaw, PACKET_DEEP);
    assert_int_equal(p.layers_count, 1);
}

static void test_fragments(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    put_ipv4(&f, IPPROTO_UDP, 12, 0x2000);
    put_udp(&f, 1000, 2000, 3000); /* of all fragments together */
    put(&f, "deadbeef");
    struct packet p = decode(PACKET_LINK_RAW, &f);
    assert_udp(&p, 4, 1);
    assert_true(p.layer[0].fragment);
    assert_true(p.layer[0].first);
    assert_int_equal(p.layer[0].fragment_id, 0x1234);

    f.len = 0;
    put_ipv4(&f, IPPROTO_UDP, 8, 0x0002);
    put(&f, "0102030405060708");
    p = decode(PACKET_LINK_RAW, &f);
    assert_int_equal(p.flaw, PACKET_WHOLE);
    assert_true(p.layer[0].fragment);
    assert_false(p.layer[0].first);
    assert_false(p.layer[0].has_ports);
    assert_null(p.payload);

    f.len = 0;
    put_ipv6(&f, IPPROTO_FRAGMENT, 8 + 8);
    put(&f, "1100 0010 cafebabe 0102030405060708");
    p = decode(PACKET_LINK_RAW, &f);
    assert_int_equal(p.flaw, PACKET_WHOLE);
    assert_int_equal(p.layer[0].protocol, IPPROTO_UDP);
    assert_int_equal(p.layer[0].fragment_id, 0xcafebabe);
    assert_false(p.layer[0].first);

    /* An atomic fragment (RFC 6946) is a whole packet. */
    f.len = 0;
    put_ipv6(&f, IPPROTO_FRAGMENT, 8 + 12);
    put(&f, "1100 0000 cafebabe");
    put_udp(&f, 1000, 2000, 4);
    put(&f, "deadbeef");
    p = decode(PACKET_LINK_RAW, &f);
    assert_udp(&p, 6, 1);
    assert_false(p.layer[0].fragment);
}

static void test_tunnels(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    put_ipv4(&f, IPPROTO_IPV6, 52, 0);
    put_udp6(&f);
    struct packet p = decode(PACKET_LINK_RAW, &f); /* 6in4 */
    assert_udp(&p, 6, 2);
    assert_int_equal(p.layer[0].tunnel, PACKET_TUNNEL_NONE);
    assert_int_equal(p.layer[1].tunnel, PACKET_TUNNEL_IP);

    f.len = 0;
    put_ipv6(&f, IPPROTO_IPIP, 32);
    put_udp4(&f);
    p = decode(PACKET_LINK_RAW, &f); /* 4in6 */
    assert_udp(&p, 4, 2);

    f.len = 0;
    put_ipv4(&f, IPPROTO_GRE, 16 + 32, 0);
    put(&f, "b000 0800 0000 0000 0000002a 00000001"); /* checksum, key, sequence */
    put_udp4(&f);
    p = decode(PACKET_LINK_RAW, &f);
    assert_udp(&p, 4, 2);
    assert_int_equal(p.layer[1].tunnel, PACKET_TUNNEL_GRE);
    assert_int_equal(p.layer[1].tunnel_id, 42);

    f.len = 0;
    put_ipv4(&f, IPPROTO_GRE, 4 + 14 + 52, 0);
    put(&f, "0000 6558" ETHERNET "86dd");
    put_udp6(&f);
    p = decode(PACKET_LINK_RAW, &f);
    assert_udp(&p, 6, 2);

    f.len = 0;
    put_ipv4(&f, IPPROTO_UDP, 8 + 8 + 14 + 32, 0);
    put_udp(&f, 50000, 4789, 8 + 14 + 32);
    put(&f, "08000000 00002a00" ETHERNET "0800");
    put_udp4(&f);
    p = decode(PACKET_LINK_RAW, &f);
    assert_udp(&p, 4, 2);
    assert_int_equal(p.layer[1].tunnel, PACKET_TUNNEL_VXLAN);
    assert_int_equal(p.layer[1].tunnel_id, 42);
    assert_int_equal(p.layer[0].ports[1], 4789);

    /* Somebody else's datagram on that port has its own payload. */
    f.data[28] = 0;
    p = decode(PACKET_LINK_RAW, &f);
    assert_int_equal(p.layers_count, 1);
    assert_int_equal(p.payload_bytes, 8 + 14 + 32);

    /* More tunnels than layers. */
    f.len = 0;
    for (unsigned i = 0; i < 6; i++)
        put_ipv4(&f, IPPROTO_IPIP, (5 - i) * 20, 0);
    p = decode(PACKET_LINK_RAW, &f);
    assert_int_equal(p.flaw, PACKET_DEEP);
    assert_int_equal(p.layers_count, PACKET_LAYERS_MAX);
}

static void test_lies(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    put_udp4(&f);
    f.data[3] = 200; /* a total length beyond the frame */
    struct packet p = decode(PACKET_LINK_RAW, &f);
    assert_int_equal(p.flaw, PACKET_BROKEN);
    assert_int_equal(p.layers_count, 1);
    assert_int_equal(p.layer[0].ports[1], 2000); /* what is there is there */
    f.data[3] = 19;                              /* shorter than the header */
    p = decode(PACKET_LINK_RAW, &f);
    assert_int_equal(p.flaw, PACKET_BROKEN);
    f.data[3] = 32;
    f.data[0] = 0x44; /* a header of 16 bytes */
    p = decode(PACKET_LINK_RAW, &f);
    assert_int_equal(p.flaw, PACKET_BROKEN);
    assert_int_equal(p.layers_count, 0);
    f.data[0] = 0x75;
    assert_int_equal(decode(PACKET_LINK_RAW, &f).flaw, PACKET_BROKEN);

    f.len = 0;
    put_udp4(&f);
    f.data[25] = 7; /* UDP: shorter than its own header */
    assert_int_equal(decode(PACKET_LINK_RAW, &f).flaw, PACKET_BROKEN);

    f.len = 0;
    put_ipv4(&f, IPPROTO_TCP, 20, 0);
    put_tcp(&f);
    f.data[32] = 0xf0; /* a header of 60 bytes */
    p = decode(PACKET_LINK_RAW, &f);
    assert_int_equal(p.flaw, PACKET_BROKEN);
    assert_false(p.has_tcp);
    assert_true(p.layer[0].has_ports);

    p = decode(PACKET_LINK_ETHERNET, &(struct frame){.len = 0});
    assert_int_equal(p.flaw, PACKET_BROKEN);
}

/* However little was captured: no byte behind it is read (the sanitizer sees that), and what the
 * frame had is told apart from what it lacked. */
static void test_cut(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    put(&f, ETHERNET "8100 0064 0800");
    put_ipv4(&f, IPPROTO_UDP, 8 + 8 + 14 + 40 + 23, 0);
    put_udp(&f, 50000, 4789, 8 + 14 + 40 + 23);
    put(&f, "08000000 00002a00" ETHERNET "0800");
    put_ipv4(&f, IPPROTO_TCP, 23, 0);
    put_tcp(&f);
    put(&f, "aabbcc");
    f.len = 18 + 20 + 8 + 8 + 14 + 20 + 20 + 3;
    size_t layers = 0;
    for (uint32_t captured = 0; captured <= f.len; captured++) {
        uint8_t *copy = test_malloc(captured ? captured : 1);
        memcpy(copy, f.data, captured);
        struct packet p;
        packet_decode(PACKET_LINK_ETHERNET, copy, captured, f.len + 20, &p);
        assert_true(p.layers_count >= layers);
        layers = p.layers_count;
        if (captured < 18)
            assert_int_equal(p.flaw, PACKET_CUT);
        if (captured == f.len) {
            assert_int_equal(layers, 2);
            assert_int_equal(p.payload_captured_bytes, 3);
        }
        test_free(copy);
    }
    assert_string_equal(packet_flaw_name(PACKET_CUT), "cut");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links),     cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_tcp),       cmocka_unit_test(test_ipv6_extensions),
        cmocka_unit_test(test_fragments), cmocka_unit_test(test_tunnels),
        cmocka_unit_test(test_lies),      cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
