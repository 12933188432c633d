/*
 * test_ebpf.c: what the ebpf engine makes of bytes from the kernel, without the kernel: the ring,
 * its records, sums of processes, names of drop reasons, what a kernel's BTF offers, DNS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/mem.h"
#include "collect/census/result.h"
#include "collect/ebpf/dns.h"
#include "collect/ebpf/processes.h"
#include "collect/ebpf/records.h"
#include "collect/ebpf/ring.h"
#include "collect/ebpf/support.h"
#include "collect/ebpf/totals.h"

/* ---- the ring: as the kernel writes it ------------------------------------------------------- */

#define RING_BYTES 4096

struct made_ring {
    uint64_t consumer, producer;
    _Alignas(8) uint8_t data[RING_BYTES];
    struct ring *ring;
    size_t count, bytes;
    uint8_t first[256]; /* first byte of each record that was taken */
};

static void put(struct made_ring *m, uint32_t flags, const void *data, uint32_t len)
{
    size_t at = m->producer & (RING_BYTES - 1);
    uint8_t record[RING_BYTES] = {0};
    uint32_t word = len | flags;
    size_t step = (len + 8 + 7) & ~(size_t)7;
    memcpy(record, &word, sizeof(word));
    memcpy(record + 8, data, len);
    for (size_t i = 0; i < step; i++)
        m->data[(at + i) % RING_BYTES] = record[i];
    m->producer += step;
}

static void take(void *user, const uint8_t *data, size_t len)
{
    struct made_ring *m = user;
    m->first[m->count++ % sizeof(m->first)] = len ? data[0] : 0;
    m->bytes += len;
    for (size_t i = 1; i < len; i++)
        assert_int_equal(data[i], data[0]); /* whole, also from both ends of the ring */
}

static struct made_ring *ring_begin(void)
{
    struct made_ring *m = mem_alloc(sizeof(*m));
    m->ring = ring_map_over(&m->consumer, &m->producer, m->data, RING_BYTES);
    return m;
}

static void ring_end(struct made_ring *m)
{
    ring_map_free(m->ring);
    free(m);
}

static void test_ring_goes_round(void **state)
{
    struct made_ring *m = ring_begin();
    uint8_t data[501];
    size_t bytes = 0;
    (void)state;
    for (unsigned i = 0; i < 1000; i++) { /* many times round, at every place */
        uint32_t len = 1 + i * 7 % 500;
        memset(data, (int)(i & 0xff), sizeof(data));
        put(m, 0, data, len);
        bytes += len;
        assert_int_equal(ring_map_drain(m->ring, 100, take, m), 1);
        assert_int_equal(m->first[i % 256], i & 0xff);
    }
    assert_int_equal(m->bytes, bytes);
    assert_int_equal(m->consumer, m->producer);
    assert_int_equal(ring_map_drain(m->ring, 100, take, m), 0);
    ring_end(m);
}

/* Nobody writes records so long; what is cut in two and longer is told as an empty one. */
static void test_ring_long_records(void **state)
{
    struct made_ring *m = ring_begin();
    uint8_t data[1500];
    (void)state;
    memset(data, 7, sizeof(data));
    for (unsigned i = 0; i < 3; i++) {
        put(m, 0, data, sizeof(data));
        assert_int_equal(ring_map_drain(m->ring, 100, take, m), 1);
    }
    assert_int_equal(m->count, 3);
    assert_int_equal(m->bytes, 2 * sizeof(data)); /* two lay in one piece */
    put(m, 0, "a", 1);
    assert_int_equal(ring_map_drain(m->ring, 100, take, m), 1); /* and goes on */
    assert_int_equal(m->first[3], 'a');
    ring_end(m);
}

static void test_ring_states(void **state)
{
    struct made_ring *m = ring_begin();
    (void)state;
    put(m, 0, "a", 1);
    put(m, BPF_RINGBUF_DISCARD_BIT, "b", 1);
    size_t at = m->producer;
    put(m, BPF_RINGBUF_BUSY_BIT, "c", 1);
    put(m, 0, "d", 1);
    assert_int_equal(ring_map_drain(m->ring, 100, take, m), 2); /* up to the one in the making */
    assert_int_equal(m->count, 1);
    assert_int_equal(m->consumer, at);
    m->data[at + 3] = 0; /* it is ready */
    assert_int_equal(ring_map_drain(m->ring, 1, take, m), 1);
    assert_int_equal(m->count, 2);
    assert_int_equal(ring_map_drain(m->ring, 100, take, m), 1);
    assert_memory_equal(m->first, "acd", 3);
    ring_end(m);
}

