/*
 * test_packet_tcp.c: connections told segment by segment: handshakes, what is sent again, what
 * comes out of order, numbers that wrap, connections that follow each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/defs.h"
#include "collect/packet/tcp.h"
#include "wire/packet.h"

#define MS NS_PER_MS

static enum tcp_verdict tell(struct tcp_track *t, uint8_t side, uint8_t flags, uint32_t seq,
                             uint32_t ack, uint32_t bytes, int64_t t_ns)
{
    const struct tcp_segment s = {side, flags, seq, ack, bytes, t_ns};
    return tcp_follow(t, &s);
}

static void shake(struct tcp_track *t, uint32_t client, uint32_t server)
{
    assert_int_equal(tell(t, 0, PACKET_SYN, client, 0, 0, 1 * MS), TCP_NEW);
    assert_int_equal(tell(t, 1, PACKET_SYN | PACKET_ACK, server, client + 1, 0, 9 * MS), TCP_NEW);
    assert_int_equal(tell(t, 0, PACKET_ACK, client + 1, server + 1, 0, 11 * MS), TCP_NEW);
}

static void test_handshake(void **state)
{
    (void)state;
    struct tcp_track t = {0};
    shake(&t, UINT32_MAX, 7); /* the number after the SYN is 0 */
    assert_int_equal(t.rtt_ns, 10 * MS);
    tell(&t, 0, PACKET_ACK, 0, 8, 0, 500 * MS);
    assert_int_equal(t.rtt_ns, 10 * MS); /* the first one counts */

    /* Nobody knows which SYN was answered. */
    t = (struct tcp_track){0};
    tell(&t, 0, PACKET_SYN, 100, 0, 0, 1);
    assert_int_equal(tell(&t, 0, PACKET_SYN, 100, 0, 0, 1000 * MS), TCP_AGAIN);
    tell(&t, 1, PACKET_SYN | PACKET_ACK, 200, 101, 0, 1001 * MS);
    tell(&t, 0, PACKET_ACK, 101, 201, 0, 1002 * MS);
    assert_int_equal(t.rtt_ns, 0);

    /* Refused: that took a round trip, too. */
    t = (struct tcp_track){0};
    tell(&t, 0, PACKET_SYN, 100, 0, 0, 1 * MS);
    tell(&t, 1, PACKET_RST | PACKET_ACK, 0, 101, 0, 4 * MS);
    assert_int_equal(t.rtt_ns, 3 * MS);
    assert_true(tcp_closed(&t));

    /* A stray acknowledgement is none of the handshake. */
    t = (struct tcp_track){0};
    tell(&t, 0, PACKET_SYN, 100, 0, 0, 1 * MS);
    tell(&t, 1, PACKET_SYN | PACKET_ACK, 200, 101, 0, 2 * MS);
    tell(&t, 0, PACKET_ACK, 101, 999, 0, 3 * MS);
    assert_int_equal(t.rtt_ns, 0);
}

static void test_again(void **state)
{
    (void)state;
    struct tcp_track t = {0};
    const uint32_t start = UINT32_MAX - 150; /* wraps on the way */
    shake(&t, start - 1, 7);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(tell(&t, 0, PACKET_ACK, start + i * 100, 8, 100, (20 + i) * MS), TCP_NEW);
    assert_int_equal(tell(&t, 0, PACKET_ACK, start + 100, 8, 100, 30 * MS), TCP_AGAIN);
    /* Old and new bytes together. */
    assert_int_equal(tell(&t, 0, PACKET_ACK, start + 300, 8, 200, 31 * MS), TCP_AGAIN);
    assert_int_equal(tell(&t, 0, PACKET_ACK, start + 500, 8, 10, 32 * MS), TCP_NEW);
    /* A keep-alive has the byte before the next one, or none. */
    assert_int_equal(tell(&t, 0, PACKET_ACK, start + 509, 8, 1, 33 * MS), TCP_NEW);
    assert_int_equal(tell(&t, 0, PACKET_ACK, start + 509, 8, 0, 34 * MS), TCP_NEW);
    /* The other side has numbers of its own. */
    assert_int_equal(tell(&t, 1, PACKET_ACK, 8, start + 510, 50, 35 * MS), TCP_NEW);
    assert_int_equal(tell(&t, 1, PACKET_ACK, 8, start + 510, 50, 36 * MS), TCP_AGAIN);
    /* FIN takes a number. */
    assert_int_equal(tell(&t, 0, PACKET_FIN | PACKET_ACK, start + 510, 58, 0, 40 * MS), TCP_NEW);
    assert_int_equal(tell(&t, 0, PACKET_FIN | PACKET_ACK, start + 510, 58, 0, 41 * MS), TCP_AGAIN);
    assert_false(tcp_closed(&t));
    tell(&t, 1, PACKET_FIN | PACKET_ACK, 58, start + 511, 0, 42 * MS);
    assert_true(tcp_closed(&t));
}

