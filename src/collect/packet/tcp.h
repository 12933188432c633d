/*
 * tcp.h: what the sequence numbers of a TCP connection tell to somebody who sees both directions
 * pass: how long the handshake took, what was sent again, what came out of order. Sequence numbers
 * wrap; all comparisons are modulo 2^32 (RFC 9293 section 3.4). Times are of the capture. One
 * owner, one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TCP_HOLES 4 /* of a direction that are remembered; of more the oldest is forgotten */

struct tcp_side {
    bool known;       /* `next` is */
    bool began;       /* its SYN was seen: `first` is known */
    bool ended;       /* its FIN was seen */
    uint8_t holes;    /* in use */
    uint32_t first;   /* number of the SYN */
    uint32_t next;    /* behind the newest byte seen */
    int64_t moved_ns; /* when `next` moved */
    struct {
        uint32_t from, to;
    } hole[TCP_HOLES]; /* passed over: lost before this place, or on a longer way */
};

struct tcp_track {
    struct tcp_side side[2];
    bool reset;
    bool ambiguous; /* SYN or its answer came twice: nobody knows which one was answered (Karn) */
    int64_t syn_ns, answer_ns; /* 0: not seen */
    int64_t rtt_ns; /* from SYN to the acknowledgement of its answer, or to a refusal; 0: not
                   known */
};

struct tcp_segment {
    uint8_t side; /* who sends: 0 or 1 */
    uint8_t flags;
    uint32_t seq, ack;
    uint32_t payload_bytes;
    int64_t t_ns;
};

enum tcp_verdict {
    TCP_NEW,      /* or says nothing: no payload, a keep-alive */
    TCP_AGAIN,    /* a retransmission */
    TCP_DISORDER, /* fills a hole sooner than a retransmission could */
};

/* Does this segment begin another connection between the same ports? */
bool tcp_begins_anew(const struct tcp_track *t, const struct tcp_segment *s);

enum tcp_verdict tcp_follow(struct tcp_track *t, const struct tcp_segment *s);

bool tcp_closed(const struct tcp_track *t); /* both have ended, or one has reset */
