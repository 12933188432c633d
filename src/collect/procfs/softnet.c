/*
 * softnet.c: /proc/net/softnet_stat, one line per CPU that is online, numbers in hexadecimal.
 *
 *   0 processed  1 dropped  2 times squeezed  8 send lock collisions  9 woken by RPS
 *   10 flow limit  11 backlog length (since 5.10)  12 the CPU's number (since 5.14)
 *
 * Older kernels have fewer columns; the line's number stands in for the CPU's. The counters have
 * 32 bits and wrap, which the draft knows how to tell from a reset.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/defs.h"
#include "base/mem.h"
#include "collect/procfs/parts.h"

#define CPUS_MAX 8192
#define COLUMN_CPU 12

static const unsigned columns_of[SOFTNET_METRICS] = {
    [SOFTNET_PROCESSED] = 0,     [SOFTNET_DROPPED] = 1,      [SOFTNET_TIMES_SQUEEZED] = 2,
    [SOFTNET_CPU_COLLISION] = 8, [SOFTNET_RECEIVED_RPS] = 9, [SOFTNET_FLOW_LIMIT] = 10,
    [SOFTNET_BACKLOG] = 11,
};

struct cpu {
    uint32_t asked; /* bits: series looked up */
    struct series *series[SOFTNET_METRICS];
};

struct softnet {
    struct sampler *sampler;
    struct cpu *cpus; /* by the CPU's number */
    size_t count;
};

struct softnet *softnet_new(struct sampler *sampler)
{
    struct softnet *s = mem_alloc(sizeof(*s));
    s->sampler = sampler;
    return s;
}

void softnet_forget(struct softnet *s)
{
    for (size_t i = 0; i < s->count; i++) {
        for (size_t m = 0; m < SOFTNET_METRICS; m++)
            series_unref(s->cpus[i].series[m]);
    }
    free(TAKE(s->cpus));
    s->count = 0;
}

void softnet_free(struct softnet *s)
{
    if (!s)
        return;
    softnet_forget(s);
    free(s);
}

static struct cpu *softnet_cpu(struct softnet *s, uint32_t number)
{
    if (number >= s->count) {
        s->cpus = mem_resize(s->cpus, number + 1, sizeof(s->cpus[0]));
        memset(&s->cpus[s->count], 0, (number + 1 - s->count) * sizeof(s->cpus[0]));
        s->count = number + 1;
    }
    return &s->cpus[number];
}

static void cpu_sample(struct softnet *s, uint32_t number, const uint32_t *columns, size_t count,
                       const struct engine_sink *sink)
{
    struct cpu *cpu = softnet_cpu(s, number);
    for (size_t m = 0; m < SOFTNET_METRICS; m++) {
        if (columns_of[m] >= count)
            continue;
        if (!(cpu->asked & 1U << m)) {
            char text[16];
            snprintf(text, sizeof(text), "%u", number);
            struct label label = {"cpu", text};
            cpu->series[m] = sampler_series(s->sampler, sink, &catalogue_softnet[m], &label, 1);
            cpu->asked |= 1U << m;
        }
        if (catalogue_softnet[m].kind == METRIC_GAUGE)
            draft_gauge(sink->draft, cpu->series[m], columns[columns_of[m]]);
        else
            draft_counter(sink->draft, cpu->series[m], columns[columns_of[m]], number);
    }
}

size_t softnet_parse(struct softnet *s, struct scan text, const struct engine_sink *sink)
{
    size_t bad = 0;
    struct scan line;
    for (uint32_t number = 0; scan_line(&text, &line); number++) {
        uint32_t columns[COLUMN_CPU + 1];
        size_t count = 0;
        while (count < ARRAY_LEN(columns) && scan_hex(&line, &columns[count]))
            count++;
        uint32_t cpu = count > COLUMN_CPU ? columns[COLUMN_CPU] : number;
        scan_blanks(&line);
        if (count <= columns_of[SOFTNET_TIMES_SQUEEZED] || cpu >= CPUS_MAX ||
            (count < ARRAY_LEN(columns) && scan_len(&line))) {
            bad++;
            continue;
        }
        cpu_sample(s, cpu, columns, count, sink);
    }
    return bad + (scan_len(&text) > 0);
}
