/*
 * heard.h: names of addresses from DNS answers, on their way from the capture thread to the census.
 * Bounded: the oldest that were not fetched make room, which is counted.
 *
 * The capture thread owns `struct heard` and hands out frozen copies of what waits; whoever takes
 * these says up to where he has them (heard_forget), so that nothing is copied for ever and nothing
 * is lost when one copy is replaced by the next before somebody looked.
 */
#pragma once

#include <stdint.h>

#include "model/message.h"
#include "wire/dns.h"

#define HEARD_MAX 1024
#define HEARD_NAME_MAX 256

struct heard_name {
    uint8_t family; /* 4 or 6 */
    uint8_t address[16];
    uint32_t ttl_s;
    char name[HEARD_NAME_MAX];
};

/* Frozen. */
struct heard_names {
    struct message msg;
    uint64_t first; /* number of the first; those of a capture are counted from 0 on */
    uint64_t count;
    struct heard_name names[];
};

struct heard;

struct heard *heard_new(void);
void heard_free(struct heard *h); /* NULL allowed */

/* `name` was asked for, and this address is in the answer. */
void heard_add(struct heard *h, const struct dns_address *address, const char *name);
/* Those with numbers below this have been taken. */
void heard_forget(struct heard *h, uint64_t before);
/* One reference; NULL: nothing waits. */
struct heard_names *heard_freeze(const struct heard *h);
