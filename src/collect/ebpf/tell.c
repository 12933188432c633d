/*
 * tell.c: see tell.h. The kernel names a process by pid and start in nanoseconds since boot, /proc
 * by the same in clock ticks; sockets of this network namespace have number 0 in the census, as
 * those of sock_diag.
 */
#include "collect/ebpf/tell.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/defs.h"
#include "collect/ebpf/records.h"

#define METHOD "ebpf"
#define RECORDS_MAX 32768 /* of a round; the ring holds fewer */

void tell_init(struct tell *t, const char *proc_root)
{
    char path[256];
    struct stat netns;
    long ticks = sysconf(_SC_CLK_TCK);
    *t = (struct tell){.ticks_ns = (uint64_t)NS_PER_S / (uint64_t)(ticks > 0 ? ticks : 100)};
    snprintf(path, sizeof(path), "%s/self/ns/net", proc_root);
    if (stat(path, &netns) == 0)
        t->own_netns = netns.st_ino;
    t->questions = dns_questions_new();
}

void tell_fini(struct tell *t)
{
    dns_questions_free(t->questions);
}

void tell_begin(struct tell *t, struct census *census, bool traffic, bool connections)
{
    t->census = census;
    t->traffic = traffic;
    t->connections = connections;
    if (connections)
        census_await_ends(census);
    t->wall_ms_at_0 = clock_wall_ms() - clock_mono_ns() / NS_PER_MS;
}

static int64_t wall_ms(const struct tell *t, uint64_t mono_ns)
{
    return t->wall_ms_at_0 + (int64_t)(mono_ns / (uint64_t)NS_PER_MS);
}

/* From BPF_ENDED_AT, which is less than an hour ago. */
static int64_t ended_ms(const struct tell *t, uint32_t ended)
{
    uint64_t now_ns = (uint64_t)clock_mono_ns();
    uint32_t ago = (BPF_ENDED_AT(now_ns) - ended) & 0x3fffff; /* reads may be some seconds apart */
    return wall_ms(t, now_ns - MIN((uint64_t)ago << 20, now_ns));
}

static uint64_t netns_of(const struct tell *t, uint32_t inode)
{
    return inode == t->own_netns ? 0 : inode;
}

static struct process_seen process_of(const struct tell *t, const struct bpf_process_key *key,
                                      uint32_t uid, uint64_t cgroup_id,
                                      const char command[BPF_COMMAND_MAX])
{
    struct process_seen seen = {
        .pid = key->pid,
        .start_ticks = key->start_boot_ns / t->ticks_ns,
        .uid = uid,
        .cgroup_id = cgroup_id,
    };
    memcpy(seen.command, command, sizeof(seen.command));
    seen.command[sizeof(seen.command) - 1] = '\0';
    return seen;
}

static struct process_seen owner_of(const struct tell *t, const struct bpf_owner *owner)
{
    return process_of(t, &owner->process, owner->uid, owner->cgroup_id, owner->command);
}

static struct endpoint endpoint_of(uint8_t family, const uint8_t address[16], uint16_t port)
{
    struct endpoint e = {.family = family, .port = port};
    memcpy(e.address, address, sizeof(e.address));
    return e;
}

/* ---- connections --------------------------------------------------------------------------- */

