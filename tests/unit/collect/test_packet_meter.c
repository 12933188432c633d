/*
 * test_packet_meter.c: frames through the meter into tables: directions, tunnels, fragments,
 * lookups over UDP and TCP, silence, and limits that are counted.
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
#include "collect/packet/heard.h"
#include "collect/packet/meter.h"

#define S NS_PER_S
#define MS NS_PER_MS

struct frame {
    uint8_t data[2048];
    uint32_t len;
};

static void put(struct frame *f, const void *bytes, size_t len)
{
    memcpy(f->data + f->len, bytes, len);
    f->len += (uint32_t)len;
}

static void put16(struct frame *f, unsigned value)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};
    put(f, bytes, 2);
}

static void put_ip(struct frame *f, unsigned protocol, uint8_t from, uint8_t to, size_t payload,
                   unsigned fragment)
{
    const uint8_t ends[] = {10, 0, 0, from, 10, 0, 0, to};
    put16(f, 0x4500);
    put16(f, (unsigned)payload + 20);
    put16(f, 7);
    put16(f, fragment);
    put16(f, 64 << 8 | protocol);
    put16(f, 0);
    put(f, ends, 8);
}

static void put_udp(struct frame *f, unsigned from, unsigned to, const void *payload, size_t len)
{
    put16(f, from);
    put16(f, to);
    put16(f, (unsigned)len + 8);
    put16(f, 0);
    put(f, payload, len);
}

static void send_frame(struct meter *m, const struct frame *f, int64_t t_ns)
{
    meter_packet(m, PACKET_LINK_RAW, f->data, f->len, f->len, t_ns);
}

static void send_udp(struct meter *m, uint8_t from, uint8_t to, unsigned from_port,
                     unsigned to_port, const void *payload, size_t len, int64_t t_ns)
{
    struct frame f = {.len = 0};
    put_ip(&f, IPPROTO_UDP, from, to, len + 8, 0);
    put_udp(&f, from_port, to_port, payload, len);
    send_frame(m, &f, t_ns);
}

static void send_tcp(struct meter *m, bool back, uint8_t flags, uint32_t seq, uint32_t ack,
                     const void *payload, size_t len, int64_t t_ns)
{
    struct frame f = {.len = 0};
    put_ip(&f, IPPROTO_TCP, back ? 2 : 1, back ? 1 : 2, len + 20, 0);
    put16(&f, back ? 53 : 40000);
    put16(&f, back ? 40000 : 53);
    put16(&f, seq >> 16);
    put16(&f, seq);
    put16(&f, ack >> 16);
    put16(&f, ack);
    put16(&f, 0x5000U | flags);
    put16(&f, 1000);
    put16(&f, 0);
    put16(&f, 0);
    put(&f, payload, len);
    send_frame(m, &f, t_ns);
}

#define QUERY(id, name) id "\1\0\0\1\0\0\0\0\0\0" name "\0\0\1\0\1"
#define ANSWER(id, code, name) id "\x81" code "\0\1\0\0\0\0\0\0" name "\0\0\1\0\1"
#define BYTES(text) text, sizeof(text) - 1

static struct meter *make(void)
{
    struct meter_settings settings = METER_SETTINGS_DEFAULT;
    settings.flows_max = 64;
    settings.lookups_max = 8;
    settings.lookups_shown = 8;
    return meter_new(&settings);
}

static uint64_t count(struct meter *m, enum meter_count which)
{
    meter_publish(m);
    return meter_counter(m, which);
}

/* The row whose column has the text. */
static const struct cell *row_with(const struct table *t, size_t column, const char *text)
{
    for (size_t row = 0; row < t->rows_count; row++) {
        const struct cell *cell = table_cell(t, row, column);
        if (cell->type == CELL_TEXT && strcmp(cell->text, text) == 0)
            return table_cell(t, row, 0);
    }
    fail_msg("no row with %s", text);
    return NULL;
}