static void test_ring_nonsense(void **state)
{
    (void)state;
    struct made_ring *m = ring_begin();
    put(m, 0, "a", 1);
    m->data[1] = 0x10; /* 4097 bytes */
    assert_int_equal(ring_map_drain(m->ring, 100, take, m), -EBADMSG);
    assert_int_equal(m->count, 0);
    assert_int_equal(m->consumer, m->producer); /* skipped */
    m->producer = m->consumer + RING_BYTES + 8;
    assert_int_equal(ring_map_drain(m->ring, 100, take, m), -EBADMSG);
    m->consumer = m->producer - 4; /* in the middle of a head */
    assert_int_equal(ring_map_drain(m->ring, 100, take, m), -EBADMSG);
    m->consumer = m->producer + 8;
    assert_int_equal(ring_map_drain(m->ring, 100, take, m), -EBADMSG);
    assert_int_equal(ring_map_drain(m->ring, 100, take, m), 0); /* and goes on */
    ring_end(m);
}

/* ---- records --------------------------------------------------------------------------------- */

static void test_records(void **state)
{
    (void)state;
    struct record record;
    struct bpf_record_socket s = {
        .head = {BPF_ABI_VERSION, BPF_RECORD_CLOSED, sizeof(s), 1},
        .family = AF_INET6,
        .direction = BPF_DIRECTION_OUT,
    };
    memset(s.owner.command, 'x', sizeof(s.owner.command)); /* no NUL */
    const uint8_t *bytes = (const uint8_t *)&s;
    assert_int_equal(record_parse(bytes, sizeof(s), &record), 0);
    assert_int_equal(record.kind, BPF_RECORD_CLOSED);
    assert_int_equal(strlen(record.socket.owner.command), BPF_COMMAND_MAX - 1);
    for (size_t len = 0; len < sizeof(s); len++)
        assert_int_equal(record_parse(bytes, len, &record), -EBADMSG);
    struct bpf_record_socket bad[5];
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        bad[i] = s;
    bad[0].head.version++;
    bad[1].head.kind = 99;
    bad[2].head.size--;
    bad[3].family = AF_UNIX;
    bad[4].direction = BPF_DIRECTION_OUT + 1;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(record_parse((const uint8_t *)&bad[i], sizeof(s), &record), -EBADMSG);
    struct bpf_record_dns d = {
        .head = {BPF_ABI_VERSION, BPF_RECORD_DNS, sizeof(d), 1},
        .family = AF_INET,
        .message_bytes = 40,
        .kept_bytes = 40,
    };
    assert_int_equal(record_parse((const uint8_t *)&d, sizeof(d), &record), 0);
    d.kept_bytes = 41; /* more than there was */
    assert_int_equal(record_parse((const uint8_t *)&d, sizeof(d), &record), -EBADMSG);
    d.message_bytes = d.kept_bytes = BPF_DNS_BYTES + 1;
    assert_int_equal(record_parse((const uint8_t *)&d, sizeof(d), &record), -EBADMSG);
}

/* ---- processes ------------------------------------------------------------------------------- */

struct sum {
    uint64_t rx, tx, local;
    unsigned calls, ends;
};

static void add(void *user, const struct bpf_process_key *key, const struct bpf_process *p)
{
    struct sum *sum = user;
    (void)key;
    sum->rx += p->rx_bytes + p->rx_local_bytes;
    sum->tx += p->tx_bytes + p->tx_local_bytes;
    sum->local += p->rx_local_bytes + p->tx_local_bytes;
    sum->calls++;
    sum->ends += p->ended != 0;
}

static void test_increments(void **state)
{
    (void)state;
    struct sum sum = {0};
    const struct processes_sink sink = {.traffic = add, .user = &sum};
    struct processes *p = processes_new();
    const struct bpf_process_key key = {.start_boot_ns = 7, .pid = 1}, again = {8, 1, 0};
    struct bpf_process now = {.rx_bytes = 10, .tx_local_bytes = 5};
    for (int round = 0; round < 3; round++) { /* the same sums add nothing */
        processes_begin(p);
        processes_take(p, &key, &now, &sink);
        processes_take(p, &key, &now, &sink); /* a walk may show an entry twice */
        processes_end(p);
    }
    assert_int_equal(sum.calls, 1);
    assert_int_equal(sum.rx, 10);
    assert_int_equal(sum.local, 5);
    processes_begin(p);
    now = (struct bpf_process){.rx_bytes = 25, .tx_local_bytes = 5, .ended = 3};
    processes_take(p, &key, &now, &sink);
    /* The pid is used again. */
    now = (struct bpf_process){.tx_bytes = 100};
    processes_take(p, &again, &now, &sink);
    processes_end(p);
    assert_int_equal(sum.rx, 25);
    assert_int_equal(sum.tx, 105);
    assert_int_equal(sum.ends, 1);
    assert_int_equal(processes_count(p), 2);
    processes_begin(p);
    processes_take(p, &again, &now, &sink);
    processes_end(p);
    assert_int_equal(processes_count(p), 1);
    assert_int_equal(sum.tx, 105);
    processes_free(p);
    processes_free(NULL);
}

