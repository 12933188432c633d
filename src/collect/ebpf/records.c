/*
 * records.c: see records.h. The programs in the kernel are ours, but a reader that believes them
 * would turn a mistake there, or a half-updated binary, into reading beyond a buffer here.
 */
#include "collect/ebpf/records.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

static size_t size_of(uint16_t kind)
{
    switch (kind) {
    case BPF_RECORD_OPENED:
    case BPF_RECORD_CLOSED:
    case BPF_RECORD_RESENT:
        return sizeof(struct bpf_record_socket);
    case BPF_RECORD_OWNER:
        return sizeof(struct bpf_record_owner);
    case BPF_RECORD_DNS:
        return sizeof(struct bpf_record_dns);
    default:
        return 0;
    }
}

static void owner_end(struct bpf_owner *owner)
{
    owner->command[sizeof(owner->command) - 1] = '\0';
}

static bool is_family(uint8_t family)
{
    return family == AF_INET || family == AF_INET6;
}

int record_parse(const uint8_t *data, size_t len, struct record *ret)
{
    struct bpf_record_head head;
    if (len < sizeof(head))
        return -EBADMSG;
    memcpy(&head, data, sizeof(head));
    size_t size = size_of(head.kind);
    if (head.version != BPF_ABI_VERSION || !size || head.size != size || len != size ||
        head.time_ns > INT64_MAX)
        return -EBADMSG;
    ret->kind = (enum bpf_record_kind)head.kind;
    memcpy(&ret->head, data, size);
    switch (ret->kind) {
    case BPF_RECORD_OPENED:
    case BPF_RECORD_CLOSED:
    case BPF_RECORD_RESENT:
        owner_end(&ret->socket.owner);
        return is_family(ret->socket.family) && ret->socket.direction <= BPF_DIRECTION_OUT
                   ? 0
                   : -EBADMSG;
    case BPF_RECORD_OWNER:
        owner_end(&ret->owner.owner);
        return 0;
    case BPF_RECORD_DNS:
        owner_end(&ret->dns.owner);
        return is_family(ret->dns.family) && ret->dns.kept_bytes <= BPF_DNS_BYTES &&
                       ret->dns.kept_bytes <= ret->dns.message_bytes
                   ? 0
                   : -EBADMSG;
    }
    return -EBADMSG;
}
