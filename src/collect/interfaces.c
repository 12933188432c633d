/*
 * interfaces.c: identity and numbers of the host's interfaces.
 *
 * An interface is its index in the kernel, not its name: names move (eth1 becomes eth0 while the
 * old eth0 is still remembered), indices do not. The index is therefore the `source` of every
 * counter: when a name passes to another index the draft marks a gap by itself. One thing the
 * index cannot tell: an interface leaves the namespace and another one comes back under the same
 * number. So an index that was gone and is seen again counts as a new object: `births` numbers
 * them, and is the upper half of the source. A first birth has 0 there, so that the source of an
 * interface that is simply there all the time is the same in every run of the program and for
 * every engine.
 *
 * A rename is a birth, too: what the interface counts under its new name must not be counted once
 * more by the series of the old one when that name comes back.
 *
 *   items[]  in the order in which the engine reports them, so that the next tick finds each one
 *            where it looks first; births[] remembers indices and names that went away, of the
 *            newest 256 indices.
 *
 * A rate in the table comes from the same increment that the draft worked out (wraps included); it
 * is null for the first sample of an object and when it started over. Across ticks that missed the
 * interface, and across a rename, it is the mean since the last sample, although the series of that
 * name have a gap there.
 */
#include "collect/interfaces.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/mem.h"
#include "base/text.h"

struct interface {
    uint32_t index;
    uint64_t source;
    uint64_t tick; /* of the last sample */
    char name[IF_NAMESIZE];
    bool excluded;
    uint32_t counters_asked, gauges_asked; /* bits: looked up, perhaps in vain */
    struct series *counters[LINK_COUNTERS];
    struct series *gauges[LINK_GAUGES];
    struct link_info info;
    struct {
        uint64_t absolute[2]; /* receive, transmit */
        int64_t mono_ns;      /* 0: not sampled yet */
    } last;
};

struct birth {
    uint32_t index;
    uint32_t number;
};

struct interfaces {
    struct sampler *sampler;
    const struct engine_settings *settings;
    struct interface **items;
    size_t count, capacity;
    size_t hint; /* where the next sample's interface is expected */
    uint64_t tick;
    struct birth births[256];
    size_t births_next;
    struct table *table; /* of the tick being collected */
};

bool device_excluded(const struct engine_settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->exclude_devices_count; i++) {
        if (text_glob(settings->exclude_devices[i], name))
            return true;
    }
    return false;
}

struct interfaces *interfaces_new(struct sampler *sampler, const struct engine_settings *settings)
{
    struct interfaces *list = mem_alloc(sizeof(*list));
    list->sampler = sampler;
    list->settings = settings;
    return list;
}

static void interface_drop_series(struct interface *i)
{
    for (size_t c = 0; c < LINK_COUNTERS; c++)
        i->counters[c] = series_unref(i->counters[c]);
    for (size_t g = 0; g < LINK_GAUGES; g++)
        i->gauges[g] = series_unref(i->gauges[g]);
    i->counters_asked = i->gauges_asked = 0;
    link_info_forget(&i->info);
}

static void interface_free(struct interface *i)
{
    interface_drop_series(i);
    free(i);
}

void interfaces_free(struct interfaces *list)
{
    if (!list)
        return;
    for (size_t i = 0; i < list->count; i++)
        interface_free(list->items[i]);
    table_unref(list->table);
    free(list->items);
    free(list);
}

/* ---- identity ------------------------------------------------------------------------------ */

/* How often the index or its name was given up so far; bump counts one more. */
static uint32_t births_of(struct interfaces *list, uint32_t index, bool bump)
{
    struct birth *found = NULL;
    for (size_t i = 0; i < ARRAY_LEN(list->births) && !found; i++) {
        if (list->births[i].index == index)
            found = &list->births[i];
    }
    if (!found && bump) {
        found = &list->births[list->births_next++ % ARRAY_LEN(list->births)];
        *found = (struct birth){.index = index};
    }
    if (!found)
        return 0;
    if (bump)
        found->number++;
    return found->number;
}

