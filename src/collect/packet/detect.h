/*
 * detect.h: which application a flow belongs to, and which host its client asked for, by nDPI. The
 * library is loaded when the engine opens (dlopen) and only in the version whose structs this
 * program was built with; without it flows have no application, and the reason is told. One owner,
 * one thread, but for the names, which never change.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/packet.h"

#define DETECT_APPLICATIONS_MAX 512 /* numbers below this have a name */

struct recognizer;
struct detection; /* of one flow */

/* NULL: `why` says what is missing, in a sentence. Loads files: before the sandbox. */
struct recognizer *recognizer_new(char *why, size_t why_size);
void recognizer_free(struct recognizer *d); /* no detection may be left; NULL allowed */

/* NULL past the last; "unknown" is number 0. Lives as long as the detector. */
const char *recognizer_name(const struct recognizer *d, uint16_t application);

struct detection_result {
    bool decided;         /* nothing more will be found: the detection can go */
    uint16_t application; /* 0: not known (yet) */
    const char *host;     /* NULL: not known. Until the detection goes; any bytes */
    const char *alpn;     /* likewise: protocols that TLS or QUIC agree about (RFC 7301), as nDPI
                           * has them: those that the client offers, joined by commas */
};

struct detection *detection_new(struct recognizer *d); /* NULL: no memory */
void detection_free(struct recognizer *d, struct detection *flow);

/* The packets of a flow in their order, both directions. packets: of the flow so far, this one
 * included. */
void detection_packet(struct recognizer *d, struct detection *flow,
                      const struct packet_layer *layer, uint64_t packets, int64_t t_ns,
                      struct detection_result *ret);

/* No packets will come: what nDPI would guess. */
void detection_give_up(struct recognizer *d, struct detection *flow, struct detection_result *ret);
