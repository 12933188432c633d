/*
 * protocol.h: what main and keeper say to each other, over a SOCK_SEQPACKET pair: one packet a
 * message, a request from main, one answer from the keeper. Everything is fixed-width and laid
 * out without holes. Both ends come from the same binary by fork, so byte order is the machine's
 * and the version only guards against mistakes; the keeper checks every field nevertheless,
 * because main talks to strangers and could be theirs one day.
 */
#pragma once

#include <stdint.h>

#include "bpf/abi.h"

#define KEEPER_VERSION 2

enum keeper_operation {
    KEEPER_HELLO = 1,        /* answer: struct keeper_hello */
    KEEPER_PING = 2,         /* answer: head and error only */
    KEEPER_OPEN_NETLINK = 3, /* answer: head and error, and one descriptor (SCM_RIGHTS) */
    KEEPER_LOAD_BPF = 4,     /* answer: struct keeper_bpf, and that many descriptors */
    KEEPER_SEAL = 5,         /* answer: head and error only; no KEEPER_LOAD_BPF afterwards */
};

struct keeper_head {
    uint16_t version;   /* KEEPER_VERSION */
    uint16_t operation; /* enum keeper_operation; an answer repeats the request's */
    uint32_t id;        /* chosen by main, repeated in the answer */
};

struct keeper_open_netlink {
    uint32_t protocol;      /* NETLINK_ROUTE or NETLINK_SOCK_DIAG */
    uint32_t groups;        /* bits of nl_groups */
    uint32_t receive_bytes; /* receive buffer, KEEPER_RECEIVE_BYTES_MAX at most; 0: as it is */
};

struct keeper_request {
    struct keeper_head head;
    struct keeper_open_netlink open_netlink; /* zero for the other operations */
    uint32_t bpf_parts; /* KEEPER_LOAD_BPF: bit set of enum bpf_part (bpf/abi.h); else zero */
};

struct keeper_hello {
    uint32_t pid;          /* as the keeper sees itself */
    uint32_t reserved;     /* zero */
    uint64_t capabilities; /* bit set of what it holds */
};

/* What came of KEEPER_LOAD_BPF: first the maps, in the order of enum bpf_map_place, then what
 * keeps the programs attached, for as long as somebody has it open. */
struct keeper_bpf {
    uint32_t parts;           /* that are attached */
    uint32_t fds;             /* that come with the answer, BPF_MAPS at least */
    int32_t error[BPF_PARTS]; /* why a part that was asked for is not: -errno */
};

struct keeper_answer {
    struct keeper_head head;
    int32_t error;             /* 0 or -errno */
    uint32_t reserved;         /* zero */
    struct keeper_hello hello; /* zero for the other operations, as is this: */
    struct keeper_bpf bpf;
};

#define KEEPER_RECEIVE_BYTES_MAX (64U * 1024 * 1024)
#define KEEPER_FDS_MAX 40 /* of one answer */

_Static_assert(sizeof(struct keeper_head) == 8, "layout");
_Static_assert(sizeof(struct keeper_request) == 24, "layout");
_Static_assert(sizeof(struct keeper_bpf) == 8 + 4 * BPF_PARTS, "layout");
_Static_assert(sizeof(struct keeper_answer) == 64, "layout");
