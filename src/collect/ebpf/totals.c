/*
 * totals.c: see totals.h. The names of drop reasons the keeper took from this kernel's own type
 * information (map "reasons"): the numbers change from release to release.
 */
#include "collect/ebpf/totals.h"

#include <netinet/in.h>
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
    struct totals *t = CONTAINER_OF(msg, struct totals, msg);
    table_unref(t->dns);
    free(t);
}

void totals_reason_name(const char *kernel, char out[BPF_REASON_NAME_MAX])
{
    static const char prefix[] = "SKB_DROP_REASON_";
    size_t len = 0;
    if (strncmp(kernel, prefix, sizeof(prefix) - 1) == 0)
        kernel += sizeof(prefix) - 1;
    for (; len < BPF_REASON_NAME_MAX - 1 && kernel[len]; len++) {
        char c = kernel[len];
        bool upper = c >= 'A' && c <= 'Z', plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        out[len] = upper ? (char)(c - 'A' + 'a') : plain ? c : '_';
    }
    out[len] = '\0';
}

void reason_names_read(const struct keeper_programs *programs, struct reason_names *ret)
{
    for (uint32_t i = 0; i < BPF_REASONS_MAX; i++) {
        char kernel[BPF_REASON_NAME_MAX] = "";
        if (programs->parts & BPF_PART_BIT(BPF_PART_DROPS))
            bpf_map_look_up(programs->maps[BPF_MAP_REASONS], &i, kernel);
        kernel[sizeof(kernel) - 1] = '\0';
        totals_reason_name(kernel, ret->name[i]);
        if (i == BPF_REASON_OTHER)
            snprintf(ret->name[i], sizeof(ret->name[i]), "other");
        else if (!*ret->name[i])
            snprintf(ret->name[i], sizeof(ret->name[i]), "reason_%u", i);
    }
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

/* Keeps the services with the most drops. */
static void ports_add(struct totals *t, const struct totals_port *port)
{
    size_t least = 0;
    if (t->ports_count < TOTALS_PORTS_MAX) {
        t->ports[t->ports_count++] = *port;
        return;
    }
    for (size_t i = 1; i < TOTALS_PORTS_MAX; i++) {
        if (t->ports[i].packets < t->ports[least].packets)
            least = i;
    }
    if (t->ports[least].packets < port->packets)
        t->ports[least] = *port;
}

static int read_ports(struct totals *t, int map, const struct reason_names *names)
{
    struct bpf_drop_key keys[PORTION];
    uint64_t values[PORTION];
    struct bpf_walk walk = BPF_WALK_INIT(map);
    while (!walk.done) {
        uint32_t count;
        int err = bpf_walk_next(&walk, keys, values, PORTION, &count);
        if (err)
            return err;
        for (uint32_t i = 0; i < count; i++) {
            struct totals_port port = {
                .port = keys[i].port, .protocol = keys[i].protocol, .packets = values[i]};
            memcpy(port.reason, names->name[MIN(keys[i].reason, (uint16_t)BPF_REASON_OTHER)],
                   sizeof(port.reason));
            ports_add(t, &port);
        }
    }
    return 0;
}

static int read_reasons(struct totals *t, int map, const struct reason_names *names)
{
    uint32_t keys[PORTION];
    uint64_t values[PORTION];
    struct bpf_walk walk = BPF_WALK_INIT(map);
    while (!walk.done) {
        uint32_t count;
        int err = bpf_walk_next(&walk, keys, values, PORTION, &count);
        if (err)
            return err;
        for (uint32_t i = 0; i < count; i++) {
            if (values[i])
                reasons_add(t, names->name[MIN(keys[i], (uint32_t)BPF_REASON_OTHER)], values[i]);
        }
    }
    return 0;
}

int totals_read(const struct keeper_programs *programs, const struct reason_names *names,
                uint64_t bad_records, struct totals **ret)
{
    struct totals *t = mem_alloc(sizeof(*t));
    int err = 0;
    message_init(&t->msg, totals_destroy);
    t->bad_records = bad_records;
    for (uint32_t i = 0; i < BPF_COUNTERS && !err; i++)
        err = bpf_map_look_up(programs->maps[BPF_MAP_COUNTERS], &i, &t->counters[i]);
    if (!err && programs->parts & BPF_PART_BIT(BPF_PART_DROPS)) {
        err = read_reasons(t, programs->maps[BPF_MAP_DROPS], names);
        if (!err)
            err = read_ports(t, programs->maps[BPF_MAP_DROP_PORTS], names);
    }
    if (err) {
        message_unref(&t->msg);
        return err;
    }
    *ret = t;
    return 0;
}

void totals_take_lookups(struct totals *t, const struct dns_log *log, const struct totals *before)
{
    t->lookups = *dns_log_counts(log);
    t->lookups_total = dns_log_total(log);
    bool same = before && before->dns && before->lookups_total == t->lookups_total;
    t->dns = same ? table_ref(before->dns) : dns_log_table(log);
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

static const struct {
    enum bpf_counter counter;
    const char *what;
} lost_kinds[] = {
    {BPF_COUNTER_RECORDS_LOST, "records"},
    {BPF_COUNTER_PROCESSES_LOST, "processes"},
    {BPF_COUNTER_DROPS_LOST, "drops"},
};

struct totals_series {
    size_t count;
    struct {
        char name[BPF_REASON_NAME_MAX];
        struct series *series; /* NULL: refused */
    } reasons[TOTALS_REASONS_MAX];
    size_t ports_count;
    struct {
        struct totals_port port;
        struct series *series;
    } ports[TOTALS_PORTS_MAX];
    bool asked;
    struct series *lost[ARRAY_LEN(lost_kinds)], *errors;
};

struct totals_series *totals_series_new(void)
{
    return mem_alloc(sizeof(struct totals_series));
}

void totals_series_forget(struct totals_series *s)
{
    for (size_t i = 0; i < s->count; i++)
        series_unref(s->reasons[i].series);
    for (size_t i = 0; i < s->ports_count; i++)
        series_unref(s->ports[i].series);
    for (size_t i = 0; i < ARRAY_LEN(lost_kinds); i++)
        series_unref(s->lost[i]);
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

/* The first services that had many drops keep their series; there is a bound. */
static struct series *series_of_port(struct totals_series *s, const struct totals_port *port,
                                     struct sampler *sampler, const struct engine_sink *sink)
{
    char text[16];
    for (size_t i = 0; i < s->ports_count; i++) {
        const struct totals_port *at = &s->ports[i].port;
        if (at->port == port->port && at->protocol == port->protocol &&
            strcmp(at->reason, port->reason) == 0)
            return s->ports[i].series;
    }
    if (s->ports_count == TOTALS_PORTS_MAX)
        return NULL;
    snprintf(text, sizeof(text), "%u", port->port);
    const struct label labels[] = {{"port", text},
                                   {"protocol", port->protocol == IPPROTO_UDP ? "udp" : "tcp"},
                                   {"reason", port->reason}};
    size_t i = s->ports_count++;
    s->ports[i].port = *port;
    s->ports[i].series = sampler_series(sampler, sink, &catalogue_service_drops, labels, 3);
    return s->ports[i].series;
}

void totals_sample(struct totals_series *s, const struct totals *totals, struct sampler *sampler,
                   const struct engine_sink *sink, uint32_t assigned)
{
    if (assigned & CAPABILITY_BIT(CAPABILITY_DROPS)) {
        for (size_t i = 0; i < totals->reasons_count; i++)
            draft_counter(sink->draft, series_of(s, totals->reasons[i].name, sampler, sink),
                          totals->reasons[i].packets, 0);
        for (size_t i = 0; i < totals->ports_count; i++)
            draft_counter(sink->draft, series_of_port(s, &totals->ports[i], sampler, sink),
                          totals->ports[i].packets, 0);
    }
    if (!s->asked) {
        struct label engine = {"engine", sampler->method};
        for (size_t i = 0; i < ARRAY_LEN(lost_kinds); i++) {
            struct label what = {"what", lost_kinds[i].what};
            s->lost[i] = sampler_series(sampler, sink, &catalogue_bpf_lost, &what, 1);
        }
        s->errors = sampler_series(sampler, sink, &catalogue_collect_errors, &engine, 1);
        s->asked = true;
    }
    for (size_t i = 0; i < ARRAY_LEN(lost_kinds); i++)
        draft_counter(sink->draft, s->lost[i], totals->counters[lost_kinds[i].counter], 0);
    draft_counter(sink->draft, s->errors, sampler->errors + totals->bad_records, 0);
}
