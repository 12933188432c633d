/*
 * tcp.c: see tcp.h. A direction is its highest number and a few holes below it. What comes below
 * the highest number and lies in no hole was seen before: a retransmission. What fills a hole was
 * lost on its way here and is sent again, or took another way: the latter when it comes within a
 * round trip, because the sender could not yet know (3 ms where no round trip was measured, as
 * Wireshark has it).
 */
#include "collect/packet/tcp.h"

#include <string.h>

#include "base/defs.h"
#include "wire/packet.h"

#define DISORDER_NS (3 * NS_PER_MS)

static int32_t distance(uint32_t from, uint32_t to)
{
    return (int32_t)(to - from);
}

bool tcp_begins_anew(const struct tcp_track *t, const struct tcp_segment *s)
{
    const struct tcp_side *own = &t->side[s->side];
    if ((s->flags & (PACKET_SYN | PACKET_ACK)) != PACKET_SYN)
        return false;
    return tcp_closed(t) || (own->began && own->first != s->seq);
}

bool tcp_closed(const struct tcp_track *t)
{
    return t->reset || (t->side[0].ended && t->side[1].ended);
}

static void follow_handshake(struct tcp_track *t, const struct tcp_segment *s)
{
    struct tcp_side *own = &t->side[s->side];
    const struct tcp_side *peer = &t->side[!s->side];
    if (s->flags & PACKET_SYN) {
        int64_t *when = s->flags & PACKET_ACK ? &t->answer_ns : &t->syn_ns;
        t->ambiguous |= *when != 0;
        *when = s->t_ns;
        own->began = true;
        own->first = s->seq;
        return;
    }
    bool refuses = (s->flags & PACKET_RST) && peer->began && !t->answer_ns;
    if (refuses && t->syn_ns && !t->ambiguous && (s->flags & PACKET_ACK) &&
        s->ack == peer->first + 1 && s->t_ns > t->syn_ns)
        t->rtt_ns = s->t_ns - t->syn_ns;
    if (!t->rtt_ns && t->syn_ns && t->answer_ns && !t->ambiguous && (s->flags & PACKET_ACK) &&
        own->began && peer->began && s->seq == own->first + 1 && s->ack == peer->first + 1 &&
        s->t_ns > t->syn_ns)
        t->rtt_ns = s->t_ns - t->syn_ns;
}

static void hole_add(struct tcp_side *own, uint32_t from, uint32_t to)
{
    if (own->holes == TCP_HOLES)
        memmove(own->hole, own->hole + 1, sizeof(own->hole[0]) * --own->holes);
    own->hole[own->holes].from = from;
    own->hole[own->holes++].to = to;
}

static void hole_remove(struct tcp_side *own, unsigned i)
{
    own->holes--;
    memmove(own->hole + i, own->hole + i + 1, sizeof(own->hole[0]) * (own->holes - i));
}

/* Whether [from, to) lies in a hole, which is filled by that much. */
static bool hole_fill(struct tcp_side *own, uint32_t from, uint32_t to)
{
    for (unsigned i = 0; i < own->holes; i++) {
        uint32_t first = own->hole[i].from, last = own->hole[i].to;
        if (distance(first, from) < 0 || distance(from, last) <= 0)
            continue;
        if (distance(to, last) <= 0) {
            if (from == first)
                hole_remove(own, i);
            else
                own->hole[i].to = from;
            return true;
        }
        own->hole[i].from = to;
        if (from != first)
            hole_add(own, first, from);
        return true;
    }
    return false;
}

enum tcp_verdict tcp_follow(struct tcp_track *t, const struct tcp_segment *s)
{
    struct tcp_side *own = &t->side[s->side];
    follow_handshake(t, s);
    if (s->flags & PACKET_RST) {
        t->reset = true; /* whatever number it has is nobody's payload */
        return TCP_NEW;
    }
    uint32_t bytes = s->payload_bytes + !!(s->flags & PACKET_SYN) + !!(s->flags & PACKET_FIN);
    own->ended |= s->flags & PACKET_FIN;
    if (!bytes)
        return TCP_NEW;
    uint32_t end = s->seq + bytes;
    int32_t ahead = own->known ? distance(own->next, s->seq) : 0;
    if (ahead >= 0) {
        if (ahead > 0)
            hole_add(own, own->next, s->seq);
        own->known = true;
        own->next = end;
        own->moved_ns = s->t_ns;
        return TCP_NEW;
    }
    bool keep_alive = s->payload_bytes <= 1 && bytes == s->payload_bytes && ahead == -1;
    if (keep_alive)
        return TCP_NEW;
    int64_t limit_ns = t->rtt_ns ? t->rtt_ns : DISORDER_NS;
    bool in_hole = hole_fill(own, s->seq, end);
    if (distance(own->next, end) > 0) {
        own->next = end; /* old bytes and new ones in one segment */
        own->moved_ns = s->t_ns;
    }
    return in_hole && s->t_ns - own->moved_ns < limit_ns ? TCP_DISORDER : TCP_AGAIN;
}