static uint64_t source_of(uint32_t index, uint32_t births)
{
    return (uint64_t)births << 32 | index;
}

static void interfaces_remove(struct interfaces *list, size_t at)
{
    births_of(list, list->items[at]->index, true);
    interface_free(list->items[at]);
    list->count--;
    memmove(&list->items[at], &list->items[at + 1], (list->count - at) * sizeof(list->items[0]));
}

/* The interface with this index, moved to or made at the place where it is expected. */
static struct interface *interfaces_find(struct interfaces *list, uint32_t index)
{
    size_t hint = list->hint++;
    if (hint < list->count && list->items[hint]->index == index)
        return list->items[hint];

    struct interface *found = NULL;
    size_t at = 0;
    while (at < list->count && list->items[at]->index != index)
        at++;
    if (at < list->count) {
        found = list->items[at];
        memmove(&list->items[at], &list->items[at + 1],
                (list->count - at - 1) * sizeof(list->items[0]));
        list->count--;
    } else {
        found = mem_alloc(sizeof(*found));
        found->index = index;
        found->source = source_of(index, births_of(list, index, false));
    }
    if (list->count == list->capacity) {
        list->capacity = MAX(list->capacity * 2, (size_t)16);
        list->items = mem_resize(list->items, list->capacity, sizeof(list->items[0]));
    }
    hint = MIN(hint, list->count);
    memmove(&list->items[hint + 1], &list->items[hint],
            (list->count - hint) * sizeof(list->items[0]));
    list->items[hint] = found;
    list->count++;
    return found;
}

void interfaces_gone(struct interfaces *list, uint32_t index)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i]->index == index) {
            interfaces_remove(list, i);
            return;
        }
    }
}

void interfaces_forget_series(struct interfaces *list)
{
    for (size_t i = 0; i < list->count; i++)
        interface_drop_series(list->items[i]);
}

static void interface_name(struct interfaces *list, struct interface *i, const char *name)
{
    if (strcmp(i->name, name) == 0)
        return;
    if (i->name[0])
        i->source = source_of(i->index, births_of(list, i->index, true));
    interface_drop_series(i);
    size_t len = strnlen(name, sizeof(i->name) - 1);
    memcpy(i->name, name, len);
    i->name[len] = '\0';
    i->excluded = device_excluded(list->settings, i->name);
}

/* ---- numbers ------------------------------------------------------------------------------- */

/* Asks for the series of numbers that come for the first time. What the source does not have is
 * never asked for; what the registry refused is asked for again after forget_series. */
static void interface_look_up(struct interfaces *list, struct interface *i,
                              const struct engine_sink *sink, const struct link_sample *sample)
{
    uint32_t counters = sample->counted & ~i->counters_asked;
    uint32_t gauges = sample->measured & ~i->gauges_asked;
    if (!(counters | gauges))
        return;
    struct label device = {"device", i->name};
    for (size_t c = 0; c < LINK_COUNTERS; c++) {
        if (counters & 1U << c)
            i->counters[c] =
                sampler_series(list->sampler, sink, &catalogue_link_counters[c], &device, 1);
    }
    for (size_t g = 0; g < LINK_GAUGES; g++) {
        if (gauges & 1U << g)
            i->gauges[g] =
                sampler_series(list->sampler, sink, &catalogue_link_gauges[g], &device, 1);
    }
    i->counters_asked |= counters;
    i->gauges_asked |= gauges;
}

/* Bytes per second since the last sample; NAN when the two are not comparable. `s` has just been
 * sampled, so its increment tells a wrap from a reset. */
static double interface_rate(const struct series *s, uint64_t before, uint64_t now,
                             int64_t elapsed_ns)
{
    uint64_t step = now - before;
    if (now < before) {
        step = s ? s->live.increment : 0;
        if (!step || (uint32_t)(before + step) != (uint32_t)now)
            return NAN;
    }
    return elapsed_ns > 0 ? (double)step * (double)NS_PER_S / (double)elapsed_ns : NAN;
}

static void cell_counter(struct cell *cell, const struct link_sample *s, enum link_counter c)
{
    if (s->counted & 1U << c)
        cell_uint(cell, s->counters[c]);
}

