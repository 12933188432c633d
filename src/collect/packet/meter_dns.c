/*
 * meter_dns.c: DNS messages out of datagrams and out of connections to port 53.
 *
 * A connection is followed byte by byte from its SYN on: what came before is not known, so one that
 * began unseen is left alone. A hole ends following that direction, which is counted: where the
 * next message begins cannot be known any more.
 */
#include <stdlib.h>

#include "base/defs.h"
#include "base/mem.h"
#include "collect/packet/meter_internal.h"
#include "wire/dns.h"

#define CONNECTIONS_MAX 1024

struct dns_connection {
    struct {
        bool begun, lost;
        uint32_t next;
        struct dns_stream stream;
    } side[2];
};

/* Only an answer to what was asked, and that says so, names anything: others can be sent by
 * anybody. */
static void names_told(struct meter *m, const char *name, const uint8_t *data, size_t captured)
{
    struct dns_walk walk;
    struct dns_address address;
    dns_walk_begin(&walk, data, captured);
    while (dns_walk_next(&walk, &address))
        heard_add(m->heard, &address, name);
}

static void message(struct meter *m, const struct flow *f, uint8_t sender, const uint8_t *data,
                    size_t captured, size_t bytes, int64_t t_ns)
{
    struct dns_message dns;
    if (dns_parse(data, captured, bytes, &dns) < 0) {
        m->count[METER_DNS_BAD]++;
        return;
    }
    const char *asked = lookups_message(m->lookups, &f->key, sender, &dns, t_ns);
    if (asked && dns.type)
        names_told(m, asked, data, captured);
}

void meter_dns_datagram(struct meter *m, const struct flow *f, uint8_t sender,
                        const struct packet *p, int64_t t_ns)
{
    /* The rest of one that came in fragments is not looked at. */
    bool rest = p->layer[p->layers_count - 1].fragment;
    message(m, f, sender, p->payload, p->payload_captured_bytes, rest ? SIZE_MAX : p->payload_bytes,
            t_ns);
}

void meter_dns_segment(struct meter *m, struct flow *f, uint8_t sender, const struct packet *p,
                       int64_t t_ns)
{
    const struct tcp_side *tcp = &f->tcp.side[sender];
    if (!f->dns) {
        if (!tcp->began || m->dns_connections == CONNECTIONS_MAX) {
            m->count[METER_DNS_GAPS]++;
            return;
        }
        f->dns = mem_alloc(sizeof(*f->dns));
        m->dns_connections++;
    }
    __typeof__(&f->dns->side[0]) own = &f->dns->side[sender];
    if (own->lost)
        return;
    if (!own->begun) {
        own->next = tcp->first + 1;
        own->begun = true;
        own->lost = !tcp->began;
    }
    const uint8_t *data = p->payload;
    uint32_t captured = p->payload_captured_bytes, bytes = p->payload_bytes;
    int32_t ahead = (int32_t)(p->tcp_seq - own->next);
    if (ahead > 0 || own->lost) {
        own->lost = true;
        m->count[METER_DNS_GAPS]++;
        return;
    }
    uint32_t old = own->next - p->tcp_seq;
    if (old >= bytes)
        return; /* sent again */
    own->next += bytes - old;
    for (uint32_t at = old; at < captured;) {
        bool whole;
        at += (uint32_t)dns_stream_feed(&own->stream, data + at, captured - at, &whole);
        if (whole) /* what is not kept was not cut by the capture, but is not looked at either */
            message(m, f, sender, own->stream.data, own->stream.kept, SIZE_MAX, t_ns);
    }
    if (captured == bytes)
        return;
    if (own->stream.message_bytes)
        message(m, f, sender, own->stream.data, own->stream.kept, SIZE_MAX, t_ns);
    own->lost = true;
    m->count[METER_DNS_GAPS]++;
}

void meter_dns_end(struct meter *m, struct flow *f)
{
    if (!f->dns)
        return;
    free(TAKE(f->dns));
    m->dns_connections--;
}
