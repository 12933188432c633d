/*
 * records.h: records of the ring as they may be used: of the right version and size, texts that
 * end, numbers that are in range. No I/O, any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"

struct record {
    enum bpf_record_kind kind;
    union {
        struct bpf_record_head head;
        struct bpf_record_owner owner;
        struct bpf_record_socket socket;
        struct bpf_record_dns dns;
    };
};

/* 0, or -EBADMSG: not a record of this version, too short, too long, or nonsense inside. */
int record_parse(const uint8_t *data, size_t len, struct record *ret);
