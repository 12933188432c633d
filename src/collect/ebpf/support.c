/*
 * support.c: see support.h. The kernel's type information (BTF) names a typedef btf_trace_NAME for
 * each tracepoint NAME that programs can be attached to. All of its names lie in one section of
 * texts that end with NUL, so finding out whether one is there takes no parser: the file is read
 * once in portions, whatever its size.
 */
#include "collect/ebpf/support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/defs.h"

#define PORTION 65536
#define NAME_MAX_BYTES 64

#define TRAFFIC BPF_PART_BIT(BPF_PART_TRAFFIC)
#define PORTABLE BPF_PART_BIT(BPF_PART_TRAFFIC_PORTABLE)
#define CONNECTIONS BPF_PART_BIT(BPF_PART_CONNECTIONS)
#define DROPS BPF_PART_BIT(BPF_PART_DROPS)
#define RETRANSMITS BPF_PART_BIT(BPF_PART_RETRANSMITS)
#define DNS BPF_PART_BIT(BPF_PART_DNS)
#define ALL_PARTS (TRAFFIC | PORTABLE | CONNECTIONS | RETRANSMITS | DROPS | DNS)

static const struct {
    uint32_t parts;
    const char *name; /* a text of BTF; NULL: every kernel from `since` on has it */
    const char *shown, *since;
} points[] = {
    {TRAFFIC, "btf_trace_sock_send_length", "sock_send_length", "6.3"},
    {TRAFFIC, "btf_trace_sock_recv_length", "sock_recv_length", "6.3"},
    {PORTABLE, "__cgroup_bpf_run_filter_skb", "CONFIG_CGROUP_BPF", "4.10"},
    {CONNECTIONS | PORTABLE, "btf_trace_inet_sock_set_state", "inet_sock_set_state", "4.16"},
    {RETRANSMITS, "btf_trace_tcp_retransmit_skb", "tcp_retransmit_skb", "4.16"},
    /* Helpers leave no certain trace in BTF: by the kernel's version. */
    {TRAFFIC | PORTABLE | CONNECTIONS | RETRANSMITS | DNS, NULL,
     "socket storage in tracing programs", "5.11"},
    {DROPS, "btf_trace_kfree_skb", "kfree_skb", "2.6"},
    {DROPS, "skb_drop_reason", "reasons of kfree_skb", "5.17"},
    {DNS, "btf_trace_net_dev_queue", "net_dev_queue", "2.6"},
    {DNS, "btf_trace_netif_receive_skb", "netif_receive_skb", "2.6"},
};

void bpf_parts_name(uint32_t parts, char *out, size_t size)
{
    static const char *const names[BPF_PARTS] = {
        [BPF_PART_TRAFFIC] = "bytes of processes",
        [BPF_PART_TRAFFIC_PORTABLE] = "bytes of processes by packets",
        [BPF_PART_CONNECTIONS] = "connections with their process",
        [BPF_PART_RETRANSMITS] = "retransmissions",
        [BPF_PART_DROPS] = "drops by reason",
        [BPF_PART_DNS] = "DNS",
    };
    size_t len = 0;
    *out = '\0';
    for (unsigned i = 0; i < BPF_PARTS && len < size; i++) {
        if (parts & BPF_PART_BIT(i))
            len += (size_t)snprintf(out + len, size - len, "%s%s", len ? ", " : "", names[i]);
    }
}

/* Adds which names are whole texts of the file: bits by place in points. 0 or -errno. */
static int find_names(int fd, uint32_t *found)
{
    uint8_t data[NAME_MAX_BYTES + PORTION];
    size_t kept = 0;
    ssize_t len;
    while ((len = read(fd, data + kept, PORTION)) != 0) {
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return -errno;
        size_t have = kept + (size_t)len;
        for (size_t i = 0; i < ARRAY_LEN(points); i++) {
            char text[NAME_MAX_BYTES] = "";
            if (!points[i].name || *found & 1U << i)
                continue;
            size_t size = strlen(points[i].name) + 2; /* between two NULs */
            memcpy(text + 1, points[i].name, size - 1);
            if (memmem(data, have, text, size))
                *found |= 1U << i;
        }
        kept = MIN(have, (size_t)NAME_MAX_BYTES);
        memmove(data, data + have - kept, kept);
    }
    return 0;
}

static uint32_t version_of(const char *release)
{
    char *dot;
    uint32_t major = (uint32_t)strtoul(release, &dot, 10);
    return major << 16 | (*dot == '.' ? (uint32_t)strtoul(dot + 1, NULL, 10) : 0);
}

static uint32_t find_versions(const char *release)
{
    uint32_t found = 0;
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        if (!points[i].name && version_of(release) >= version_of(points[i].since))
            found |= 1U << i;
    }
    return found;
}

static void describe_missing(uint32_t found, const char *release, struct bpf_support *ret)
{
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_LEN(points) && len < sizeof(ret->reason); i++) {
        if (found & 1U << i)
            continue;
        len += (size_t)snprintf(ret->reason + len, sizeof(ret->reason) - len, "%s%s (Linux %s)",
                                len ? ", " : "Missing in this kernel: ", points[i].shown,
                                points[i].since);
    }
    if (!len)
        return;
    if (len < sizeof(ret->reason) - 1)
        snprintf(ret->reason + len, sizeof(ret->reason) - len, ".");
    snprintf(ret->remedy, sizeof(ret->remedy),
             "Boot a newer kernel than %s, with the options CONFIG_NET and CONFIG_DEBUG_INFO_BTF "
             "of a distribution.",
             release);
}

/*
 * Whether main, which keeps no privilege, may read maps by their descriptors. Since Linux 5.19
 * whoever has one may; before, all of bpf() was for the privileged while this is set.
 */
static bool maps_are_closed(const char *proc_root, const char *release)
{
    char path[128], value = '0';
    if (version_of(release) >= version_of("5.19"))
        return false;
    snprintf(path, sizeof(path), "%s/sys/kernel/unprivileged_bpf_disabled", proc_root);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!read(fd, &value, 1);
        close(fd);
    }
    return value != '0';
}

void bpf_support_read(const char *proc_root, const char *sys_root, const char *release,
                      struct bpf_support *ret)
{
    char path[128];
    uint32_t found = find_versions(release);
    *ret = (struct bpf_support){.parts = 0};
    snprintf(path, sizeof(path), "%s/kernel/btf/vmlinux", sys_root);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int err = fd < 0 ? -errno : find_names(fd, &found);
    if (fd >= 0)
        close(fd);
    if (err) {
        snprintf(ret->reason, sizeof(ret->reason), "%s cannot be read: %s.", path, strerror(-err));
        snprintf(
            ret->remedy, sizeof(ret->remedy),
            "Boot a kernel with CONFIG_DEBUG_INFO_BTF=y: Debian 11, Ubuntu 20.10 and newer have "
            "it.");
        return;
    }
    ret->parts = ALL_PARTS;
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        if (!(found & 1U << i))
            ret->parts &= ~points[i].parts;
    }
    describe_missing(found, release, ret);
    if (maps_are_closed(proc_root, release)) {
        ret->parts = 0;
        snprintf(ret->reason, sizeof(ret->reason),
                 "Before Linux 5.19 only the privileged may read what the programs have counted, "
                 "and the main process has no privilege.");
        snprintf(ret->remedy, sizeof(ret->remedy),
                 "Boot Linux 5.19 or newer, or with kernel.unprivileged_bpf_disabled=0.");
    }
}
