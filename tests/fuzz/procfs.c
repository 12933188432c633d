/*
 * procfs.c: any bytes as files of /proc. The first byte chooses the part that reads them; the text
 * is read whole, then its second half (the layout changed), then whole again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/defs.h"
#include "collect/procfs/parts.h"
#include "model/tick.h"

static int index_of(void *user, const char *name)
{
    (void)user;
    CHECK(strlen(name) < IF_NAMESIZE);
    return name[0] == 'x' ? -ENODEV : (unsigned char)name[0] % 7 + 1;
}

static void parse(unsigned char which, void *part, struct scan text, const struct engine_sink *sink)
{
    size_t bad = 0;
    switch (which) {
    case 0:
        netstat_parse(part, text, sink);
        break;
    case 1:
    case 2:
        pairs_parse(part, text, sink);
        break;
    case 3:
        softnet_parse(part, text, sink);
        break;
    case 4:
    case 5:
        conntrack_parse(part, text, sink);
        break;
    default:
        if (devices_read(part, text, false, &bad))
            devices_read(part, text, true, &bad);
        devices_sample(part, sink, NULL);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    unsigned char which = data[0] % 7;
    /* Not terminated and of exactly this size: reading on is seen. */
    char *text = malloc(size);
    memcpy(text, data + 1, size - 1);

    struct engine_settings settings = {0};
    struct sampler sampler = {.method = "fuzz"};
    struct registry *r = registry_new(500, 1);
    struct draft *d = draft_new(r);
    void *part = which == 0   ? (void *)netstat_new(&sampler)
                 : which == 1 ? (void *)pairs_new(&sampler, PAIRS_SNMP6)
                 : which == 2 ? (void *)pairs_new(&sampler, PAIRS_SOCKSTAT)
                 : which == 3 ? (void *)softnet_new(&sampler)
                 : which == 4 ? (void *)conntrack_new(&sampler, CONNTRACK_FILE_STAT)
                 : which == 5 ? (void *)conntrack_new(&sampler, CONNTRACK_FILE_COUNT)
                              : (void *)devices_new(&sampler, &settings, index_of, NULL);
    uint64_t next_event = 1;
    for (int64_t seq = 1; seq <= 3; seq++) {
        size_t skip = seq == 2 ? (size - 1) / 2 : 0;
        struct engine_sink sink = {
            .registry = r, .draft = d, .now_ms = seq, .mono_ns = seq * NS_PER_S};
        draft_begin(d, (uint64_t)seq, seq, seq > 1 ? NS_PER_S : 0, seq * NS_PER_S, 1000);
        parse(which, part, scan_text(text + skip, size - 1 - skip), &sink);
        struct tick *t = draft_seal(d, seq * NS_PER_S + 1, &next_event);
        tick_unref(t);
    }
    switch (which) {
    case 0:
        netstat_free(part);
        break;
    case 1:
    case 2:
        pairs_free(part);
        break;
    case 3:
        softnet_free(part);
        break;
    case 4:
    case 5:
        conntrack_free(part);
        break;
    default:
        devices_free(part);
        break;
    }
    draft_free(d);
    registry_free(r);
    free(text);
    return 0;
}