static void test_directions(void **state)
{
    (void)state;
    struct meter *m = make();
    /* The answer is seen first: the port tells who serves. */
    send_udp(m, 2, 1, 123, 40000, BYTES("12345678"), 5 * S);
    send_udp(m, 1, 2, 40000, 123, BYTES("1234"), 6 * S);
    struct table *t = meter_flows_table(m);
    assert_int_equal(t->rows_count, 1);
    const struct cell *row = row_with(t, FLOW_CLIENT, "10.0.0.1:40000");
    assert_string_equal(row[FLOW_SERVER].text, "10.0.0.2:123");
    assert_string_equal(row[FLOW_PROTOCOL].text, "udp");
    assert_int_equal(row[FLOW_TX_BYTES].uint, 32);
    assert_int_equal(row[FLOW_RX_BYTES].uint, 36);
    assert_int_equal(row[FLOW_PACKETS].uint, 2);
    assert_int_equal(row[FLOW_OPENED].uint, 5000);
    assert_int_equal(row[FLOW_RETRANSMITS].type, CELL_NULL);
    assert_int_equal(row[FLOW_APPLICATION].type, CELL_NULL);
    table_unref(t);
    assert_int_equal(count(m, METER_BYTES), 68);
    assert_int_equal(meter_application_bytes(m, 0), 68);
    meter_free(m);
}

static void test_tunnel(void **state)
{
    (void)state;
    struct meter *m = make();
    struct frame f = {.len = 0};
    put_ip(&f, IPPROTO_IPIP, 8, 9, 20 + 8 + 4, 0);
    put_ip(&f, IPPROTO_UDP, 1, 2, 8 + 4, 0);
    put_udp(&f, 3000, 2000, BYTES("abcd"));
    send_frame(m, &f, S);
    struct table *t = meter_flows_table(m);
    assert_int_equal(t->rows_count, 2);
    const struct cell *outer = row_with(t, FLOW_PROTOCOL, "4in4");
    const struct cell *inner = row_with(t, FLOW_PROTOCOL, "udp");
    assert_string_equal(outer[FLOW_CLIENT].text, "10.0.0.8");
    assert_string_equal(inner[FLOW_CLIENT].text, "10.0.0.1:3000");
    assert_int_equal(outer[FLOW_TX_BYTES].uint, 52);
    assert_int_equal(inner[FLOW_TX_BYTES].uint, 52);
    table_unref(t);
    count(m, METER_FLOWS);
    assert_int_equal(meter_application_bytes(m, 0), 52); /* once */
    meter_free(m);
}

static void test_fragments(void **state)
{
    (void)state;
    struct meter *m = make();
    struct frame first = {.len = 0}, later = {.len = 0};
    put_ip(&first, IPPROTO_UDP, 1, 2, 8 + 8, 0x2000);
    put_udp(&first, 3000, 2000, BYTES("12345678"));
    put_ip(&later, IPPROTO_UDP, 1, 2, 8, 2);
    put(&later, "12345678", 8);
    send_frame(m, &later, S);
    assert_int_equal(count(m, METER_FRAGMENTS_LOST), 1);
    send_frame(m, &first, S);
    send_frame(m, &later, S);
    assert_int_equal(count(m, METER_FRAGMENTS_LOST), 1);
    struct table *t = meter_flows_table(m);
    assert_int_equal(t->rows_count, 2);
    assert_int_equal(row_with(t, FLOW_CLIENT, "10.0.0.1:3000")[FLOW_PACKETS].uint, 2);
    assert_int_equal(row_with(t, FLOW_CLIENT, "10.0.0.1")[FLOW_PACKETS].uint, 1);
    table_unref(t);
    meter_free(m);
}

