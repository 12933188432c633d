/*
 * attributes.c: see attributes.h. Written anew beside libmnl's, because mnl_attr_for_each stops
 * silently at a broken length and could not tell a short message from a complete one.
 */
#include "wire/attributes.h"

#include <string.h>

#include "base/defs.h"

bool attributes_of(const struct nlmsghdr *msg, size_t fixed, struct attributes *ret)
{
    size_t payload = msg->nlmsg_len - NLMSG_HDRLEN;
    if (msg->nlmsg_len < NLMSG_HDRLEN || payload < fixed)
        return false;
    size_t skip = MIN(NLMSG_ALIGN(fixed), payload);
    *ret = (struct attributes){(const char *)msg + NLMSG_HDRLEN + skip, payload - skip, false};
    return true;
}

struct attributes attributes_in(const struct attribute *nest)
{
    return (struct attributes){nest->data, nest->len, false};
}

bool attributes_next(struct attributes *a, struct attribute *ret)
{
    struct nlattr head;
    if (!a->left)
        return false;
    if (a->left < sizeof(head)) {
        a->bad = true;
        return false;
    }
    memcpy(&head, a->at, sizeof(head));
    if (head.nla_len < sizeof(head) || head.nla_len > a->left) {
        a->bad = true;
        return false;
    }
    ret->type = (uint16_t)(head.nla_type & (unsigned)NLA_TYPE_MASK);
    ret->len = head.nla_len - sizeof(head);
    ret->data = a->at + sizeof(head);
    size_t step = MIN(NLMSG_ALIGN((size_t)head.nla_len), a->left);
    a->at += step;
    a->left -= step;
    return true;
}

bool attribute_copy(struct attributes *a, const struct attribute *from, void *to, size_t size)
{
    if (from->len < size) {
        a->bad = true;
        return false;
    }
    memcpy(to, from->data, size);
    return true;
}

void attribute_text(struct attributes *a, const struct attribute *from, char *to, size_t size)
{
    size_t len = strnlen(from->data, from->len);
    if (len >= size) {
        a->bad = true;
        return;
    }
    memcpy(to, from->data, len);
    to[len] = '\0';
}