/* xorshift (Marsaglia, 2003). */
static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Against a plain array, with processes that come, grow, end and whose places are used again. */
static void test_increments_of_many(void **state)
{
    enum { COUNT = 3000 };
    (void)state;
    static struct {
        struct bpf_process_key key;
        struct bpf_process value;
        bool alive;
    } model[COUNT];
    struct sum sum = {0};
    uint64_t expected = 0;
    const struct processes_sink sink = {.traffic = add, .user = &sum};
    struct processes *p = processes_new();
    uint32_t random = 4;
    for (unsigned round = 0; round < 60; round++) {
        processes_begin(p);
        for (uint32_t i = 0; i < COUNT; i++) {
            if (!model[i].alive && next_random(&random) % 4 == 0) {
                model[i].alive = true;
                model[i].key = (struct bpf_process_key){round, i, 0};
                model[i].value = (struct bpf_process){0};
            }
            if (!model[i].alive)
                continue;
            unsigned grows = next_random(&random) % 3 * 1000;
            model[i].value.rx_bytes += grows;
            model[i].value.tx_local_bytes += grows;
            expected += grows;
            model[i].value.ended = next_random(&random) % 5 == 0;
            processes_take(p, &model[i].key, &model[i].value, &sink);
            model[i].alive = !model[i].value.ended;
        }
        processes_end(p);
        assert_int_equal(sum.rx, expected);
        assert_int_equal(sum.tx, expected);
    }
    processes_free(p);
}

/* ---- DNS ------------------------------------------------------------------------------------- */

/* A question for the one label's address, or the answer to it without any record. */
static struct bpf_record_dns dns_record(bool answer, const char *label)
{
    struct bpf_record_dns r = {
        .head = {BPF_ABI_VERSION, BPF_RECORD_DNS, sizeof(r), answer ? 3000000 : 1000000},
        .family = AF_INET,
        .local_port = 40000,
        .remote_port = 53,
        .answer = answer,
    };
    const uint8_t head[12] = {0, 9, answer ? 0x80 : 0, 0, 0, 1}, end[] = {0, 0, 1, 0, 1};
    size_t len = strlen(label), at = sizeof(head);
    memcpy(r.message, head, sizeof(head));
    r.message[at++] = (uint8_t)len;
    memcpy(r.message + at, label, len);
    at += len;
    memcpy(r.message + at, end, sizeof(end));
    r.message_bytes = r.kept_bytes = (uint16_t)(at + sizeof(end));
    return r;
}

/* With the number and the ends of the question, but about another name. */
static void test_dns_of_another_name(void **state)
{
    const struct census_settings settings = {.proc_root = "/nonexistent",
                                             .sockets_max = 16,
                                             .processes_max = 16,
                                             .process_series_max = 4,
                                             .ended_keep_ms = 1000};
    const struct bpf_record_dns records[] = {dns_record(false, "asked"), dns_record(true, "forged"),
                                             dns_record(true, "AsKeD")};
    const size_t events[] = {0, 0, 1};
    struct dns_questions *q = dns_questions_new();
    struct census *census = census_new(&settings);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(records); i++) {
        census_begin(census, 1000 + (int64_t)i, 1000 + (int64_t)i);
        dns_questions_take(q, &records[i], 1000, census);
        struct message *msg = census_end(census);
        const struct census_result *result = CONTAINER_OF(msg, struct census_result, msg);
        assert_int_equal(result->events_count, events[i]);
        if (events[i])
            assert_int_equal(result->events[0]->kind, EVENT_DNS);
        message_unref(msg);
    }
    census_free(census);
    dns_questions_free(q);
}

/* ---- names and support ----------------------------------------------------------------------- */

static void test_reason_names(void **state)
{
    static const char *const cases[][2] = {
        {"SKB_DROP_REASON_NO_SOCKET", "no_socket"},
        {"SKB_CONSUMED", "skb_consumed"},
        {"", ""},
        {"a\"b\nC", "a_b_c"},
    };
    char out[BPF_REASON_NAME_MAX], longest[2 * BPF_REASON_NAME_MAX];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        totals_reason_name(cases[i][0], out);
        assert_string_equal(out, cases[i][1]);
    }
    memset(longest, 'A', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    totals_reason_name(longest, out);
    assert_int_equal(strlen(out), BPF_REASON_NAME_MAX - 1);
}

