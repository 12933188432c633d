/*
 * devices.c: /proc/net/dev.
 *
 *   Inter-|   Receive                                    |  Transmit
 *    face |bytes packets errs drop ... multicast|bytes packets ... compressed
 *      lo:  3267      29    0    0  ...
 *
 * The file names interfaces, and a name can pass from one to another at any time, so after each
 * reading the index of every name is asked for. Is it the same as after the reading of the tick
 * before, the numbers in between belong to that interface. Is it another (or a new name), nobody
 * knows whether the name moved before or after the reading: the file is read once more, and what
 * keeps its index then is certain. Whatever moves again meanwhile is left out of this tick. (The
 * very first reading has no tick before it and is taken as it is.)
 */
#include <stdlib.h>

#include "base/defs.h"
#include "base/mem.h"
#include "collect/procfs/parts.h"

#define DEVICES_MAX 16384
#define HEADER_LINES 2

struct device {
    char name[IF_NAMESIZE];
    uint32_t index;
    bool certain;
    uint64_t counters[LINK_PROC_COUNTERS];
};

struct devices {
    struct interfaces *interfaces;
    device_index index;
    void *user;
    struct device *now, *before; /* readings; same order as the file */
    size_t now_count, now_capacity, before_count, before_capacity;
    bool first;
};

struct devices *devices_new(struct sampler *sampler, const struct engine_settings *settings,
                            device_index index, void *user)
{
    struct devices *d = mem_alloc(sizeof(*d));
    d->interfaces = interfaces_new(sampler, settings);
    d->index = index;
    d->user = user;
    d->first = true;
    return d;
}

void devices_free(struct devices *d)
{
    if (!d)
        return;
    interfaces_free(d->interfaces);
    free(d->now);
    free(d->before);
    free(d);
}

void devices_forget(struct devices *d)
{
    interfaces_forget_series(d->interfaces);
}

/* The index that the name had after the reading before; 0: it was not there. `hint` is its place
 * in this reading, which nearly always is its place in that one. */
static uint32_t index_before(const struct devices *d, const char *name, size_t hint)
{
    if (hint < d->before_count && strcmp(d->before[hint].name, name) == 0)
        return d->before[hint].index;
    for (size_t i = 0; i < d->before_count; i++) {
        if (strcmp(d->before[i].name, name) == 0)
            return d->before[i].index;
    }
    return 0;
}

/* "  eth0: 1 2 3 ...": the name may hold blanks of its own only in front. */
static bool device_parse(struct scan line, struct device *ret)
{
    scan_blanks(&line);
    const char *colon = NULL;
    for (const char *p = line.at; p < line.end; p++) {
        if (*p == ':')
            colon = p;
    }
    if (!colon || colon == line.at || colon - line.at >= IF_NAMESIZE)
        return false;
    size_t len = (size_t)(colon - line.at);
    memcpy(ret->name, line.at, len);
    ret->name[len] = '\0';
    line.at = colon + 1;
    for (size_t i = 0; i < LINK_PROC_COUNTERS; i++) {
        if (!scan_u64(&line, &ret->counters[i]))
            return false;
    }
    return true;
}

bool devices_read(struct devices *d, struct scan text, bool second, size_t *ret_bad)
{
    struct device *swap = d->before;
    size_t swap_capacity = d->before_capacity;
    d->before = d->now;
    d->before_count = d->now_count;
    d->before_capacity = d->now_capacity;
    d->now = swap;
    d->now_capacity = swap_capacity;
    d->now_count = 0;

    bool doubtful = false;
    struct scan line;
    for (size_t number = 0; scan_line(&text, &line); number++) {
        if (number < HEADER_LINES)
            continue;
        if (d->now_count == d->now_capacity) {
            d->now_capacity = MAX(d->now_capacity * 2, (size_t)16);
            d->now = mem_resize(d->now, d->now_capacity, sizeof(d->now[0]));
        }
        struct device *device = &d->now[d->now_count];
        if (d->now_count == DEVICES_MAX || !device_parse(line, device)) {
            (*ret_bad)++;
            continue;
        }
        int index = d->index(d->user, device->name);
        if (index <= 0)
            continue; /* gone since the reading */
        device->index = (uint32_t)index;
        device->certain = d->first || index_before(d, device->name, d->now_count) == device->index;
        doubtful |= !device->certain;
        d->now_count++;
    }
    *ret_bad += scan_len(&text) > 0;
    d->first = false;
    return doubtful && !second;
}

static void sample_survey(struct link_sample *sample, const struct sysfs_link *slow)
{
    for (size_t g = 0; g < LINK_GAUGES; g++) {
        if (slow->measured & 1U << g)
            link_measure(sample, (enum link_gauge)g, slow->gauges[g]);
    }
    if (slow->counted & 1U << LINK_CARRIER_CHANGES)
        link_count(sample, LINK_CARRIER_CHANGES, slow->carrier_changes);
    if (slow->counted & 1U << LINK_CARRIER_UP)
        link_count(sample, LINK_CARRIER_UP, slow->carrier_up);
    if (slow->counted & 1U << LINK_CARRIER_DOWN)
        link_count(sample, LINK_CARRIER_DOWN, slow->carrier_down);
    sample->kind = slow->kind[0] ? slow->kind : NULL;
    sample->state = slow->state;
    sample->addresses = slow->addresses ? slow->addresses : "";
    if (slow->counted & 1U << LINK_RX_NOHANDLER)
        link_count(sample, LINK_RX_NOHANDLER, slow->nohandler);
    sample->texts = (struct link_texts){.address = &slow->address,
                                        .broadcast = &slow->broadcast,
                                        .state = slow->state,
                                        .duplex = slow->duplex,
                                        .alias = slow->alias};
}

void devices_sample(struct devices *d, const struct engine_sink *sink,
                    const struct sysfs_links *survey)
{
    interfaces_begin(d->interfaces, sink);
    for (size_t i = 0; i < d->now_count; i++) {
        const struct device *device = &d->now[i];
        if (!device->certain)
            continue;
        struct link_sample sample = {.index = device->index, .name = device->name};
        memcpy(sample.counters, device->counters, sizeof(device->counters));
        sample.counted = (1U << LINK_PROC_COUNTERS) - 1;
        const struct sysfs_link *slow = sysfs_links_find(survey, device->index);
        if (slow)
            sample_survey(&sample, slow);
        link_measure(&sample, LINK_INDEX, device->index);
        interfaces_sample(d->interfaces, sink, &sample);
    }
    interfaces_end(d->interfaces, sink, true);
}
