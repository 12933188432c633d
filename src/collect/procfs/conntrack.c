/*
 * conntrack.c: connection tracking: entries, limit, and the sums over all CPUs of what
 * /proc/net/stat/nf_conntrack counts. That file has the entries, too, the same number in each line;
 * the sysctl of their number, the most expensive file of all for what it says, is for kernels
 * without it.
 *
 * The file has a line of names, then a line per CPU with 32-bit numbers in hexadecimal. Each of
 * them wraps by itself, so a sum of them would jump: they are extended to 64 bits one by one, and
 * the sum of those is the counter. Columns are found by name; kernels have moved and renamed them.
 */
#include <stdlib.h>

#include "base/defs.h"
#include "base/mem.h"
#include "collect/procfs/parts.h"

#define CPUS_MAX 8192
#define COLUMNS_MAX 32

struct per_cpu {
    uint32_t last[CONNTRACK_STATS];
    uint32_t wraps[CONNTRACK_STATS];
};

struct conntrack {
    struct sampler *sampler;
    enum conntrack_file file;
    bool asked_stats, asked_number; /* for the series below */
    struct series *series[CONNTRACK_STATS];
    struct series *number_series; /* entries or limit */
    double number;                /* as read last */
    bool read;                    /* a number has been */
    struct per_cpu *cpus;
    size_t cpus_count;
};

struct conntrack *conntrack_new(struct sampler *sampler, enum conntrack_file file)
{
    struct conntrack *c = mem_alloc(sizeof(*c));
    c->sampler = sampler;
    c->file = file;
    return c;
}

void conntrack_forget(struct conntrack *c)
{
    for (size_t i = 0; i < CONNTRACK_STATS; i++)
        c->series[i] = series_unref(c->series[i]);
    c->number_series = series_unref(c->number_series);
    c->asked_stats = c->asked_number = false;
}

void conntrack_free(struct conntrack *c)
{
    if (!c)
        return;
    conntrack_forget(c);
    free(c->cpus);
    free(c);
}

static void sample_number(struct conntrack *c, const struct engine_sink *sink)
{
    if (!c->asked_number) {
        c->number_series =
            sampler_series(c->sampler, sink,
                           c->file == CONNTRACK_FILE_MAX ? &catalogue_conntrack_limit
                                                         : &catalogue_conntrack_entries,
                           NULL, 0);
        c->asked_number = true;
    }
    draft_gauge(sink->draft, c->number_series, c->number);
}

static size_t parse_number(struct conntrack *c, struct scan text, const struct engine_sink *sink)
{
    struct scan line;
    uint64_t number;
    if (!scan_line(&text, &line) || !scan_u64(&line, &number))
        return 1;
    c->number = (double)number;
    c->read = true;
    sample_number(c, sink);
    return 0;
}

bool conntrack_repeat(struct conntrack *c, const struct engine_sink *sink)
{
    if (c->file != CONNTRACK_FILE_MAX || !c->read)
        return false;
    sample_number(c, sink);
    return true;
}

/* What a column of the file with many holds: an enum conntrack_stat, or one of these. */
#define COLUMN_ENTRIES CONNTRACK_STATS
#define COLUMN_OTHER (CONNTRACK_STATS + 1)

static size_t parse_names(struct scan line, unsigned columns[COLUMNS_MAX], uint32_t *ret_found)
{
    struct scan word;
    size_t count = 0;
    *ret_found = 0;
    while (count < COLUMNS_MAX && scan_word(&line, &word)) {
        columns[count] = scan_is(&word, "entries", 7) ? COLUMN_ENTRIES : COLUMN_OTHER;
        for (size_t i = 0; i < CONNTRACK_STATS; i++) {
            if (scan_is(&word, catalogue_conntrack_columns[i],
                        strlen(catalogue_conntrack_columns[i]))) {
                columns[count] = (unsigned)i;
                *ret_found |= 1U << i;
            }
        }
        count++;
    }
    return count;
}

static void cpu_extend(struct per_cpu *cpu, enum conntrack_stat stat, uint32_t now)
{
    /* Less than before: wrapped when it comes from the upper half, started over otherwise. */
    if (now < cpu->last[stat] && cpu->last[stat] - now > INT32_MAX)
        cpu->wraps[stat]++;
    cpu->last[stat] = now;
}

static size_t parse_stat(struct conntrack *c, struct scan text, const struct engine_sink *sink)
{
    unsigned columns[COLUMNS_MAX];
    struct scan line;
    uint32_t found;
    bool entries = false;
    if (!scan_line(&text, &line))
        return 1;
    size_t count = parse_names(line, columns, &found), number = 0, bad = 0;
    if (!found)
        return 1;
    for (; scan_line(&text, &line) && number < CPUS_MAX; number++) {
        if (number == c->cpus_count) {
            c->cpus = mem_resize(c->cpus, number + 1, sizeof(c->cpus[0]));
            c->cpus[c->cpus_count++] = (struct per_cpu){0};
        }
        uint32_t values[COLUMNS_MAX];
        size_t have = 0;
        while (have < count && scan_hex(&line, &values[have]))
            have++;
        if (have < count) {
            bad++; /* its last numbers stay in the sums */
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            if (columns[i] < CONNTRACK_STATS)
                cpu_extend(&c->cpus[number], (enum conntrack_stat)columns[i], values[i]);
            else if (columns[i] == COLUMN_ENTRIES) {
                c->number = values[i];
                entries = true;
            }
        }
    }
    if (entries)
        sample_number(c, sink);
    for (size_t i = 0; i < CONNTRACK_STATS; i++) {
        if (!(found & 1U << i))
            continue;
        if (!c->asked_stats)
            c->series[i] = sampler_series(c->sampler, sink, &catalogue_conntrack_stats[i], NULL, 0);
        uint64_t sum = 0;
        for (size_t n = 0; n < c->cpus_count; n++)
            sum += (uint64_t)c->cpus[n].wraps[i] << 32 | c->cpus[n].last[i];
        draft_counter(sink->draft, c->series[i], sum, 0);
    }
    c->asked_stats = true;
    return bad + (scan_len(&text) > 0);
}

size_t conntrack_parse(struct conntrack *c, struct scan text, const struct engine_sink *sink)
{
    return c->file == CONNTRACK_FILE_STAT ? parse_stat(c, text, sink) : parse_number(c, text, sink);
}