static struct socket_seen socket_of(const struct tell *t, const struct bpf_record_socket *r)
{
    static const uint8_t directions[] = {
        [BPF_DIRECTION_UNKNOWN] = DIRECTION_UNKNOWN,
        [BPF_DIRECTION_IN] = DIRECTION_IN,
        [BPF_DIRECTION_OUT] = DIRECTION_OUT,
    };
    struct socket_seen seen = {
        .cookie = r->cookie,
        .netns = netns_of(t, r->netns),
        .protocol = IPPROTO_TCP,
        .state = r->state,
        .direction = directions[r->direction],
        .local = endpoint_of(r->family, r->local, r->local_port),
        .remote = endpoint_of(r->family, r->remote, r->remote_port),
        .uid = r->owner.uid,
        /* The dump of this namespace has newer ones, and its rates are of whole rounds. */
        .has_bytes = r->head.kind != BPF_RECORD_RESENT || netns_of(t, r->netns),
        .rx_bytes = r->rx_bytes,
        .tx_bytes = r->tx_bytes,
        .has_quality = true,
        .quality = {.rtt_us = r->srtt_us, .retransmits = r->retransmits},
        .connect_us = r->connect_us,
        .opened_ms = r->opened_ns ? wall_ms(t, r->opened_ns) : 0,
        .method = METHOD,
    };
    return seen;
}

static void tell_socket(struct tell *t, const struct bpf_record_socket *r)
{
    struct socket_seen seen = socket_of(t, r);
    if (!t->connections)
        return;
    /* One that was never established is told by its end, and by what it had to send again. */
    if (r->head.kind != BPF_RECORD_CLOSED)
        census_socket(t->census, &seen);
    if (r->owner.process.pid) {
        struct process_seen owner = owner_of(t, &r->owner);
        census_owner(t->census, seen.netns, seen.cookie, &owner);
    }
    if (r->head.kind == BPF_RECORD_CLOSED) {
        census_socket_closed(t->census, &seen, wall_ms(t, r->head.time_ns));
        if (r->srtt_us)
            census_round_trip(t->census, (int64_t)r->srtt_us * 1000);
    } else if (r->head.kind == BPF_RECORD_OPENED && r->connect_us) {
        census_connect_time(t->census, (int64_t)r->connect_us * 1000);
    }
}

static void tell_owner(struct tell *t, const struct bpf_record_owner *r)
{
    struct process_seen owner = owner_of(t, &r->owner);
    if (r->owner.process.pid)
        census_owner(t->census, netns_of(t, r->netns), r->cookie, &owner);
}

static void tell_record(void *user, const uint8_t *data, size_t len)
{
    struct tell *t = user;
    struct record record;
    if (record_parse(data, len, &record) < 0) {
        t->bad_records++;
        return;
    }
    switch (record.kind) {
    case BPF_RECORD_OPENED:
    case BPF_RECORD_CLOSED:
    case BPF_RECORD_RESENT:
        tell_socket(t, &record.socket);
        break;
    case BPF_RECORD_OWNER:
        tell_owner(t, &record.owner);
        break;
    case BPF_RECORD_DNS:
        dns_questions_take(t->questions, &record.dns, wall_ms(t, record.head.time_ns), t->census);
        break;
    }
}

int tell_drain(struct tell *t, struct ring *ring)
{
    int count = ring_map_drain(ring, RECORDS_MAX, tell_record, t);
    if (count < 0)
        t->bad_records++;
    dns_questions_expire(t->questions, clock_mono_ns(), t->census);
    return MIN(count, 0);
}

/* ---- processes ----------------------------------------------------------------------------- */

void tell_traffic(void *user, const struct bpf_process_key *key,
                  const struct bpf_process *increment)
{
    struct tell *t = user;
    struct process_seen seen =
        process_of(t, key, increment->uid, increment->cgroup_id, increment->command);
    /* One call for each direction: so the census knows how much of it was local. */
    const struct traffic received = {.rx_bytes = increment->rx_bytes + increment->rx_local_bytes,
                                     .local_bytes = increment->rx_local_bytes};
    const struct traffic sent = {.tx_bytes = increment->tx_bytes + increment->tx_local_bytes,
                                 .local_bytes = increment->tx_local_bytes};
    if (t->traffic && received.rx_bytes)
        census_traffic(t->census, &seen, &received, METHOD);
    if (t->traffic && sent.tx_bytes)
        census_traffic(t->census, &seen, &sent, METHOD);
    if (increment->ended)
        census_process_ended(t->census, &seen, ended_ms(t, increment->ended));
}