static void test_lookups(void **state)
{
    (void)state;
    struct meter *m = make();
    struct lookup_counts counts;
    send_udp(m, 1, 2, 4000, 53, BYTES(QUERY("\0\1", "\1a")), S);
    send_udp(m, 1, 2, 4000, 53, BYTES(QUERY("\0\2", "\1b")), S);
    send_udp(m, 1, 2, 4000, 53, BYTES(QUERY("\0\1", "\1a")), 2 * S); /* asked again */
    send_udp(m, 2, 1, 53, 4000, BYTES(ANSWER("\0\2", "\x83", "\1B")), S + 30 * MS);
    send_udp(m, 2, 1, 53, 4000, BYTES(ANSWER("\0\1", "\x80", "\1a")), S + 1200 * MS);
    send_udp(m, 2, 1, 53, 4000, BYTES(ANSWER("\0\1", "\x80", "\1a")), S + 1300 * MS); /* again */
    send_udp(m, 1, 2, 4000, 53, BYTES(QUERY("\0\3", "\1c")), 3 * S);
    send_udp(m, 2, 1, 53, 4000, BYTES(ANSWER("\0\3", "\x80", "\1x")), 3 * S + MS); /* forged */
    send_udp(m, 1, 2, 4000, 53, BYTES("not DNS"), 3 * S);
    struct table *t = meter_lookups_table(m);
    const struct cell *b = row_with(t, DNS_NAME, "b"), *a = row_with(t, DNS_NAME, "a");
    assert_string_equal(b[DNS_RCODE].text, "NXDOMAIN");
    assert_string_equal(b[DNS_TYPE].text, "A");
    assert_string_equal(b[DNS_SERVER].text, "10.0.0.2:53");
    assert_int_equal(b[DNS_T].uint, 1000);
    assert_true(b[DNS_LATENCY_MS].real > 29.999 && b[DNS_LATENCY_MS].real < 30.001);
    assert_int_equal(a[DNS_LATENCY_MS].type, CELL_NULL); /* newest first: the repeated answer */
    assert_int_equal(row_with(t, DNS_NAME, "x")[DNS_LATENCY_MS].type, CELL_NULL);
    assert_int_equal(t->rows_count, 4);
    table_unref(t);
    assert_int_equal(count(m, METER_DNS_BAD), 1);
    meter_tidy(m, 14 * S);
    count(m, METER_PACKETS);
    meter_lookup_counts(m, &counts);
    assert_int_equal(counts.outcome[0], 3);
    assert_int_equal(counts.outcome[3], 1);
    assert_int_equal(counts.outcome[LOOKUP_NO_ANSWER], 1); /* c */
    assert_int_equal(counts.answered, 2);
    assert_int_equal(counts.sum_ns, 1230 * MS);
    assert_string_equal(lookup_outcome_name(LOOKUP_NO_ANSWER), "none");

    /* More questions than may wait. */
    for (unsigned i = 0; i < 20; i++) {
        char query[] = QUERY("\1\0", "\1q");
        query[1] = (char)i;
        send_udp(m, 1, 2, 4000, 53, query, sizeof(query) - 1, 20 * S + i);
    }
    assert_int_equal(count(m, METER_DNS_EVICTED), 12);
    meter_finish(m);
    count(m, METER_PACKETS);
    meter_lookup_counts(m, &counts);
    assert_int_equal(counts.outcome[LOOKUP_NO_ANSWER], 9);
    meter_free(m);
}

/* A name pointed to, type A, class IN, a TTL of `ttl`, four bytes. */
#define RECORD(ttl, address) "\xc0\x0c\0\1\0\1\0\0\0" ttl "\0\4" address
#define TOLD(id, name, record) id "\x81\x80\0\1\0\1\0\0\0\0" name "\0\0\1\0\1" record

