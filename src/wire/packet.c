/*
 * packet.c: see packet.h. A cursor goes through the frame: where it is, how many bytes were
 * captured from there on, and how many there were on the wire. `need` is the only place that lets
 * a header be read; `shrink` applies a length that a header claims. Each step returns the next one,
 * so tunnels are a loop, not a recursion, and every loop has a bound.
 */
#include "wire/packet.h"

#include <netinet/in.h>
#include <stddef.h>

#include "base/check.h"
#include "base/load.h"

enum step {
    STEP_END,
    STEP_ETHERNET,
    STEP_ETHERTYPE, /* d->ethertype says what comes */
    STEP_PPP,
    STEP_IP, /* the version tells */
    STEP_IPV4,
    STEP_IPV6,
    STEP_TRANSPORT,
    STEP_GRE,
    STEP_VXLAN,
};

#define TAGS_MAX 8        /* VLAN tags in a row */
#define EXTENSIONS_MAX 16 /* headers of IPv6 in a row */
#define STEPS_MAX 24      /* turns of the loop */

#define VXLAN_PORT 4789
#define LEAST_ETHERTYPE 0x600 /* below it is a length: IEEE 802.3 */

enum {
    TYPE_IPV4 = 0x0800,
    TYPE_TRANSPARENT = 0x6558, /* Ethernet in GRE */
    TYPE_VLAN = 0x8100,
    TYPE_IPV6 = 0x86dd,
    TYPE_PPPOE = 0x8864,
    TYPE_QINQ = 0x88a8,
    TYPE_QINQ_OLD = 0x9100,
    TYPE_QINQ_OLDER = 0x9200,
};

struct decoder {
    const uint8_t *at;
    uint32_t captured, wire; /* bytes from here on; captured <= wire */
    uint16_t ethertype;
    uint8_t tunnel;
    uint32_t tunnel_id;
    struct packet *out;
};

static enum step stop(struct decoder *d, enum packet_flaw flaw)
{
    d->out->flaw = (uint8_t)flaw;
    return STEP_END;
}

/* Are so many bytes there? If not, the flaw is noted. */
static bool need(struct decoder *d, uint32_t bytes)
{
    if (d->captured >= bytes)
        return true;
    d->out->flaw = d->wire >= bytes ? PACKET_CUT : PACKET_BROKEN;
    return false;
}

static void skip(struct decoder *d, uint32_t bytes)
{
    d->at += bytes;
    d->captured -= bytes;
    d->wire -= bytes;
}

/* A header says how many bytes follow. More than the frame had is a flaw, and the frame is right.
 */
static void shrink(struct decoder *d, uint32_t bytes)
{
    if (bytes > d->wire) {
        d->out->flaw = PACKET_BROKEN;
        return;
    }
    d->wire = bytes;
    d->captured = d->captured < bytes ? d->captured : bytes;
}

/* ---- links --------------------------------------------------------------------------------- */

static enum step decode_ethernet(struct decoder *d)
{
    if (!need(d, 14))
        return STEP_END;
    d->ethertype = load_be16(d->at + 12);
    skip(d, 14);
    return STEP_ETHERTYPE;
}

static enum step decode_llc(struct decoder *d)
{
    static const uint8_t snap[] = {0xaa, 0xaa, 0x03};
    shrink(d, d->ethertype);
    if (!need(d, 8))
        return STEP_END;
    if (d->at[0] != snap[0] || d->at[1] != snap[1] || d->at[2] != snap[2] || d->at[3] || d->at[4] ||
        d->at[5])
        return stop(d, PACKET_FOREIGN);
    d->ethertype = load_be16(d->at + 6);
    skip(d, 8);
    return d->ethertype >= LEAST_ETHERTYPE ? STEP_ETHERTYPE : stop(d, PACKET_FOREIGN);
}

