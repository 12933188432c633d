/*
 * attributes.h: a walk over the attributes of a netlink message, whose lengths nobody vouches for.
 * Rtnetlink, inet_diag and generic netlink use the same form (struct nlattr). Nothing is copied:
 * an attribute points into the message. Any thread.
 */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attributes {
    const char *at;
    size_t left;
    bool bad; /* a length made no sense, or a value was too short or too long for its type */
};

struct attribute {
    uint16_t type; /* without the flags for nesting and byte order */
    size_t len;    /* of data */
    const void *data;
};

/* The attributes behind a fixed part of `fixed` bytes; false when even that is not there. */
bool attributes_of(const struct nlmsghdr *msg, size_t fixed, struct attributes *ret);

/* Those inside of an attribute. What is bad there is for the caller to pass on. */
struct attributes attributes_in(const struct attribute *nest);

/* False at the end, also at one that is not the true end: then a->bad. */
bool attributes_next(struct attributes *a, struct attribute *ret);

/* Copies a value of `size` bytes or more; a shorter one makes the message bad. */
bool attribute_copy(struct attributes *a, const struct attribute *from, void *to, size_t size);

/* A text of at most size - 1 bytes, with or without its NUL; longer ones make the message bad. */
void attribute_text(struct attributes *a, const struct attribute *from, char *to, size_t size);
