/*
 * engine.h: the contract between an engine (a way to read the kernel) and the rest.
 *
 * Life: probe (may it work here? why not, and what would help) -> open (take descriptors; runs
 * before privileges are dropped, so everything that needs them is opened here) -> attach (core
 * thread: watch descriptors in its loop) -> collect once a tick -> close. select.c decides which
 * engine provides which capability; an engine collects only what it was given.
 *
 * Threads: probe and open on the main thread before any other exists; attach, collect, detach and
 * close on the core thread, and probe and assign again there now and then, to find out whether what
 * was lost is back: probe needs no privilege and changes nothing; survey on the survey thread (slow
 * sources; its result is a frozen message that take_survey receives on the core thread; a tick
 * never waits for it).
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "model/series.h"
#include "model/tick.h"

enum capability {
    CAPABILITY_INTERFACES,         /* per-device counters and state, table "interfaces" */
    CAPABILITY_LINK_EVENTS,        /* link, address and route changes as events */
    CAPABILITY_PROTOCOLS,          /* IP, ICMP, TCP, UDP counters */
    CAPABILITY_SOCKETS,            /* sockets in use by protocol */
    CAPABILITY_SOFTNET,            /* per-CPU backlog */
    CAPABILITY_CONNTRACK,          /* connection tracking counters */
    CAPABILITY_SYSTEM,             /* host's name, kernel, boot time, clock */
    CAPABILITY_QUEUES,             /* queueing disciplines */
    CAPABILITY_NIC,                /* what network cards count themselves */
    CAPABILITY_CONNECTIONS,        /* sockets one by one: table "connections", TCP by state */
    CAPABILITY_CONNECTION_QUALITY, /* their round trips, retransmissions and bytes */
    CAPABILITY_CONNECTION_EVENTS,  /* opened, accepted, closed, as they happen */
    CAPABILITY_PROCESS_TRAFFIC,    /* bytes by process and unit: table "processes" */
    CAPABILITY_RETRANSMITS,        /* connections that send again, as they do, in every namespace */
    CAPABILITY_DROPS,              /* packets that the kernel dropped, by reason */
    CAPABILITY_DNS,                /* DNS queries and answers: table "dns" */
    CAPABILITY_FLOWS,              /* conversations seen in packets: table "flows" */
    CAPABILITIES
};

#define CAPABILITY_BIT(c) (UINT32_C(1) << (c))

const char *capability_name(enum capability c); /* "interfaces" … */

/* What an engine cannot give here, or not as well as it could. On a capability that works it is a
 * limit when something would help, and a remark when nothing would. */
struct shortfall {
    uint32_t capabilities; /* bit set */
    bool off;            /* by choice: nobody asked, or what it would measure is not in use here */
    uint64_t privileges; /* that would help: bit set of CAP_…; select.c makes a command of it */
    char reason[192];    /* a sentence */
    char remedy[160];    /* the exact command or setting that would change it, "" */
};

#define PROBE_SHORTFALLS_MAX 20

struct engine_probe {
    uint32_t capabilities; /* bit set of what works here */
    size_t count;
    struct shortfall shortfalls[PROBE_SHORTFALLS_MAX]; /* more are left out */
};

struct engine_settings;

/* probe.c: for engines, to say what falls short. The sentence is printed as by printf and cut where
 * it does not fit; the same one said again only adds its capabilities. */
void probe_missing(struct engine_probe *p, uint32_t capabilities, const char *remedy,
                   const char *format, ...) PRINTF_LIKE(4, 5);
void probe_off(struct engine_probe *p, uint32_t capabilities, const char *remedy,
               const char *format, ...) PRINTF_LIKE(4, 5);
void probe_unprivileged(struct engine_probe *p, uint32_t capabilities, uint64_t privileges,
                        const char *format, ...) PRINTF_LIKE(4, 5);

/* What all say that tell of sockets: whose they are is seen of others' processes only by who may
 * look into these. */
void probe_owners(struct engine_probe *p, const struct engine_settings *s, uint32_t capabilities);

/* The first that is about one of the capabilities; NULL: none. */
const struct shortfall *probe_shortfall(const struct engine_probe *p, uint32_t capabilities);

/* The command that gives the program these privileges, from what it was started with. */
void probe_privileges_remedy(const struct engine_settings *s, uint64_t privileges, char *ret,
                             size_t size);

struct keeper;
struct finder;

