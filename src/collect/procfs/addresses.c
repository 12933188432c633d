/*
 * addresses.c: addresses without rtnetlink: IPv6 from /proc/net/if_inet6, IPv4 from the old
 * SIOCGIFCONF, which has no file. Survey thread.
 *
 *   fe80000000000000005efffe00000001 02 40 20 80     eth0
 *   address, index, prefix length, scope, flags (hexadecimal), device
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defs.h"
#include "base/mem.h"
#include "collect/procfs/parts.h"
#include "collect/procfs/source.h"

#define IPV4_MAX 512

struct ipv6 {
    uint32_t index;
    uint8_t prefix;
    struct in6_addr address;
};

struct ipv4 {
    char device[IF_NAMESIZE];
    uint8_t prefix;
    struct in_addr address;
};

struct addresses {
    struct source inet6;
    int fd; /* for SIOCGIFCONF; -1: a tree of files, which has no IPv4 addresses */
    struct ipv6 *ipv6;
    size_t ipv6_count, ipv6_capacity;
    struct ipv4 ipv4[IPV4_MAX];
    size_t ipv4_count;
};

struct addresses *addresses_new(const char *proc_root)
{
    struct addresses *a = mem_alloc(sizeof(*a));
    source_init(&a->inet6, proc_root, "net/if_inet6");
    a->fd = strcmp(proc_root, "/proc") == 0 ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    return a;
}

void addresses_free(struct addresses *a)
{
    if (!a)
        return;
    source_fini(&a->inet6);
    if (a->fd >= 0)
        close(a->fd);
    free(a->ipv6);
    free(a);
}

static bool parse_ipv6(struct scan line, struct ipv6 *ret)
{
    struct scan word;
    if (!scan_word(&line, &word) || scan_len(&word) != 32)
        return false;
    for (size_t i = 0; i < 16; i += 4) {
        struct scan part = {word.at + i * 2, word.at + i * 2 + 8};
        uint32_t number;
        if (!scan_hex(&part, &number))
            return false;
        number = htonl(number);
        memcpy(&ret->address.s6_addr[i], &number, sizeof(number));
    }
    uint32_t prefix;
    if (!scan_hex(&line, &ret->index) || !scan_hex(&line, &prefix) || prefix > 128)
        return false;
    ret->prefix = (uint8_t)prefix;
    return true;
}

static void read_ipv6(struct addresses *a)
{
    struct scan text, line;
    a->ipv6_count = 0;
    if (source_read(&a->inet6, &text) < 0)
        return;
    while (scan_line(&text, &line)) {
        if (a->ipv6_count == a->ipv6_capacity) {
            a->ipv6_capacity = MAX(a->ipv6_capacity * 2, (size_t)16);
            a->ipv6 = mem_resize(a->ipv6, a->ipv6_capacity, sizeof(a->ipv6[0]));
        }
        if (parse_ipv6(line, &a->ipv6[a->ipv6_count]))
            a->ipv6_count++;
    }
}

static uint8_t netmask_prefix(int fd, struct ifreq request)
{
    if (ioctl(fd, SIOCGIFNETMASK, &request) < 0)
        return 32;
    struct sockaddr_in mask;
    memcpy(&mask, &request.ifr_netmask, sizeof(mask));
    return (uint8_t)__builtin_popcount(mask.sin_addr.s_addr);
}

static void read_ipv4(struct addresses *a)
{
    struct ifreq requests[IPV4_MAX];
    struct ifconf conf = {.ifc_len = sizeof(requests), .ifc_req = requests};
    a->ipv4_count = 0;
    if (a->fd < 0 || ioctl(a->fd, SIOCGIFCONF, &conf) < 0)
        return;
    size_t count = MIN((size_t)conf.ifc_len / sizeof(requests[0]), ARRAY_LEN(requests));
    for (size_t i = 0; i < count; i++) {
        struct sockaddr_in address;
        memcpy(&address, &requests[i].ifr_addr, sizeof(address));
        if (address.sin_family != AF_INET)
            continue;
        struct ipv4 *to = &a->ipv4[a->ipv4_count++];
        to->address = address.sin_addr;
        to->prefix = netmask_prefix(a->fd, requests[i]);
        /* An address may carry a label such as eth0:1; the device is what is before the colon. */
        size_t len = strnlen(requests[i].ifr_name, sizeof(to->device) - 1);
        memcpy(to->device, requests[i].ifr_name, len);
        to->device[len] = '\0';
        to->device[strcspn(to->device, ":")] = '\0';
    }
}

void addresses_read(struct addresses *a)
{
    read_ipv4(a);
    read_ipv6(a);
}

void addresses_annotate(void *addresses, struct sysfs_link *link)
{
    const struct addresses *a = addresses;
    struct buf list = BUF_INIT;
    char text[INET6_ADDRSTRLEN];
    for (size_t i = 0; i < a->ipv4_count; i++) {
        if (strcmp(a->ipv4[i].device, link->name) == 0 &&
            inet_ntop(AF_INET, &a->ipv4[i].address, text, sizeof(text)))
            buf_printf(&list, "%s%s/%u", list.len ? "\n" : "", text, a->ipv4[i].prefix);
    }
    for (size_t i = 0; i < a->ipv6_count; i++) {
        if (a->ipv6[i].index == link->index &&
            inet_ntop(AF_INET6, &a->ipv6[i].address, text, sizeof(text)))
            buf_printf(&list, "%s%s/%u", list.len ? "\n" : "", text, a->ipv6[i].prefix);
    }
    if (list.len)
        link->addresses = mem_string(buf_string(&list));
    buf_fini(&list);
}
