/*
 * ebpf.c: the engine that lets programs in the kernel count and tell (bpf/).
 *
 *   processes   payload by process, in a map                        -> census_traffic
 *   ring        connections, their retransmissions, owners, DNS     -> census_socket, _owner, ...
 *   drops       packets thrown away, by reason and port, in a map   -> series
 *   counters    what was lost in the kernel                         -> loss events, series
 *
 * The keeper loads and attaches the programs before the sandbox closes (open), those of the
 * capabilities that this engine was given and no others, and hands over descriptors. Main holds
 * all of them: the keeper may end, the programs go on; main ends, and the kernel takes them away.
 *
 * Survey thread: reads ring and maps once a round. The ring is drained first, so owners are known
 * before their bytes. A map that cannot be read three rounds in a row is lost: collect says so on
 * the core thread, and the next engine takes over. What both threads share is one atomic word and
 * the frozen message with the numbers for series.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/defs.h"
#include "base/log.h"
#include "base/mem.h"
#include "collect/census.h"
#include "collect/dns_series.h"
#include "collect/ebpf/processes.h"
#include "collect/ebpf/ring.h"
#include "collect/ebpf/support.h"
#include "collect/ebpf/tell.h"
#include "collect/ebpf/totals.h"
#include "collect/engine.h"
#include "collect/sampler.h"
#include "keeper/keeper.h"

#define FAILURES_MAX 3
#define COUNTS_PROCESSES (BPF_PART_BIT(BPF_PART_TRAFFIC) | BPF_PART_BIT(BPF_PART_TRAFFIC_PORTABLE))

/* Capabilities, and the parts that give them. DNS comes as a table and as events beside those of
 * connections. */
static const struct {
    uint32_t parts, capabilities;
} gives[] = {
    {BPF_PART_BIT(BPF_PART_TRAFFIC), CAPABILITY_BIT(CAPABILITY_PROCESS_TRAFFIC)},
    {BPF_PART_BIT(BPF_PART_TRAFFIC_PORTABLE), CAPABILITY_BIT(CAPABILITY_PROCESS_TRAFFIC)},
    {BPF_PART_BIT(BPF_PART_CONNECTIONS), CAPABILITY_BIT(CAPABILITY_CONNECTION_EVENTS)},
    {BPF_PART_BIT(BPF_PART_DNS),
     CAPABILITY_BIT(CAPABILITY_CONNECTION_EVENTS) | CAPABILITY_BIT(CAPABILITY_DNS)},
    {BPF_PART_BIT(BPF_PART_RETRANSMITS), CAPABILITY_BIT(CAPABILITY_RETRANSMITS)},
    {BPF_PART_BIT(BPF_PART_DROPS), CAPABILITY_BIT(CAPABILITY_DROPS)},
};

struct ebpf {
    struct engine engine; /* first: engine_class hands it back */
    const struct engine_settings *settings;
    struct bpf_support support; /* of this kernel, read once */
    char refused[256];          /* what the kernel said when the programs were loaded, "" */
    struct keeper_programs programs;
    struct sampler sampler;
    struct totals_series *series;
    struct dns_series dns;
    struct reason_names names;
    struct totals *totals; /* newest survey */
    int lost;              /* -errno that collect was told of */

    /* Survey thread. */
    struct ring *ring;
    struct processes *processes;
    struct tell tell;
    struct totals *surveyed; /* handed over last */
    uint32_t failures;       /* in a row */
    atomic_int failed;       /* -errno: the maps cannot be read any more */
};

static uint32_t capabilities_of(uint32_t parts)
{
    uint32_t capabilities = 0;
    for (size_t i = 0; i < ARRAY_LEN(gives); i++)
        capabilities |= parts & gives[i].parts ? gives[i].capabilities : 0;
    /* DNS alone is no connection, and of one that sends again nobody else would tell the end. */
    if (!(parts & BPF_PART_BIT(BPF_PART_CONNECTIONS)))
        capabilities &= ~(CAPABILITY_BIT(CAPABILITY_CONNECTION_EVENTS) |
                          CAPABILITY_BIT(CAPABILITY_RETRANSMITS));
    return capabilities;
}

static uint32_t parts_for(uint32_t capabilities, const struct bpf_support *support)
{
    uint32_t parts = 0;
    for (size_t i = 0; i < ARRAY_LEN(gives); i++)
        parts |= capabilities & gives[i].capabilities ? gives[i].parts : 0;
    parts &= support->parts;
    /* One way to count is enough, and two would count twice. */
    if (parts & BPF_PART_BIT(BPF_PART_TRAFFIC))
        parts &= ~BPF_PART_BIT(BPF_PART_TRAFFIC_PORTABLE);
    return parts;
}

