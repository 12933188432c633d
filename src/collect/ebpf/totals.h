/*
 * totals.h: numbers of the maps that are sums of the whole host: drops by reason and by service,
 * and what was lost in the kernel. Read on the survey thread into a frozen message, which the core
 * thread samples.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "collect/census.h"
#include "collect/dns_log.h"
#include "collect/engine.h"
#include "collect/sampler.h"
#include "keeper/keeper.h"
#include "model/message.h"

#define TOTALS_REASONS_MAX 64 /* series at most; more are counted as "other" */
#define TOTALS_PORTS_MAX 64   /* the same for services */

struct totals {
    struct message msg;
    uint64_t counters[BPF_COUNTERS];
    uint64_t bad_records;
    size_t reasons_count;
    struct {
        char name[BPF_REASON_NAME_MAX]; /* "no_socket" … */
        uint64_t packets;
    } reasons[TOTALS_REASONS_MAX];
    size_t ports_count;
    struct totals_port {
        char reason[BPF_REASON_NAME_MAX];
        uint16_t port;
        uint8_t protocol;
        uint64_t packets;
    } ports[TOTALS_PORTS_MAX]; /* those with the most drops */
    struct lookup_counts lookups;
    uint64_t lookups_total;
    struct table *dns; /* NULL: another engine has it */
};

/* What this kernel calls its reasons. */
struct reason_names {
    char name[BPF_REASONS_MAX][BPF_REASON_NAME_MAX];
};

/* Once, from the map "reasons"; what cannot be read is named by its number. */
void reason_names_read(const struct keeper_programs *programs, struct reason_names *ret);

/* 0 and one reference, or -errno. */
int totals_read(const struct keeper_programs *programs, const struct reason_names *names,
                uint64_t bad_records, struct totals **ret);

/* The log as it is now; the table of `before` (NULL allowed), when nothing has come since. */
void totals_take_lookups(struct totals *t, const struct dns_log *log, const struct totals *before);

/* What was lost since the totals before (NULL: since the programs were loaded), to the census. */
void totals_tell_losses(const struct totals *now, const struct totals *before,
                        struct census *census);

/* "SKB_DROP_REASON_NO_SOCKET" -> "no_socket"; other names in lower case as they are. */
void totals_reason_name(const char *kernel, char out[BPF_REASON_NAME_MAX]);

/* ---- core thread --------------------------------------------------------------------------- */

struct totals_series;

struct totals_series *totals_series_new(void);
void totals_series_free(struct totals_series *s); /* NULL allowed */
void totals_series_forget(struct totals_series *s);
void totals_sample(struct totals_series *s, const struct totals *totals, struct sampler *sampler,
                   const struct engine_sink *sink, uint32_t assigned);
