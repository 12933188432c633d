/*
 * dns.h: what is asked and answered in a DNS message (RFC 1035, 6891 for EDNS, 3597 for types
 * without a name), over UDP and in the stream of a TCP connection. No I/O, no allocation, any
 * thread. Messages come from anybody: names are bounded, and a compressed one may only point
 * backwards from where the part before it began, so none is endless.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Presentation form with its NUL: a name has 255 bytes at most, each shown as \DDD at worst. */
#define DNS_NAME_MAX 1024

struct dns_message {
    uint16_t id;
    bool response;
    bool truncated; /* TC: there is more over TCP */
    bool cut;       /* the capture ends within the message; what is here was before that */
    uint8_t opcode;
    uint16_t rcode; /* with EDNS's upper bits, when its record was seen */
    uint16_t questions, answers, authorities, additionals; /* as the header counts them */
    uint16_t type, class;                                  /* of the first question; 0: none */
    char name[DNS_NAME_MAX]; /* of the first question, without the last dot; ".": the root */
};

/*
 * data: `captured` bytes of a message of `bytes`. 0; -EBADMSG when it is no message: shorter than
 * its header, more than one question, a name that breaks the rules.
 */
int dns_parse(const uint8_t *data, size_t captured, size_t bytes, struct dns_message *ret);

/* Addresses that the answer section names, one after the other. */
struct dns_walk {
    const uint8_t *data;
    size_t captured, at;
    uint32_t left; /* records */
};

struct dns_address {
    uint8_t family; /* 4 or 6 */
    uint32_t ttl_s;
    const uint8_t *address;
};

void dns_walk_begin(struct dns_walk *w, const uint8_t *data, size_t captured);
bool dns_walk_next(struct dns_walk *w, struct dns_address *ret); /* false: no more */

const char *dns_rcode_name(uint16_t rcode); /* "NOERROR" ...; NULL: has no name */
const char *dns_type_name(uint16_t type);   /* "A" ...; NULL: has no name */

/* ---- TCP: each message has its length before it, RFC 1035 section 4.2.2 ---------------------- */

#define DNS_STREAM_KEEP 320 /* the header, the longest question and a bit */

/* One direction of a connection. All zero: at its beginning. */
struct dns_stream {
    uint32_t message_bytes; /* of the message that is being read; 0: its length comes */
    uint32_t taken;         /* bytes of it, or of the length, that have passed */
    uint16_t kept;          /* of them, in `data` */
    uint8_t data[DNS_STREAM_KEEP];
};

/* Takes bytes up to the end of a message, at most: how many is returned. *ret_message is true when
 * a message is complete: its first `kept` bytes are in `data` until the next call. */
size_t dns_stream_feed(struct dns_stream *s, const uint8_t *data, size_t len, bool *ret_message);
