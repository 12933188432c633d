/*
 * totals.c: see totals.h. The map of drops is by reason, protocol and port; the series are by
 * reason, whose names the keeper took from this kernel's own type information (map "reasons"): the
 * numbers change from release to release.
 */
#include "collect/ebpf/totals.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/mem.h"
#include "collect/catalogue.h"
#include "collect/ebpf/maps.h"

#define PORTION 256

static void totals_destroy(struct message *msg)
{
    free(CONTAINER_OF(msg, struct totals, msg));
}

void totals_reason_name(const char *kernel, char out[BPF_REASON_NAME_MAX])
{
    static const char prefix[] = "SKB_DROP_REASON_";
    size_t len = 0;
    if (strncmp(kernel, prefix, sizeof(prefix) - 1) == 0)
        kernel += sizeof(prefix) - 1;
    for (; kernel[len] && len < BPF_REASON_NAME_MAX - 1; len++) {
        char c = kernel[len];
        bool upper = c >= 'A' && c <= 'Z', plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        out[len] = upper ? (char)(c - 'A' + 'a') : plain ? c : '_';
    }
    out[len] = '\0';
}

/* The kernel's name; "subsystem_N" for reasons that a module has numbers of its own for. */
static void reason_name(int map, uint32_t reason, char out[BPF_REASON_NAME_MAX])
{
    char kernel[BPF_REASON_NAME_MAX] = "";
    if (reason < BPF_REASONS_MAX && bpf_map_look_up(map, &reason, kernel) == 0) {
        kernel[sizeof(kernel) - 1] = '\0';
        totals_reason_name(kernel, out);
    } else {
        *out = '\0';
    }
    if (!*out && reason >> 16)
        snprintf(out, BPF_REASON_NAME_MAX, "subsystem_%u", reason >> 16);
    else if (!*out)
        snprintf(out, BPF_REASON_NAME_MAX, "reason_%u", reason);
}

static void reasons_add(struct totals *t, const char *name, uint64_t packets)
{
    size_t i = 0;
    while (i < t->reasons_count && strcmp(t->reasons[i].name, name) != 0)
        i++;
    if (i == t->reasons_count) {
        if (i == TOTALS_REASONS_MAX) {
            i--; /* the last one stands for all others */
            snprintf(t->reasons[i].name, sizeof(t->reasons[i].name), "other");
        } else {
            snprintf(t->reasons[i].name, sizeof(t->reasons[i].name), "%s", name);
            t->reasons_count++;
        }
    }
    t->reasons[i].packets += packets;
}

static int read_drops(struct totals *t, const struct keeper_programs *programs)
{
    struct bpf_drop_key keys[PORTION];
    uint64_t values[PORTION];
    struct bpf_walk walk = BPF_WALK_INIT(programs->maps[BPF_MAP_DROPS]);
    while (!walk.done) {
        uint32_t count;
        int err = bpf_walk_next(&walk, keys, values, PORTION, &count);
        if (err)
            return err;
        for (uint32_t i = 0; i < count; i++) {
            char name[BPF_REASON_NAME_MAX];
            reason_name(programs->maps[BPF_MAP_REASONS], keys[i].reason, name);
            reasons_add(t, name, values[i]);
        }
    }
    return 0;
}

int totals_read(const struct keeper_programs *programs, uint64_t bad_records, struct totals **ret)
{
    struct totals *t = mem_alloc(sizeof(*t));
    int err = 0;
    message_init(&t->msg, totals_destroy);
    t->bad_records = bad_records;
    for (uint32_t i = 0; i < BPF_COUNTERS && !err; i++)
        err = bpf_map_look_up(programs->maps[BPF_MAP_COUNTERS], &i, &t->counters[i]);
    if (!err && programs->parts & BPF_PART_BIT(BPF_PART_DROPS))
        err = read_drops(t, programs);
    if (err) {
        message_unref(&t->msg);
        return err;
    }
    *ret = t;
    return 0;
}

void totals_tell_losses(const struct totals *now, const struct totals *before,
                        struct census *census)
{
    static const struct {
        enum bpf_counter counter;
        const char *what;
    } losses[] = {
        {BPF_COUNTER_RECORDS_LOST, "ebpf records"},
        {BPF_COUNTER_BYTES_LOST, "bytes of processes (ebpf)"},
        {BPF_COUNTER_DROPS_LOST, "ebpf drops"},
    };
    for (size_t i = 0; i < ARRAY_LEN(losses); i++) {
        uint64_t lost =
            now->counters[losses[i].counter] - (before ? before->counters[losses[i].counter] : 0);
        if (lost)
            census_lost(census, lost, losses[i].what);
    }
    uint64_t bad = now->bad_records - (before ? before->bad_records : 0);
    if (bad)
        census_lost(census, bad, "ebpf records that make no sense");
}

/* ---- core thread --------------------------------------------------------------------------- */

struct totals_series {
    size_t count;
    struct {
        char name[BPF_REASON_NAME_MAX];
        struct series *series; /* NULL: refused */
    } reasons[TOTALS_REASONS_MAX];
    bool asked;
    struct series *lost, *errors;
};

struct totals_series *totals_series_new(void)
{
    return mem_alloc(sizeof(struct totals_series));
}

void totals_series_forget(struct totals_series *s)
{
    for (size_t i = 0; i < s->count; i++)
        series_unref(s->reasons[i].series);
    series_unref(s->lost);
    series_unref(s->errors);
    *s = (struct totals_series){.count = 0};
}

void totals_series_free(struct totals_series *s)
{
    if (!s)
        return;
    totals_series_forget(s);
    free(s);
}

static struct series *series_of(struct totals_series *s, const char *name, struct sampler *sampler,
                                const struct engine_sink *sink)
{
    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->reasons[i].name, name) == 0)
            return s->reasons[i].series;
    }
    if (s->count == TOTALS_REASONS_MAX)
        return NULL;
    struct label reason = {"reason", name};
    size_t i = s->count++;
    snprintf(s->reasons[i].name, sizeof(s->reasons[i].name), "%s", name);
    s->reasons[i].series = sampler_series(sampler, sink, &catalogue_packet_drops, &reason, 1);
    return s->reasons[i].series;
}

void totals_sample(struct totals_series *s, const struct totals *totals, struct sampler *sampler,
                   const struct engine_sink *sink, uint32_t assigned)
{
    if (assigned & CAPABILITY_BIT(CAPABILITY_DROPS)) {
        for (size_t i = 0; i < totals->reasons_count; i++)
            draft_counter(sink->draft, series_of(s, totals->reasons[i].name, sampler, sink),
                          totals->reasons[i].packets, 0);
    }
    if (!s->asked) {
        struct label engine = {"engine", sampler->method};
        s->lost = sampler_series(sampler, sink, &catalogue_bpf_lost, NULL, 0);
        s->errors = sampler_series(sampler, sink, &catalogue_collect_errors, &engine, 1);
        s->asked = true;
    }
    draft_counter(sink->draft, s->lost,
                  totals->counters[BPF_COUNTER_RECORDS_LOST] +
                      totals->counters[BPF_COUNTER_PROCESSES_LOST] +
                      totals->counters[BPF_COUNTER_DROPS_LOST],
                  0);
    draft_counter(sink->draft, s->errors, sampler->errors + totals->bad_records, 0);
}