static void test_disorder(void **state)
{
    (void)state;
    struct tcp_track t = {0};
    shake(&t, 99, 7); /* a round trip of 10 ms */
    tell(&t, 0, PACKET_ACK, 100, 8, 100, 20 * MS);
    assert_int_equal(tell(&t, 0, PACKET_ACK, 300, 8, 100, 21 * MS), TCP_NEW);
    assert_int_equal(tell(&t, 0, PACKET_ACK, 200, 8, 100, 22 * MS), TCP_DISORDER);
    assert_int_equal(t.side[0].holes, 0);
    assert_int_equal(tell(&t, 0, PACKET_ACK, 200, 8, 100, 23 * MS), TCP_AGAIN); /* filled */

    /* Later than a round trip: lost before this place, and sent again. */
    assert_int_equal(tell(&t, 0, PACKET_ACK, 500, 8, 100, 30 * MS), TCP_NEW);
    assert_int_equal(tell(&t, 0, PACKET_ACK, 400, 8, 100, 41 * MS), TCP_AGAIN);

    /* A hole that is filled from its middle leaves two. */
    assert_int_equal(tell(&t, 0, PACKET_ACK, 900, 8, 100, 50 * MS), TCP_NEW);
    assert_int_equal(tell(&t, 0, PACKET_ACK, 700, 8, 100, 51 * MS), TCP_DISORDER);
    assert_int_equal(t.side[0].holes, 2);
    assert_int_equal(tell(&t, 0, PACKET_ACK, 800, 8, 100, 52 * MS), TCP_DISORDER);
    assert_int_equal(tell(&t, 0, PACKET_ACK, 600, 8, 100, 53 * MS), TCP_DISORDER);
    assert_int_equal(t.side[0].holes, 0);

    /* More holes than are remembered: the oldest is forgotten, none is written beyond them. */
    for (uint32_t i = 0; i < 20; i++)
        tell(&t, 0, PACKET_ACK, 2000 + i * 200, 8, 100, 60 * MS);
    assert_int_equal(t.side[0].holes, TCP_HOLES);
    assert_int_equal(tell(&t, 0, PACKET_ACK, 2000 + 19 * 200 - 100, 8, 100, 61 * MS), TCP_DISORDER);
    assert_int_equal(tell(&t, 0, PACKET_ACK, 1900, 8, 100, 61 * MS), TCP_AGAIN);
}

static void test_begins_anew(void **state)
{
    (void)state;
    struct tcp_track t = {0};
    const struct tcp_segment same = {0, PACKET_SYN, 100, 0, 0, 1};
    const struct tcp_segment other = {0, PACKET_SYN, 5000, 0, 0, 1};
    const struct tcp_segment answer = {1, PACKET_SYN | PACKET_ACK, 5000, 101, 0, 1};
    assert_false(tcp_begins_anew(&t, &same)); /* nothing is known yet */
    shake(&t, 100, 7);
    assert_false(tcp_begins_anew(&t, &same));
    assert_true(tcp_begins_anew(&t, &other));
    assert_false(tcp_begins_anew(&t, &answer));
    tell(&t, 0, PACKET_RST, 101, 0, 0, 20);
    assert_true(tcp_begins_anew(&t, &same));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake),
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_disorder),
        cmocka_unit_test(test_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