/* What the packet engine looks at; all texts outlive the engine. */
struct engine_packet_settings {
    const char *const *devices; /* none: all, when the engine is named */
    size_t devices_count;
    const char *filter; /* of tcpdump's language; NULL or "": everything */
    uint32_t snaplen;   /* bytes of a packet that are looked at */
    const char *file;   /* read this instead of devices; NULL: live */
};

struct engine_settings {
    const char *proc_root;              /* "/proc", another tree in tests */
    const char *sys_root;               /* "/sys" */
    const char *const *exclude_devices; /* globs */
    size_t exclude_devices_count;
    int64_t interval_ms;
    /* Of the process when it started, bit sets of CAP_…, and the path of its program: for the
     * command that would give it more. NULL: some netsonde. */
    uint64_t permitted, bounding;
    const char *program;
    size_t sockets_max, processes_max; /* that the census keeps; 0: as many as usual */
    size_t process_series_limit;       /* (process, unit) with series of their own; 0: as usual */
    bool nameless;                     /* no names of peers: collect.resolve: off */
    struct finder *finder;             /* for the survey thread; NULL: there is none */
    struct engine_packet_settings packet;
    struct keeper *keeper; /* opens what needs privileges, in open; NULL: there is none, or open is
                              called on the core thread, to try once more */
};

struct engine_sink {
    struct registry *registry;
    struct draft *draft;
    int64_t now_ms;  /* wall */
    int64_t mono_ns; /* monotonic, when collecting began; 0: collector_collect reads the clock */
    /* Everything was read less than a second ago. What is set rather than counted (names, limits,
     * the state of a link that has sent no notice) may be as it was then. */
    bool counts_only;
};

struct uv_loop_s;
struct census;
struct engine;

struct engine_class {
    const char *name;
    int preference;         /* larger wins when two engines offer a capability */
    uint32_t preferred_for; /* capabilities that it wins whatever the others' preference is */
    uint32_t offers; /* bit set of all that it can give where nothing is in its way; for each of
                      * them a probe says that it works or what falls short */
    /* Whether its settings ask for it; it costs much, so it does not run for "auto" alone. NULL: it
     * does. */
    bool (*wanted)(const struct engine_settings *settings);
    /* Allocates; settings must outlive the engine. */
    struct engine *(*make)(const struct engine_settings *settings);
    void (*probe)(struct engine *e, struct engine_probe *ret);
    int (*open)(struct engine *e, uint32_t capabilities);    /* 0 or -errno; reason is logged */
    int (*attach)(struct engine *e, struct uv_loop_s *loop); /* NULL: nothing to watch */
    /* Reads everything once. 0, or -errno when a capability is lost: the bits in *ret_lost go to
     * the next engine. A source that is only briefly unreadable is a gap, not a loss. */
    int (*collect)(struct engine *e, const struct engine_sink *sink, uint32_t *ret_lost);
    /* Changes what it provides while it runs (fall-back). */
    void (*assign)(struct engine *e, uint32_t capabilities);
    /* Survey thread, about once per collect.tables_interval: tells the census which sockets and
     * processes there are, and reads other slow sources into a frozen message, or NULL when nothing
     * of them changed. Must touch nothing that collect touches; which capabilities the engine has
     * now, it asks engine_surveys. May be NULL. */
    struct message *(*survey)(struct engine *e, struct census *census);
    uint32_t surveyed; /* capabilities that need the survey; it runs while one is assigned */
    /* Core thread: takes what survey returned, for the ticks from now on. */
    void (*take_survey)(struct engine *e, struct message *result);
    void (*detach)(struct engine *e, void (*done)(void *user), void *user); /* NULL with attach */
    void (*free)(struct engine *e); /* closes; NULL allowed */
};

struct engine {
    const struct engine_class *class;
    uint32_t assigned;         /* capabilities it provides now */
    struct engine_probe probe; /* filled by select.c */
    atomic_uint surveying;     /* `assigned` for the survey thread, kept by select.c */
    uint32_t round; /* survey thread: what it surveys in this round, decided for all at its begin */
};

/* Survey thread: does the engine provide this in the running round? */
static inline bool engine_surveys(const struct engine *e, enum capability c)
{
    return e->round & CAPABILITY_BIT(c);
}

extern const struct engine_class engine_ebpf;
extern const struct engine_class engine_procfs;
extern const struct engine_class engine_netlink;
extern const struct engine_class engine_packet;