static enum step decode_ppp(struct decoder *d)
{
    if (!need(d, 2))
        return STEP_END;
    uint16_t protocol = load_be16(d->at);
    skip(d, 2);
    return protocol == 0x0021   ? STEP_IPV4
           : protocol == 0x0057 ? STEP_IPV6
                                : stop(d, PACKET_FOREIGN);
}

static bool is_tag(uint16_t type)
{
    return type == TYPE_VLAN || type == TYPE_QINQ || type == TYPE_QINQ_OLD ||
           type == TYPE_QINQ_OLDER;
}

static enum step decode_ethertype(struct decoder *d)
{
    if (d->ethertype == TYPE_IPV4)
        return STEP_IPV4;
    for (unsigned tags = 0; is_tag(d->ethertype); tags++) {
        if (tags == TAGS_MAX)
            return stop(d, PACKET_DEEP);
        if (!need(d, 4))
            return STEP_END;
        if (d->out->vlans_count < PACKET_VLANS_MAX)
            d->out->vlan[d->out->vlans_count++] = load_be16(d->at) & 0xfff;
        d->ethertype = load_be16(d->at + 2);
        skip(d, 4);
    }
    switch (d->ethertype) {
    case TYPE_IPV4:
        return STEP_IPV4;
    case TYPE_IPV6:
        return STEP_IPV6;
    case TYPE_TRANSPARENT:
        return STEP_ETHERNET;
    case TYPE_PPPOE:
        if (!need(d, 6))
            return STEP_END;
        if (d->at[0] != 0x11 || d->at[1] != 0)
            return stop(d, PACKET_FOREIGN);
        uint16_t bytes = load_be16(d->at + 4);
        skip(d, 6);
        shrink(d, bytes);
        return STEP_PPP;
    default:
        return d->ethertype < LEAST_ETHERTYPE ? decode_llc(d) : stop(d, PACKET_FOREIGN);
    }
}

/* AF_INET is 2 everywhere, AF_INET6 10 on Linux, 24, 28 and 30 on the BSDs and macOS. In NULL the
 * order of the bytes is that of whoever captured. */
static enum step decode_null(struct decoder *d, bool network_order)
{
    if (!need(d, 4))
        return STEP_END;
    uint32_t family = load_be32(d->at);
    if (!network_order && family > 0xffff)
        family = load_le32(d->at);
    skip(d, 4);
    if (family == 2)
        return STEP_IPV4;
    return family == 10 || family == 24 || family == 28 || family == 30 ? STEP_IPV6
                                                                        : stop(d, PACKET_FOREIGN);
}

static enum step decode_cooked(struct decoder *d, uint32_t header, uint32_t type_at)
{
    if (!need(d, header))
        return STEP_END;
    d->ethertype = load_be16(d->at + type_at);
    skip(d, header);
    /* Small numbers are not lengths here but kinds of frames: 1 Novell, 4 LLC, ... */
    return d->ethertype >= LEAST_ETHERTYPE ? STEP_ETHERTYPE : stop(d, PACKET_FOREIGN);
}

static enum step decode_link(struct decoder *d, uint32_t link)
{
    switch (link) {
    case PACKET_LINK_ETHERNET:
        return STEP_ETHERNET;
    case PACKET_LINK_NULL:
    case PACKET_LINK_LOOP:
        return decode_null(d, link == PACKET_LINK_LOOP);
    case PACKET_LINK_RAW:
        return STEP_IP;
    case PACKET_LINK_IPV4:
        return STEP_IPV4;
    case PACKET_LINK_IPV6:
        return STEP_IPV6;
    case PACKET_LINK_SLL:
        return decode_cooked(d, 16, 14);
    case PACKET_LINK_SLL2:
        return decode_cooked(d, 20, 0);
    default:
        return stop(d, PACKET_FOREIGN);
    }
}

/* ---- IP ------------------------------------------------------------------------------------ */