static void cell_gauge(struct cell *cell, const struct link_sample *s, enum link_gauge g,
                       double factor)
{
    if ((s->measured & 1U << g) && s->gauges[g] > 0)
        cell_uint(cell, (uint64_t)(s->gauges[g] * factor));
}

static void interface_row(struct interfaces *list, const struct interface *i,
                          const struct link_sample *s, const double rate[2])
{
    struct table *t = list->table;
    struct cell *row = table_row(t, i->index);
    cell_text(t, &row[IF_DEVICE], i->name);
    cell_text(t, &row[IF_KIND], s->kind);
    cell_text(t, &row[IF_STATE], s->state);
    cell_gauge(&row[IF_SPEED_BPS], s, LINK_SPEED, 8);
    cell_gauge(&row[IF_MTU], s, LINK_MTU, 1);
    cell_list(t, &row[IF_ADDRESSES], s->addresses);
    cell_counter(&row[IF_RX_BYTES], s, LINK_RX_BYTES);
    cell_counter(&row[IF_TX_BYTES], s, LINK_TX_BYTES);
    cell_real(&row[IF_RX_RATE], rate[0]);
    cell_real(&row[IF_TX_RATE], rate[1]);
    cell_counter(&row[IF_RX_PACKETS], s, LINK_RX_PACKETS);
    cell_counter(&row[IF_TX_PACKETS], s, LINK_TX_PACKETS);
    cell_uint(&row[IF_ERRORS], s->counters[LINK_RX_ERRS] + s->counters[LINK_TX_ERRS]);
    cell_uint(&row[IF_DROPS], s->counters[LINK_RX_DROP] + s->counters[LINK_TX_DROP]);
    cell_text(t, &row[IF_CONTAINER], s->container);
}

void interfaces_begin(struct interfaces *list, const struct engine_sink *sink)
{
    (void)sink;
    list->tick++;
    list->hint = 0;
    table_unref(list->table);
    list->table = table_new(TABLE_INTERFACES, list->count);
}

void interfaces_sample(struct interfaces *list, const struct engine_sink *sink,
                       const struct link_sample *told)
{
    struct link_sample full = *told, *sample = &full;
    if (sample->kind && strcmp(sample->kind, "physical") == 0)
        link_measure(sample, LINK_PHYSICAL, 1);
    struct interface *i = interfaces_find(list, sample->index);
    if (i->tick == list->tick)
        return;
    i->tick = list->tick;
    interface_name(list, i, sample->name);
    if (i->excluded)
        return;
    interface_look_up(list, i, sink, sample);
    for (size_t c = 0; c < LINK_COUNTERS; c++) {
        if (sample->counted & 1U << c)
            draft_counter(sink->draft, i->counters[c], sample->counters[c], i->source);
    }
    for (size_t g = 0; g < LINK_GAUGES; g++) {
        if (sample->measured & 1U << g)
            draft_gauge(sink->draft, i->gauges[g], sample->gauges[g]);
    }
    link_info_sample(&i->info, list->sampler, sink, i->name, &sample->texts);

    static const enum link_counter bytes[2] = {LINK_RX_BYTES, LINK_TX_BYTES};
    double rate[2] = {NAN, NAN};
    for (size_t d = 0; d < 2; d++) {
        uint64_t now = sample->counters[bytes[d]];
        if (i->last.mono_ns)
            rate[d] = interface_rate(i->counters[bytes[d]], i->last.absolute[d], now,
                                     sink->mono_ns - i->last.mono_ns);
        i->last.absolute[d] = now;
    }
    i->last.mono_ns = sink->mono_ns;
    interface_row(list, i, sample, rate);
}

void interfaces_end(struct interfaces *list, const struct engine_sink *sink, bool complete)
{
    if (!complete) {
        table_unref(TAKE(list->table));
        return;
    }
    for (size_t i = list->count; i-- > 0;) {
        if (list->items[i]->tick != list->tick)
            interfaces_remove(list, i);
    }
    draft_table(sink->draft, TAKE(list->table));
}