static struct engine *ebpf_make(const struct engine_settings *settings)
{
    struct ebpf *b = mem_alloc(sizeof(*b));
    struct utsname name = {.release = ""};
    b->engine.class = &engine_ebpf;
    b->settings = settings;
    b->sampler.method = engine_ebpf.name;
    b->processes = processes_new();
    b->series = totals_series_new();
    uname(&name);
    bpf_support_read(settings->proc_root, settings->sys_root, name.release, &b->support);
    tell_init(&b->tell, settings->proc_root);
    return &b->engine;
}

/* ---- may it work here ---------------------------------------------------------------------- */

#define OFFERS                                                                                     \
    (CAPABILITY_BIT(CAPABILITY_PROCESS_TRAFFIC) | CAPABILITY_BIT(CAPABILITY_CONNECTION_EVENTS) |   \
     CAPABILITY_BIT(CAPABILITY_RETRANSMITS) | CAPABILITY_BIT(CAPABILITY_DROPS) |                   \
     CAPABILITY_BIT(CAPABILITY_DNS))
#define PRIVILEGES                                                                                 \
    (UINT64_C(1) << CAP_BPF | UINT64_C(1) << CAP_PERFMON | UINT64_C(1) << CAP_NET_ADMIN)

static void ebpf_probe(struct engine *e, struct engine_probe *ret)
{
    struct ebpf *b = CONTAINER_OF(e, struct ebpf, engine);
    *ret = (struct engine_probe){0};
    if (!keeper_has_programs()) {
        probe_missing(ret, OFFERS, "Install clang, llvm and libbpf-dev, and build again.",
                      "This program was built without the programs for the kernel.");
        return;
    }
    if (b->programs.parts || *b->refused) {
        ret->capabilities = capabilities_of(b->programs.parts);
        if (*b->refused && (OFFERS & ~ret->capabilities))
            probe_missing(ret, OFFERS & ~ret->capabilities, "", "%s", b->refused);
    } else if (b->support.parts && !keeper_can_load(b->settings->keeper)) {
        probe_unprivileged(ret, OFFERS, PRIVILEGES,
                           "Programs are loaded at the start, with CAP_BPF, CAP_PERFMON and "
                           "CAP_NET_ADMIN.");
        return;
    } else {
        ret->capabilities = capabilities_of(b->support.parts);
    }
    uint32_t lacking = OFFERS & ~capabilities_of(b->support.parts);
    if (lacking)
        probe_missing(ret, lacking, b->support.remedy, "%s", b->support.reason);
}

/* What the kernel, or this build, refused, or the keeper left open, in words for `doctor`. */
static void ebpf_refused(struct ebpf *b, uint32_t asked, int err)
{
    uint32_t missing = asked & ~b->programs.parts;
    char parts[128];
    bool silent = err == -ETIMEDOUT || err == -EPIPE || err == -EPROTO; /* keeper.h */
    if (!missing)
        return;
    for (unsigned i = 0; i < BPF_PARTS; i++) {
        if (missing & BPF_PART_BIT(i) && b->programs.error[i]) {
            err = b->programs.error[i];
            silent = false;
        }
    }
    bpf_parts_name(missing, parts, sizeof(parts));
    snprintf(b->refused, sizeof(b->refused), "%s for %s: %s.",
             silent ? "The keeper did not say whether the kernel took the programs"
                    : "The kernel refused the programs",
             parts, strerror(-err));
    log_warning("collect", "ebpf: %s", b->refused);
}

static int ebpf_open(struct engine *e, uint32_t capabilities)
{
    struct ebpf *b = CONTAINER_OF(e, struct ebpf, engine);
    uint32_t parts = parts_for(capabilities, &b->support);
    if (b->programs.parts)
        return 0;
    if (!b->settings->keeper)
        return -EPERM; /* nothing can be loaded any more */
    int err = keeper_load_bpf(b->settings->keeper, parts, &b->programs);
    ebpf_refused(b, parts, err);
    if (!err)
        err = ring_map_new(b->programs.maps[BPF_MAP_RING], BPF_RING_BYTES, &b->ring);
    if (err) {
        keeper_programs_close(&b->programs);
        return err;
    }
    reason_names_read(&b->programs, &b->names);
    e->probe.capabilities &= capabilities_of(b->programs.parts);
    e->assigned = capabilities & capabilities_of(b->programs.parts);
    return 0;
}

static void ebpf_assign(struct engine *e, uint32_t capabilities)
{
    struct ebpf *b = CONTAINER_OF(e, struct ebpf, engine);
    e->assigned = capabilities & capabilities_of(b->programs.parts);
    totals_series_forget(b->series);
    dns_series_forget(&b->dns);
}