static struct packet_layer *add_layer(struct decoder *d, uint8_t family)
{
    struct packet *p = d->out;
    if (p->layers_count == PACKET_LAYERS_MAX) {
        p->flaw = PACKET_DEEP;
        return NULL;
    }
    /* What the layer around it said of its payload is not this one's. */
    p->payload = NULL;
    p->payload_captured_bytes = p->payload_bytes = 0;
    struct packet_layer *layer = &p->layer[p->layers_count++];
    *layer = (struct packet_layer){
        .family = family,
        .tunnel = d->tunnel,
        .tunnel_id = d->tunnel_id,
        .first = true,
        .ip = d->at,
    };
    return layer;
}

static enum step decode_ip(struct decoder *d)
{
    if (!need(d, 1))
        return STEP_END;
    uint8_t version = d->at[0] >> 4;
    return version == 4 ? STEP_IPV4 : version == 6 ? STEP_IPV6 : stop(d, PACKET_BROKEN);
}

static enum step decode_ipv4(struct decoder *d)
{
    if (!need(d, 20))
        return STEP_END;
    uint32_t header = (d->at[0] & 0xfU) * 4;
    if (d->at[0] >> 4 != 4 || header < 20)
        return stop(d, PACKET_BROKEN);
    struct packet_layer *layer = add_layer(d, 4);
    if (!layer)
        return STEP_END;
    uint16_t total = load_be16(d->at + 2), offset = load_be16(d->at + 6);
    layer->fragment_id = load_be16(d->at + 4);
    layer->fragment = offset & 0x3fff;
    layer->first = !(offset & 0x1fff);
    layer->protocol = d->at[9];
    layer->address[0] = d->at + 12;
    layer->address[1] = d->at + 16;
    /* 0: left to the card (segmentation offload). */
    if (total)
        shrink(d, total);
    layer->ip_captured_bytes = d->captured;
    if (total && total < header)
        return stop(d, PACKET_BROKEN);
    if (!need(d, header))
        return STEP_END;
    skip(d, header);
    return STEP_TRANSPORT;
}

/* From the first next-header to the transport's; false: there is none, the flaw is noted. */
static bool skip_extensions(struct decoder *d, struct packet_layer *layer, uint8_t next)
{
    for (unsigned i = 0; i < EXTENSIONS_MAX; i++) {
        uint32_t bytes = 8;
        layer->protocol = next;
        switch (next) {
        case IPPROTO_HOPOPTS:
        case IPPROTO_ROUTING:
        case IPPROTO_DSTOPTS:
        case 135: /* mobility, RFC 6275 */
        case 139: /* host identity, RFC 7401 */
        case 140: /* shim6, RFC 5533 */
            if (!need(d, 8))
                return false;
            bytes += d->at[1] * 8U;
            break;
        case IPPROTO_AH:
            if (!need(d, 8))
                return false;
            bytes = (d->at[1] + 2U) * 4;
            break;
        case IPPROTO_FRAGMENT: {
            if (!need(d, 8))
                return false;
            uint16_t offset = load_be16(d->at + 2);
            layer->fragment_id = load_be32(d->at + 4);
            layer->fragment = offset & 0xfff9;
            layer->first = !(offset & 0xfff8);
            break;
        }
        default:
            return true;
        }
        next = d->at[0];
        bool fragment = layer->protocol == IPPROTO_FRAGMENT;
        layer->protocol = next;
        if (!need(d, bytes))
            return false;
        skip(d, bytes);
        /* What follows in a later fragment is no header. */
        if (fragment && !layer->first)
            return true;
    }
    d->out->flaw = PACKET_DEEP;
    return false;
}