static void write_btf(const char *root, const char *data, size_t len, size_t before)
{
    char path[256];
    static const char *const folders[] = {"", "/kernel", "/kernel/btf"};
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        snprintf(path, sizeof(path), "%s%s", root, folders[i]);
        mkdir(path, 0700);
    }
    snprintf(path, sizeof(path), "%s/kernel/btf/vmlinux", root);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < before; i++)
        fputc('x', file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    fclose(file);
}

static void write_sysctl(const char *root, const char *value)
{
    char path[256];
    snprintf(path, sizeof(path), "mkdir -p %s/sys/kernel", root);
    assert_int_equal(system(path), 0);
    snprintf(path, sizeof(path), "%s/sys/kernel/unprivileged_bpf_disabled", root);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(value, file) >= 0);
    fclose(file);
}

static void test_support(void **state)
{
    static const char all[] = "\0btf_trace_sock_send_length\0btf_trace_sock_recv_length"
                              "\0btf_trace_inet_sock_set_state\0btf_trace_kfree_skb"
                              "\0skb_drop_reason\0__cgroup_bpf_run_filter_skb"
                              "\0btf_trace_net_dev_queue\0btf_trace_netif_receive_skb"
                              "\0btf_trace_tcp_retransmit_skb";
    static const char old[] = "\0btf_trace_sock_send_lengthy\0btf_trace_inet_sock_set_state"
                              "\0btf_trace_kfree_skb\0__cgroup_bpf_run_filter_skb";
    const uint32_t everything = BPF_PART_BIT(BPF_PARTS) - 1;
    char root[] = "/tmp/netsonde-btf-XXXXXX";
    struct bpf_support s;
    (void)state;
    assert_non_null(mkdtemp(root));
    bpf_support_read(root, root, "6.18.1", &s);
    assert_int_equal(s.parts, 0);
    assert_non_null(strstr(s.reason, "cannot be read: No such file"));
    assert_non_null(strstr(s.remedy, "CONFIG_DEBUG_INFO_BTF"));
    /* At any place: also across the portions in which the file is read. */
    for (size_t before = 65536 - sizeof(all); before <= 65536; before++) {
        write_btf(root, all, sizeof(all), before);
        bpf_support_read(root, root, "6.18.1", &s);
        assert_int_equal(s.parts, everything);
        assert_string_equal(s.reason, "");
    }
    write_btf(root, old, sizeof(old), 0);
    bpf_support_read(root, root, "5.15.0-1-amd64", &s);
    assert_int_equal(s.parts,
                     BPF_PART_BIT(BPF_PART_TRAFFIC_PORTABLE) | BPF_PART_BIT(BPF_PART_CONNECTIONS));
    assert_non_null(strstr(s.reason, "sock_send_length (Linux 6.3)"));
    assert_non_null(strstr(s.reason, "reasons of kfree_skb (Linux 5.17)"));
    bpf_support_read(root, root, "5.10.0", &s);
    assert_int_equal(s.parts, 0);
    assert_non_null(strstr(s.reason, "socket storage in tracing programs (Linux 5.11)"));
    /* What main may read without privileges, which is all that it has. */
    static const struct {
        const char *release, *sysctl;
        bool readable;
    } kernels[] = {{"5.18.9", "2\n", false},
                   {"5.18.9", "1\n", false},
                   {"5.18.9", "0\n", true},
                   {"5.19.0", "2\n", true}};
    write_btf(root, all, sizeof(all), 0);
    for (size_t i = 0; i < ARRAY_LEN(kernels); i++) {
        write_sysctl(root, kernels[i].sysctl);
        bpf_support_read(root, root, kernels[i].release, &s);
        assert_int_equal(s.parts, kernels[i].readable ? everything : 0);
        assert_int_equal(!*s.reason, kernels[i].readable);
        assert_int_equal(strstr(s.remedy, "kernel.unprivileged_bpf_disabled=0") != NULL,
                         !kernels[i].readable);
    }
    char path[256];
    snprintf(path, sizeof(path), "rm -r %s", root);
    assert_int_equal(system(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring_goes_round),
        cmocka_unit_test(test_ring_long_records),
        cmocka_unit_test(test_ring_states),
        cmocka_unit_test(test_ring_nonsense),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_increments),
        cmocka_unit_test(test_increments_of_many),
        cmocka_unit_test(test_reason_names),
        cmocka_unit_test(test_support),
        cmocka_unit_test(test_dns_of_another_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
