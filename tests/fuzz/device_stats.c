/*
 * device_stats.c: any bytes as queueing disciplines, as what network cards count, and as the answer
 * about a family of generic netlink.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "wire/ethtool.h"
#include "wire/qdisc.h"
#include "wire/rtnetlink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Datagrams arrive in aligned buffers. */
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    const struct nlmsghdr *msg = NULL;
    bool bad = false;
    while (rtnetlink_next(copy, size, &msg, &bad)) {
        struct qdisc q;
        struct nic_stats stats;
        if (qdisc_parse(msg, &q) == 0)
            CHECK(q.index > 0 && q.kind[0] && memchr(q.kind, '\0', sizeof(q.kind)));
        if (ethtool_parse_stats(msg, &stats) == 0) {
            CHECK(stats.index > 0 && memchr(stats.name, '\0', sizeof(stats.name)));
            CHECK(stats.has >> NIC_STATS == 0);
        }
        (void)genl_parse_family(msg);
    }
    free(copy);
    return 0;
}