static enum step decode_ipv6(struct decoder *d)
{
    if (!need(d, 40))
        return STEP_END;
    if (d->at[0] >> 4 != 6)
        return stop(d, PACKET_BROKEN);
    struct packet_layer *layer = add_layer(d, 6);
    if (!layer)
        return STEP_END;
    uint16_t bytes = load_be16(d->at + 4);
    uint8_t next = d->at[6];
    layer->protocol = next;
    layer->address[0] = d->at + 8;
    layer->address[1] = d->at + 24;
    /* 0: a jumbogram (RFC 2675), or left to the card; then the frame's length is the packet's. */
    if (bytes)
        shrink(d, bytes + 40U);
    layer->ip_captured_bytes = d->captured;
    skip(d, 40);
    return skip_extensions(d, layer, next) ? STEP_TRANSPORT : STEP_END;
}

/* ---- what IP carries ----------------------------------------------------------------------- */

static void decode_tcp(struct decoder *d)
{
    if (!need(d, 20))
        return;
    uint32_t header = (d->at[12] >> 4) * 4U;
    if (header < 20 || header > d->wire) {
        d->out->flaw = PACKET_BROKEN;
        return;
    }
    d->out->has_tcp = true;
    d->out->tcp_flags = d->at[13];
    d->out->tcp_window = load_be16(d->at + 14);
    d->out->tcp_seq = load_be32(d->at + 4);
    d->out->tcp_ack = load_be32(d->at + 8);
    d->out->payload_bytes = d->wire - header;
    if (!need(d, header))
        return;
    d->out->payload = d->at + header;
    d->out->payload_captured_bytes = d->captured - header;
}

static enum step decode_udp(struct decoder *d, const struct packet_layer *layer)
{
    if (!need(d, 8))
        return STEP_END;
    uint16_t bytes = load_be16(d->at + 4);
    /* Of several fragments the length is that of all together. 0: a jumbogram, or IPv4's checksum
     * offload by careless senders. */
    if (bytes && bytes < 8)
        return stop(d, PACKET_BROKEN);
    if (bytes && !layer->fragment)
        shrink(d, bytes);
    skip(d, 8);
    d->out->payload = d->at;
    d->out->payload_captured_bytes = d->captured;
    d->out->payload_bytes = d->wire;
    return layer->ports[1] == VXLAN_PORT && !layer->fragment ? STEP_VXLAN : STEP_END;
}

/* A header that is not VXLAN's is somebody else's datagram on that port. */
static enum step decode_vxlan(struct decoder *d)
{
    if (d->captured < 8 || d->at[0] != 0x08 || d->at[1] || d->at[2] || d->at[3] || d->at[7])
        return STEP_END;
    d->tunnel = PACKET_TUNNEL_VXLAN;
    d->tunnel_id = load_be32(d->at + 4) >> 8;
    skip(d, 8);
    return STEP_ETHERNET;
}

static enum step decode_gre(struct decoder *d)
{
    if (!need(d, 4))
        return STEP_END;
    uint16_t flags = load_be16(d->at), type = load_be16(d->at + 2);
    bool checksum = flags & 0x8000, routing = flags & 0x4000, key = flags & 0x2000,
         sequence = flags & 0x1000;
    /* Version 1 is PPTP's, with PPP in it; routing is long obsolete (RFC 2784). */
    if ((flags & 0x7) || routing)
        return stop(d, PACKET_FOREIGN);
    uint32_t header = 4 + (checksum ? 4U : 0) + (key ? 4U : 0) + (sequence ? 4U : 0);
    if (!need(d, header))
        return STEP_END;
    d->tunnel = PACKET_TUNNEL_GRE;
    d->tunnel_id = key ? load_be32(d->at + 4 + (checksum ? 4 : 0)) : 0;
    d->ethertype = type;
    skip(d, header);
    return type >= LEAST_ETHERTYPE ? STEP_ETHERTYPE : stop(d, PACKET_FOREIGN);
}

