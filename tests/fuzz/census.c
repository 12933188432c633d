/*
 * census.c: any bytes as what engines tell the census: sockets by cookie or addresses, few of each
 * so that they meet, owners, bytes, ends, dumps that are complete or not, rounds with and without a
 * result in between. What must hold whatever is told is checked after each round: rows have ids of
 * their own, texts are UTF-8, and bytes of processes and of series are all that was ever counted.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/text.h"
#include "collect/census.h"
#include "collect/census/result.h"

struct input {
    const uint8_t *at, *end;
};

struct told {
    struct census *census;
    int64_t now_ms;
    uint64_t counted; /* bytes of processes */
    uint64_t groups;  /* sum of the series in the last result */
};

static uint8_t byte(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static const char *method(uint8_t choice)
{
    static const char *const methods[] = {"ebpf", "sock_diag", "procfs"};
    return methods[choice % ARRAY_LEN(methods)];
}

static struct socket_seen socket_of(struct input *in)
{
    uint8_t what = byte(in), ends = byte(in), bytes = byte(in), more = byte(in);
    struct socket_seen s = {
        .cookie = what & 7,
        .netns = what & 8 ? 77 : 0,
        .protocol = what & 16 ? IPPROTO_UDP : IPPROTO_TCP,
        .state = more % (SOCKET_STATES + 2),
        .direction = more >> 6 & 1,
        .local = {.family = ends & 1 ? AF_INET6 : AF_INET, .port = (uint16_t)(ends >> 1 & 3)},
        .remote = {.family = ends & 1 ? AF_INET6 : AF_INET, .port = (uint16_t)(ends >> 3 & 3)},
        .inode = what >> 5 & 3,
        .has_bytes = bytes & 1,
        .rx_bytes = (uint64_t)bytes << 3,
        .tx_bytes = bytes,
        .has_quality = bytes & 2,
        .quality = {.rtt_us = bytes, .retransmits = bytes >> 4},
        .method = method(ends >> 5),
    };
    s.local.address[15] = ends >> 7;
    s.remote.address[0] = more & 32 ? 127 : 10;
    return s;
}

static struct process_seen process_of(struct input *in)
{
    uint8_t which = byte(in), name = byte(in);
    struct process_seen p = {
        .pid = UINT32_MAX - (which & 7), .start_ticks = which >> 3 & 3, .uid = which >> 5};
    p.pid = which == 255 ? 0 : p.pid;
    p.cgroup_id = name & 1;
    memset(p.command, name, name % (sizeof(p.command) + 1));
    return p;
}

static void check_table(const struct table *t)
{
    for (size_t i = 0; i < t->rows_count; i++) {
        for (size_t j = 0; j < t->schema->columns_count; j++) {
            const struct cell *c = table_cell(t, i, j);
            if (c->type == CELL_TEXT)
                CHECK(text_utf8_valid(c->text, strlen(c->text)) == strlen(c->text));
        }
        for (size_t j = 0; j < i; j++)
            CHECK(table_cell(t, i, 0)->uint != table_cell(t, j, 0)->uint);
    }
}

static void end_round(struct told *told, bool sockets_count)
{
    struct census_result *r = CONTAINER_OF(census_end(told->census), struct census_result, msg);
    uint64_t rows = 0, groups = 0;
    for (size_t i = 0; i < TABLE_KINDS; i++) {
        if (r->tables[i])
            check_table(r->tables[i]);
    }
    const struct table *t = r->tables[TABLE_PROCESSES];
    for (size_t i = 0; i < t->rows_count; i++)
        rows += table_cell(t, i, PROC_RX_BYTES)->uint + table_cell(t, i, PROC_TX_BYTES)->uint;
    for (size_t i = 0; i < r->groups_count; i++)
        groups += r->groups[i].rx + r->groups[i].tx;
    /* When nobody counts any more the rows of those without bytes say nothing: zero either way. */
    CHECK(rows == groups && groups >= told->groups);
    CHECK(sockets_count || groups == told->groups + told->counted);
    CHECK(r->groups_count <= 4);
    told->groups = groups;
    told->counted = 0;
    message_unref(&r->msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct census_settings settings = {
        .proc_root = "/nonexistent",
        .sockets_max = 12,
        .processes_max = 6,
        .process_series_max = 3,
        .ended_keep_ms = 3000,
        .users_file = "/nonexistent",
    };
    struct input in = {data, data + size};
    struct told told = {.census = census_new(&settings), .now_ms = 1000000};
    while (in.at < in.end) {
        uint8_t mode = byte(&in);
        told.now_ms += mode & 1 ? 1000 : -10;
        census_begin(told.census, told.now_ms, (int64_t)(in.at - data) * NS_PER_S);
        bool sockets_count = mode & 2;
        census_count_sockets(told.census, sockets_count);
        census_make_events(told.census, !(mode & 4));
        for (uint8_t calls = mode >> 3; calls && in.at < in.end; calls--) {
            uint8_t call = byte(&in) % 8;
            struct process_seen process;
            struct socket_seen socket;
            if (call < 3) {
                socket = socket_of(&in);
                census_socket(told.census, &socket);
            } else if (call == 3) {
                socket = socket_of(&in);
                census_socket_closed(told.census, &socket, told.now_ms);
            } else if (call == 4) {
                uint8_t cookie = byte(&in);
                process = process_of(&in);
                census_owner(told.census, cookie & 8 ? 77 : 0, cookie & 7, &process);
            } else if (call == 5) {
                process = process_of(&in);
                struct traffic t = {.rx_bytes = byte(&in), .tx_bytes = byte(&in)};
                t.local_bytes = t.rx_bytes / 2;
                census_traffic(told.census, &process, &t, method(byte(&in)));
                told.counted += t.rx_bytes + t.tx_bytes;
            } else if (call == 6) {
                process = process_of(&in);
                census_process_ended(told.census, &process, told.now_ms);
            } else {
                uint8_t what = byte(&in);
                if (what & 128)
                    census_await_ends(told.census);
                if (what & 64)
                    census_traffic_complete(told.census, "ebpf");
                census_sockets_complete(told.census, method(what));
            }
        }
        end_round(&told, sockets_count);
    }
    census_free(told.census);
    return 0;
}