static void test_names(void **state)
{
    (void)state;
    struct meter *m = make();
    assert_null(heard_freeze(meter_heard(m)));
    send_udp(m, 1, 2, 4000, 53, BYTES(QUERY("\0\1", "\1A")), S);
    /* About something else, from somewhere else, unasked: no names. */
    send_udp(m, 2, 1, 53, 4000, BYTES(TOLD("\0\1", "\1x", RECORD("\7", "\1\1\1\1"))), S);
    send_udp(m, 3, 1, 53, 4000, BYTES(TOLD("\0\1", "\1a", RECORD("\7", "\1\1\1\2"))), S);
    send_udp(m, 2, 1, 53, 4000, BYTES(TOLD("\0\2", "\1a", RECORD("\7", "\1\1\1\3"))), S);
    assert_null(heard_freeze(meter_heard(m)));
    send_udp(m, 2, 1, 53, 4000, BYTES(TOLD("\0\1", "\1a", RECORD("\7", "\1\1\1\4"))), S + MS);
    send_udp(m, 2, 1, 53, 4000, BYTES(TOLD("\0\1", "\1a", RECORD("\7", "\1\1\1\5"))), S + MS);
    struct heard_names *names = heard_freeze(meter_heard(m));
    assert_non_null(names);
    assert_int_equal(names->first, 0);
    assert_int_equal(names->count, 1); /* the second answer answers nothing any more */
    assert_int_equal(names->names[0].family, 4);
    assert_memory_equal(names->names[0].address, "\1\1\1\4", 4);
    assert_int_equal(names->names[0].ttl_s, 7);
    assert_string_equal(names->names[0].name, "A");
    message_unref(&names->msg);
    heard_forget(meter_heard(m), 1);
    assert_null(heard_freeze(meter_heard(m)));

    /* More than may wait: the numbers tell how many are missing. */
    for (unsigned i = 0; i < HEARD_MAX + 100; i++) {
        char query[] = QUERY("\0\0", "\1q"), told[] = TOLD("\0\0", "\1q", RECORD("\1", "\1\1\1\1"));
        query[0] = told[0] = (char)(i >> 8);
        query[1] = told[1] = (char)i;
        send_udp(m, 1, 2, 4000, 53, query, sizeof(query) - 1, 2 * S);
        send_udp(m, 2, 1, 53, 4000, told, sizeof(told) - 1, 2 * S);
    }
    heard_forget(meter_heard(m), 50); /* somebody who is late */
    names = heard_freeze(meter_heard(m));
    assert_int_equal(names->first, 101);
    assert_int_equal(names->count, HEARD_MAX);
    message_unref(&names->msg);
    meter_free(m);
}

static void test_dns_over_tcp(void **state)
{
    (void)state;
    static const char query[] = "\0\x13" QUERY("\0\1", "\1a");
    static const char answer[] = "\0\x13" ANSWER("\0\1", "\x80", "\1a");
    struct meter *m = make();
    send_tcp(m, false, PACKET_SYN, 99, 0, "", 0, S);
    send_tcp(m, true, PACKET_SYN | PACKET_ACK, 499, 100, "", 0, S + MS);
    send_tcp(m, false, PACKET_ACK, 100, 500, "", 0, S + 2 * MS);
    /* In two pieces, the first of which comes twice. */
    send_tcp(m, false, PACKET_ACK, 100, 500, query, 9, S + 3 * MS);
    send_tcp(m, false, PACKET_ACK, 100, 500, query, 9, S + 4 * MS);
    send_tcp(m, false, PACKET_ACK, 109, 500, query + 9, sizeof(query) - 10, S + 5 * MS);
    send_tcp(m, true, PACKET_ACK, 500, 121, answer, sizeof(answer) - 1, S + 9 * MS);
    struct table *t = meter_lookups_table(m);
    assert_int_equal(t->rows_count, 1);
    const struct cell *row = row_with(t, DNS_NAME, "a");
    assert_string_equal(row[DNS_RCODE].text, "NOERROR");
    assert_true(row[DNS_LATENCY_MS].real > 3.999 && row[DNS_LATENCY_MS].real < 4.001);
    table_unref(t);
    t = meter_flows_table(m);
    row = row_with(t, FLOW_PROTOCOL, "tcp");
    assert_int_equal(row[FLOW_RETRANSMITS].uint, 1);
    assert_true(row[FLOW_RTT_MS].real > 1.999 && row[FLOW_RTT_MS].real < 2.001);
    table_unref(t);
    assert_int_equal(count(m, METER_DNS_GAPS), 0);
    /* A hole: where the next message begins is not known any more. */
    send_tcp(m, false, PACKET_ACK, 300, 521, query, sizeof(query) - 1, 2 * S);
    send_tcp(m, false, PACKET_ACK, 321, 521, query, sizeof(query) - 1, 2 * S);
    assert_int_equal(count(m, METER_DNS_GAPS), 1);
    /* Another connection between the same ends starts afresh. */
    send_tcp(m, false, PACKET_SYN, 9099, 0, "", 0, 5 * S);
    send_tcp(m, false, PACKET_ACK, 9100, 1, query, sizeof(query) - 1, 5 * S);
    assert_int_equal(count(m, METER_DNS_GAPS), 1);
    assert_int_equal(count(m, METER_FLOWS), 2);
    meter_free(m);
}