static enum step decode_transport(struct decoder *d)
{
    struct packet_layer *layer = &d->out->layer[d->out->layers_count - 1];
    if (!layer->first)
        return STEP_END;
    switch (layer->protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
    case IPPROTO_SCTP:
    case IPPROTO_DCCP:
        if (!need(d, 4))
            return STEP_END;
        layer->has_ports = true;
        layer->ports[0] = load_be16(d->at);
        layer->ports[1] = load_be16(d->at + 2);
        if (layer->protocol == IPPROTO_UDP)
            return decode_udp(d, layer);
        if (layer->protocol == IPPROTO_TCP)
            decode_tcp(d);
        return STEP_END;
    case IPPROTO_IPIP:
    case IPPROTO_IPV6:
        if (layer->fragment)
            return STEP_END;
        d->tunnel = PACKET_TUNNEL_IP;
        d->tunnel_id = 0;
        return layer->protocol == IPPROTO_IPIP ? STEP_IPV4 : STEP_IPV6;
    case IPPROTO_GRE:
        return layer->fragment ? STEP_END : STEP_GRE;
    default:
        return STEP_END;
    }
}

/* ---- all of it ----------------------------------------------------------------------------- */

/* One step or several: what usually follows does so without another turn of the loop. */
static enum step decode_step(struct decoder *d, enum step step)
{
    switch (step) {
    case STEP_ETHERNET:
        step = decode_ethernet(d);
        if (step != STEP_ETHERTYPE)
            return step;
        __attribute__((fallthrough));
    case STEP_ETHERTYPE:
        step = decode_ethertype(d);
        if (step != STEP_IPV4)
            return step;
        __attribute__((fallthrough));
    case STEP_IPV4:
        step = decode_ipv4(d);
        if (step != STEP_TRANSPORT)
            return step;
        __attribute__((fallthrough));
    case STEP_TRANSPORT:
        return decode_transport(d);
    case STEP_PPP:
        return decode_ppp(d);
    case STEP_IP:
        return decode_ip(d);
    case STEP_IPV6:
        return decode_ipv6(d);
    case STEP_GRE:
        return decode_gre(d);
    case STEP_VXLAN:
        return decode_vxlan(d);
    case STEP_END:
        break;
    }
    return STEP_END;
}

void packet_decode(uint32_t link, const uint8_t *frame, uint32_t captured, uint32_t wire,
                   struct packet *ret)
{
    CHECK(captured <= wire);
    /* The layers are filled one by one: clearing all of them would cost more than decoding. */
    ret->layers_count = ret->vlans_count = 0;
    ret->flaw = PACKET_WHOLE;
    ret->has_tcp = false;
    ret->tcp_flags = 0;
    ret->tcp_window = 0;
    ret->tcp_seq = ret->tcp_ack = 0;
    ret->payload = NULL;
    ret->payload_captured_bytes = ret->payload_bytes = 0;
    struct decoder d = {.at = frame, .captured = captured, .wire = wire, .out = ret};
    enum step step = decode_link(&d, link);
    for (unsigned i = 0; step != STEP_END; i++) {
        if (i == STEPS_MAX) {
            ret->flaw = PACKET_DEEP;
            return;
        }
        step = decode_step(&d, step);
    }
}

bool packet_link_known(uint32_t link)
{
    switch (link) {
    case PACKET_LINK_NULL:
    case PACKET_LINK_ETHERNET:
    case PACKET_LINK_RAW:
    case PACKET_LINK_LOOP:
    case PACKET_LINK_SLL:
    case PACKET_LINK_IPV4:
    case PACKET_LINK_IPV6:
    case PACKET_LINK_SLL2:
        return true;
    default:
        return false;
    }
}

const char *packet_flaw_name(enum packet_flaw flaw)
{
    static const char *const names[PACKET_FLAWS] = {
        [PACKET_WHOLE] = "none", [PACKET_CUT] = "cut",         [PACKET_BROKEN] = "broken",
        [PACKET_DEEP] = "deep",  [PACKET_FOREIGN] = "foreign",
    };
    CHECK(flaw < PACKET_FLAWS);
    return names[flaw];
}
