/*
 * probe.c: how a viewer is doing, in numbers: its round trip, how late ticks reach it, its row.
 *
 * Round trip: each viewer gets a ping once a heartbeat, and soon after it came. The ping carries
 * the number of the station's round; the pong that has the same one is its answer. Only one is
 * under way at a time, and none is sent behind other bytes: it would measure the queue.
 *
 * Latency: `ack` names a tick that the viewer has; see performance.h for what is between. Ticks
 * from before the viewer's newest subscription do not count, since what a subscription begins with
 * is as old as it is. Nor do more than two a second, nor one twice: a viewer weighs as much as
 * another.
 */
#include "hub/viewer_internal.h"

#include <string.h>

#include "base/clock.h"
#include "base/complaints.h"
#include "hub/performance.h"
#include "net/conn.h"

#define ACK_LEAST_NS (NS_PER_S / 2) /* a second, give or take what timers of browsers do */

/* The conn's peer is the proxy's client from the upgrade on: conn_set_client. */
void viewer_complain(const struct viewer *v, const char *cause)
{
    char who[NET_ADDRESS_TEXT_MAX];
    net_address_format_ip(conn_peer(v->conn), who);
    complaints_add(station_settings(v->station)->complaints, "hub", cause, 1, who, clock_mono_ns());
}

bool viewer_ping(struct viewer *v, struct bytes *frame, uint64_t round)
{
    if (viewer_is_ending(v) || conn_queued_bytes(v->conn) > 0)
        return false;
    v->ping_round = round;
    v->ping_ns = clock_mono_ns();
    conn_send(v->conn, frame);
    return true;
}

bool viewer_was_pinged(const struct viewer *v)
{
    return v->ping_ns != 0;
}

void viewer_pong(struct viewer *v, const uint8_t *data, size_t len)
{
    uint64_t round;
    if (len != sizeof(round))
        return;
    memcpy(&round, data, sizeof(round));
    if (!v->ping_round || round != v->ping_round)
        return;
    v->ping_round = 0;
    v->round_trip_ns = clock_mono_ns() - v->ping_ns;
    timing_record(&station_timings(v->station)->round_trip, v->round_trip_ns);
}

void viewer_begin_acks(struct viewer *v)
{
    const struct tick *newest = tick_ring_newest(station_ring(v->station));
    v->acked_seq = MAX(v->acked_seq, newest ? newest->seq : 0);
}

void viewer_ack(struct viewer *v, uint64_t seq)
{
    const struct tick_ring *ring = station_ring(v->station);
    int64_t now_ns = clock_mono_ns();
    if (seq <= v->acked_seq || (v->acked_ns && now_ns - v->acked_ns < ACK_LEAST_NS))
        return;
    size_t at = tick_ring_after(ring, seq - 1);
    const struct tick *t = at < tick_ring_count(ring) ? tick_ring_at(ring, at) : NULL;
    if (!t || t->seq != seq)
        return; /* the ring has forgotten it, or it never was */
    v->acked_seq = seq;
    v->acked_ns = now_ns;
    v->latency_ns = now_ns - t->read_mono_ns;
    timing_record(&station_timings(v->station)->delivery, v->latency_ns);
}

int viewer_compare_trouble(const void *a, const void *b)
{
    const struct viewer *x = *(struct viewer *const *)a, *y = *(struct viewer *const *)b;
    size_t queue_x = conn_queued_bytes(x->conn), queue_y = conn_queued_bytes(y->conn);
    if (queue_x != queue_y)
        return queue_x < queue_y ? 1 : -1;
    if (x->conflated != y->conflated)
        return x->conflated < y->conflated ? 1 : -1;
    return (x->latency_ns < y->latency_ns) - (x->latency_ns > y->latency_ns);
}

void viewer_put_row(const struct viewer *v, struct buf *rows)
{
    char address[NET_ADDRESS_TEXT_MAX];
    const struct net_address *peer = conn_peer(v->conn);
    if (peer->port)
        net_address_format(peer, address);
    else
        net_address_format_ip(peer, address); /* a proxy's client: its port is not known here */
    struct performance_row row = {
        .id = v->number,
        .connected_ms = v->connected_ms,
        .address = address,
        .admin = v->admin,
        .messages = v->messages,
        .bytes = v->bytes,
        .queue_bytes = conn_queued_bytes(v->conn),
        .conflated = v->conflated,
        .dropped = v->dropped,
        .round_trip_ns = v->round_trip_ns,
        .latency_ns = v->latency_ns,
    };
    for (int c = 0; c < CHANNELS; c++) {
        if (v->subs[c] && v->subs[c]->feed != FEED_NONE)
            row.subscriptions[row.subscriptions_count++] = channel_name((enum channel)c);
    }
    performance_put_row(rows, &row);
}