static void test_silence(void **state)
{
    (void)state;
    struct meter *m = make();
    for (unsigned i = 0; i < 100; i++)
        send_udp(m, 1, 2, 3000 + i, 2000, BYTES("x"), S + i);
    assert_int_equal(count(m, METER_FLOWS), 64);
    assert_int_equal(count(m, METER_FLOWS_EVICTED), 36);
    assert_int_equal(count(m, METER_FLOWS_BEGUN), 100);
    send_udp(m, 1, 2, 3099, 2000, BYTES("x"), 200 * S);
    meter_tidy(m, 302 * S);
    assert_int_equal(count(m, METER_FLOWS), 1);
    assert_int_equal(meter_application_bytes(m, 0), count(m, METER_BYTES)); /* none is forgotten */
    meter_free(m);
}

/* The capture thread asks ten times a second, with or without packets; flows are walked once. */
static void test_tidied_once_a_second(void **state)
{
    (void)state;
    struct meter *m = make();
    unsigned walks = 0;
    send_udp(m, 1, 2, 3000, 2000, BYTES("x"), S);
    for (int64_t t = S; t <= 302 * S; t += 100 * MS)
        walks += meter_tidy_due(m, t);
    assert_in_range(walks, 300, 302);
    assert_int_equal(count(m, METER_FLOWS), 0); /* silent for 300 s */
    assert_true(meter_tidy_due(m, 100 * S));    /* a clock that was set back holds nothing up */
    assert_false(meter_tidy_due(m, 100 * S + 100 * MS));
    meter_free(m);
}

static void test_limits(void **state)
{
    (void)state;
    struct meter_settings settings = METER_SETTINGS_DEFAULT;
    settings.rows_max = 3;
    struct meter *m = meter_new(&settings);
    for (unsigned i = 0; i < 10; i++)
        send_udp(m, 1, 2, 3000 + i, 2000, BYTES("x"), S + i);
    struct table *t = meter_flows_table(m);
    assert_int_equal(t->rows_count, 3);
    row_with(t, FLOW_CLIENT, "10.0.0.1:3009"); /* the newest */
    table_unref(t);
    assert_int_equal(count(m, METER_FLOWS), 10);
    /* What is wrong is counted by why. */
    meter_packet(m, PACKET_LINK_RAW, (const uint8_t *)"\x45", 1, 40, S);
    meter_packet(m, PACKET_LINK_RAW, (const uint8_t *)"\x45", 1, 1, S);
    meter_packet(m, 147, (const uint8_t *)"\x45", 1, 1, S);
    meter_packet(m, PACKET_LINK_RAW, (const uint8_t *)"", 0, 0, S);
    assert_int_equal(count(m, METER_CUT), 1);
    assert_int_equal(count(m, METER_BROKEN), 2);
    assert_int_equal(count(m, METER_FOREIGN), 1);
    assert_int_equal(count(m, METER_PACKETS), 14);
    meter_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directions), cmocka_unit_test(test_tunnel),
        cmocka_unit_test(test_fragments),  cmocka_unit_test(test_lookups),
        cmocka_unit_test(test_names),      cmocka_unit_test(test_dns_over_tcp),
        cmocka_unit_test(test_silence),    cmocka_unit_test(test_tidied_once_a_second),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