/* ---- survey -------------------------------------------------------------------------------- */

/* 0 or -errno of the first source that cannot be read. */
static int ebpf_read(struct ebpf *b, struct census *census, bool traffic)
{
    const int *maps = b->programs.maps;
    int err = tell_drain(&b->tell, b->ring);
    if (err)
        return err;
    if (b->programs.parts & COUNTS_PROCESSES) {
        const struct processes_sink sink = {.traffic = tell_traffic, .user = &b->tell};
        err = processes_read(b->processes, maps[BPF_MAP_PROCESSES], &sink);
        if (!err && traffic)
            census_traffic_complete(census, engine_ebpf.name);
    }
    return err;
}

static struct message *ebpf_survey(struct engine *e, struct census *census)
{
    struct ebpf *b = CONTAINER_OF(e, struct ebpf, engine);
    if (!b->programs.parts || !census)
        return NULL;
    bool traffic = engine_surveys(e, CAPABILITY_PROCESS_TRAFFIC);
    tell_begin(&b->tell, census, traffic, engine_surveys(e, CAPABILITY_CONNECTION_EVENTS));
    struct totals *totals = NULL;
    int err = ebpf_read(b, census, traffic);
    if (!err)
        err = totals_read(&b->programs, &b->names, b->tell.bad_records, &totals);
    b->failures = err ? b->failures + 1 : 0;
    if (b->failures >= FAILURES_MAX)
        atomic_store_explicit(&b->failed, err, memory_order_relaxed);
    if (!totals)
        return NULL;
    totals_tell_losses(totals, b->surveyed, census);
    if (engine_surveys(e, CAPABILITY_DNS))
        totals_take_lookups(totals, dns_questions_log(b->tell.questions), b->surveyed);
    message_unref(b->surveyed ? &b->surveyed->msg : NULL);
    b->surveyed = totals;
    message_ref(&totals->msg);
    return &totals->msg;
}

static void ebpf_take_survey(struct engine *e, struct message *result)
{
    struct ebpf *b = CONTAINER_OF(e, struct ebpf, engine);
    message_unref(b->totals ? &b->totals->msg : NULL);
    b->totals = CONTAINER_OF(result, struct totals, msg);
}

/* ---- a tick -------------------------------------------------------------------------------- */

static int ebpf_collect(struct engine *e, const struct engine_sink *sink, uint32_t *ret_lost)
{
    struct ebpf *b = CONTAINER_OF(e, struct ebpf, engine);
    int failed = atomic_load_explicit(&b->failed, memory_order_relaxed);
    if (failed) {
        *ret_lost = e->assigned;
        return failed;
    }
    if (sampler_retry(&b->sampler)) {
        totals_series_forget(b->series);
        dns_series_forget(&b->dns);
    }
    if (b->totals)
        totals_sample(b->series, b->totals, &b->sampler, sink, e->assigned);
    if (b->totals && b->totals->dns && e->assigned & CAPABILITY_BIT(CAPABILITY_DNS)) {
        dns_series_sample(&b->dns, &b->totals->lookups, &b->sampler, sink);
        draft_table(sink->draft, table_ref(b->totals->dns));
    }
    return 0;
}

static void ebpf_free(struct engine *e)
{
    if (!e)
        return;
    struct ebpf *b = CONTAINER_OF(e, struct ebpf, engine);
    totals_series_free(b->series);
    dns_series_forget(&b->dns);
    message_unref(b->totals ? &b->totals->msg : NULL);
    message_unref(b->surveyed ? &b->surveyed->msg : NULL);
    ring_map_free(b->ring);
    processes_free(b->processes);
    tell_fini(&b->tell);
    keeper_programs_close(&b->programs);
    free(b);
}

const struct engine_class engine_ebpf = {
    .name = "ebpf",
    .preference = 40,
    .offers = OFFERS,
    .make = ebpf_make,
    .probe = ebpf_probe,
    .open = ebpf_open,
    .collect = ebpf_collect,
    .assign = ebpf_assign,
    .survey = ebpf_survey,
    .surveyed = CAPABILITY_BIT(CAPABILITY_PROCESS_TRAFFIC) |
                CAPABILITY_BIT(CAPABILITY_CONNECTION_EVENTS) |
                CAPABILITY_BIT(CAPABILITY_RETRANSMITS) | CAPABILITY_BIT(CAPABILITY_DROPS) |
                CAPABILITY_BIT(CAPABILITY_DNS),
    .take_survey = ebpf_take_survey,
    .free = ebpf_free,
};
