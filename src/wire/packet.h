/*
 * packet.h: what a captured frame says, from its link layer to the header of TCP or UDP. No I/O,
 * no allocation, any thread: bytes in, a struct out that points into them.
 *
 * A frame has layers: each IP header is one, so a packet in a tunnel has an outer and an inner one.
 * Whatever a header claims is held against the bytes that were captured and against the length that
 * the frame had on the wire; where something is wrong, what was understood before it stays, and
 * `flaw` says why there is no more.
 *
 * Sources: IEEE 802.1Q; RFC 791, 8200 (IP), 2784 and 2890 (GRE), 7348 (VXLAN), 2003 and 4213 (IP in
 * IP), 2516 (PPPoE), 9293 (TCP), 768 (UDP); tcpdump.org/linktypes.html.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Link layers, by the numbers of files (LINKTYPE_*). */
enum packet_link {
    PACKET_LINK_NULL = 0,
    PACKET_LINK_ETHERNET = 1,
    PACKET_LINK_RAW = 101,
    PACKET_LINK_LOOP = 108,
    PACKET_LINK_SLL = 113, /* Linux "cooked" */
    PACKET_LINK_IPV4 = 228,
    PACKET_LINK_IPV6 = 229,
    PACKET_LINK_SLL2 = 276,
};

bool packet_link_known(uint32_t link);

enum packet_flaw {
    PACKET_WHOLE,
    PACKET_CUT,     /* the capture ends within a header that the frame had */
    PACKET_BROKEN,  /* a header contradicts itself, or is longer than what holds it */
    PACKET_DEEP,    /* more layers than PACKET_LAYERS_MAX, or too many headers in one */
    PACKET_FOREIGN, /* not IP: ARP, LLC, a link layer that is not known; no fault of anybody */
    PACKET_FLAWS
};

const char *packet_flaw_name(enum packet_flaw flaw); /* "cut" ...; lives for ever */

/* What carries a layer: the outermost lies on the link itself. */
enum packet_tunnel {
    PACKET_TUNNEL_NONE,
    PACKET_TUNNEL_IP, /* IPv4 or IPv6 in IPv4 or IPv6: 4in6, 6in4 and so on */
    PACKET_TUNNEL_GRE,
    PACKET_TUNNEL_VXLAN,
};

#define PACKET_LAYERS_MAX 4
#define PACKET_VLANS_MAX 2 /* recorded; further tags are skipped */

struct packet_layer {
    uint8_t family;             /* 4 or 6 */
    uint8_t protocol;           /* IPPROTO_* after IPv6's extension headers */
    uint8_t tunnel;             /* enum packet_tunnel */
    bool has_ports;             /* TCP, UDP, SCTP, DCCP, UDP-Lite with a header that is there */
    bool fragment;              /* one of several */
    bool first;                 /* of several, or the only one: it has the transport's header */
    uint16_t ports[2];          /* source, destination */
    uint32_t fragment_id;       /* of IP */
    uint32_t tunnel_id;         /* VNI or GRE key; 0: none */
    const uint8_t *address[2];  /* source, destination: 4 or 16 bytes, network order */
    const uint8_t *ip;          /* the header's first byte */
    uint32_t ip_captured_bytes; /* from there to the end of the IP packet, as far as captured */
};

enum packet_tcp_flag {
    PACKET_FIN = 0x01,
    PACKET_SYN = 0x02,
    PACKET_RST = 0x04,
    PACKET_PSH = 0x08,
    PACKET_ACK = 0x10,
};

struct packet {
    uint8_t layers_count;
    uint8_t vlans_count;
    uint8_t flaw; /* enum packet_flaw */
    uint16_t vlan[PACKET_VLANS_MAX];
    struct packet_layer layer[PACKET_LAYERS_MAX];
    /* Of the innermost layer: what TCP says when it is TCP with a whole header, and the payload of
     * TCP or UDP (payload NULL: none, or not known). */
    bool has_tcp;
    uint8_t tcp_flags; /* enum packet_tcp_flag */
    uint16_t tcp_window;
    uint32_t tcp_seq, tcp_ack;
    const uint8_t *payload;
    uint32_t payload_captured_bytes;
    uint32_t payload_bytes; /* on the wire; of a fragment, in this fragment */
};

/* captured: bytes at `frame`; wire: the frame's length, at least that. */
void packet_decode(uint32_t link, const uint8_t *frame, uint32_t captured, uint32_t wire,
                   struct packet *ret);
