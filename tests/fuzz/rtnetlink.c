/*
 * rtnetlink.c: any bytes as datagrams of rtnetlink: through the decoders, into the monitor's
 * picture of links and addresses, and as a dump of links into samples.
 */
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "collect/netlink/links.h"
#include "collect/netlink/monitor.h"
#include "model/tick.h"

static void gone(void *user, uint32_t index)
{
    (void)user;
    CHECK(index > 0);
}

static void flush(struct monitor *m)
{
    uint64_t next_event = 1;
    struct registry *r = registry_new(100, 1);
    struct draft *d = draft_new(r);
    struct engine_sink sink = {.registry = r, .draft = d, .now_ms = 1};
    draft_begin(d, 1, 1, 0, 1, 1000);
    monitor_flush(m, &sink, true);
    struct tick *t = draft_seal(d, 2, &next_event);
    tick_unref(t);
    draft_free(d);
    registry_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Datagrams arrive in aligned buffers. */
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    struct engine_settings settings = {0};
    struct monitor *m = monitor_new(&settings, gone, NULL);
    struct links *links = links_new();
    const struct nlmsghdr *msg = NULL;
    bool bad = false;
    while (rtnetlink_next(copy, size, &msg, &bad)) {
        CHECK((const uint8_t *)msg + msg->nlmsg_len <= copy + size);
        monitor_handle(m, msg);
        links_add(links, msg);
        struct rtnl_link_stats64 stats;
        uint32_t index;
        if (rtnetlink_parse_stats(msg, &index, &stats) == 0)
            CHECK(index > 0);
        int32_t nsid;
        if (rtnetlink_parse_nsid(msg, &nsid) == 0)
            CHECK(nsid >= -1);
        if (msg->nlmsg_type == NLMSG_ERROR)
            rtnetlink_error(msg);
    }
    for (size_t i = 0; i < links_count(links); i++) {
        const struct rtnetlink_link *link = links_at(links, i);
        struct link_sample sample;
        links_sample(link, &sample);
        CHECK(sample.index > 0 && sample.kind && memchr(sample.name, '\0', IF_NAMESIZE));
        CHECK(links_far_nsid(link) >= -1);
        monitor_addresses(m, link->index);
    }
    flush(m);
    monitor_free(m);
    links_free(links);
    free(copy);
    return 0;
}
