/*
 * procfs.c: the engine that reads files: it works everywhere and needs nothing.
 *
 * One row of `files` per file: where it is, for which capability, which part reads it. A tick goes
 * through the files of the capabilities assigned, each one pread and one pass over its text. What
 * /sys/class/net has is read on the survey thread and may be one survey old; the counters never
 * are. There, too, the sockets are read one by one (sockets.c), when no better engine has them.
 *
 * A capability is there when one of its files can be read; the others are named as missing. A file
 * that cannot be read is a gap in this tick; when for three ticks in a row none of a capability's
 * files could be read, the capability is lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/mem.h"
#include "collect/engine.h"
#include "collect/procfs/parts.h"
#include "collect/procfs/source.h"

#define FAILURES_MAX 3
#define OWN_CAPABILITIES                                                                           \
    (CAPABILITY_BIT(CAPABILITY_INTERFACES) | CAPABILITY_BIT(CAPABILITY_PROTOCOLS) |                \
     CAPABILITY_BIT(CAPABILITY_SOCKETS) | CAPABILITY_BIT(CAPABILITY_SOFTNET) |                     \
     CAPABILITY_BIT(CAPABILITY_CONNTRACK) | CAPABILITY_BIT(CAPABILITY_SYSTEM) |                    \
     CAPABILITY_BIT(CAPABILITY_CONNECTIONS))

enum part {
    PART_DEVICES,
    PART_NETSTAT,
    PART_PAIRS,
    PART_SOFTNET,
    PART_CONNTRACK,
    PART_SURVEYED, /* read on the survey thread: here only probed */
};

static const struct {
    const char *path; /* below proc_root */
    enum capability capability;
    enum part part;
    int variant;         /* which format the part has to expect */
    bool whole;          /* one record, not one per line: see source.h */
    bool substitute;     /* read only if no file above it of the same capability could be */
    const char *meaning; /* why it may be missing */
} files[] = {
    {"net/dev", CAPABILITY_INTERFACES, PART_DEVICES, 0, false, false, "not readable"},
    {"net/snmp", CAPABILITY_PROTOCOLS, PART_NETSTAT, 0, true, false, "not readable"},
    {"net/netstat", CAPABILITY_PROTOCOLS, PART_NETSTAT, 0, true, false, "not readable"},
    {"net/snmp6", CAPABILITY_PROTOCOLS, PART_PAIRS, PAIRS_SNMP6, true, false, "IPv6 is off"},
    {"net/sockstat", CAPABILITY_SOCKETS, PART_PAIRS, PAIRS_SOCKSTAT, true, false, "not readable"},
    {"net/sockstat6", CAPABILITY_SOCKETS, PART_PAIRS, PAIRS_SOCKSTAT, true, false, "IPv6 is off"},
    {"net/softnet_stat", CAPABILITY_SOFTNET, PART_SOFTNET, 0, false, false, "not readable"},
    {"net/stat/nf_conntrack", CAPABILITY_CONNTRACK, PART_CONNTRACK, CONNTRACK_FILE_STAT, false,
     false, "nf_conntrack is not loaded"},
    {"sys/net/netfilter/nf_conntrack_count", CAPABILITY_CONNTRACK, PART_CONNTRACK,
     CONNTRACK_FILE_COUNT, true, true, "nf_conntrack is not loaded"},
    {"sys/net/netfilter/nf_conntrack_max", CAPABILITY_CONNTRACK, PART_CONNTRACK, CONNTRACK_FILE_MAX,
     true, false, "nf_conntrack is not loaded"},
    {"net/tcp", CAPABILITY_CONNECTIONS, PART_SURVEYED, 0, false, false, "not readable"},
};

union part_state {
    void *any;
    struct devices *devices;
    struct netstat *netstat;
    struct pairs *pairs;
    struct softnet *softnet;
    struct conntrack *conntrack;
};

struct procfs {
    struct engine engine; /* first: engine_class hands it back */
    const struct engine_settings *settings;
    struct sampler sampler;
    struct series *errors;
    bool errors_asked;
    struct {
        struct source source;
        union part_state part;
    } files[ARRAY_LEN(files)];
    struct host *host;
    uint32_t failures[CAPABILITIES]; /* ticks in a row without a single file */
    bool live;                       /* the kernel's own /proc, not a copy of it in a directory */
    int index_fd;                    /* for SIOCGIFINDEX; -1: read sysfs instead */
    struct sysfs_links *survey;      /* newest */

    /* Survey thread. */
    struct sysfs *sysfs;
    struct addresses *addresses;
    struct sockets *sockets;
    struct sysfs_links *surveyed; /* handed over last */
};

/* ---- the index of a name ------------------------------------------------------------------- */

static int procfs_index(void *user, const char *name)
{
    struct procfs *p = user;
    if (p->live) {
        struct ifreq request = {0};
        memcpy(request.ifr_name, name, strnlen(name, sizeof(request.ifr_name) - 1));
        return ioctl(p->index_fd, SIOCGIFINDEX, &request) < 0 ? -errno : request.ifr_ifindex;
    }
    struct source source;
    struct scan text, line;
    uint64_t index = 0;
    char path[64];
    snprintf(path, sizeof(path), "class/net/%s/ifindex", name);
    source_init(&source, p->settings->sys_root, path);
    int err = source_read(&source, &text);
    if (!err && (!scan_line(&text, &line) || !scan_u64(&line, &index) || index > INT32_MAX))
        err = -EINVAL;
    source_fini(&source);
    return err ? err : (int)index;
}

/* ---- life ---------------------------------------------------------------------------------- */

static union part_state part_new(struct procfs *p, size_t i)
{
    union part_state part = {NULL};
    switch (files[i].part) {
    case PART_DEVICES:
        part.devices = devices_new(&p->sampler, p->settings, procfs_index, p);
        break;
    case PART_NETSTAT:
        part.netstat = netstat_new(&p->sampler);
        break;
    case PART_PAIRS:
        part.pairs = pairs_new(&p->sampler, (enum pairs_format)files[i].variant);
        break;
    case PART_SOFTNET:
        part.softnet = softnet_new(&p->sampler);
        break;
    case PART_CONNTRACK:
        part.conntrack = conntrack_new(&p->sampler, (enum conntrack_file)files[i].variant);
        break;
    case PART_SURVEYED:
        break;
    }
    return part;
}

static void part_free(enum part kind, union part_state part)
{
    switch (kind) {
    case PART_DEVICES:
        devices_free(part.devices);
        break;
    case PART_NETSTAT:
        netstat_free(part.netstat);
        break;
    case PART_PAIRS:
        pairs_free(part.pairs);
        break;
    case PART_SOFTNET:
        softnet_free(part.softnet);
        break;
    case PART_CONNTRACK:
        conntrack_free(part.conntrack);
        break;
    case PART_SURVEYED:
        break;
    }
}

static void part_forget(enum part kind, union part_state part)
{
    switch (kind) {
    case PART_DEVICES:
        devices_forget(part.devices);
        break;
    case PART_NETSTAT:
        netstat_forget(part.netstat);
        break;
    case PART_PAIRS:
        pairs_forget(part.pairs);
        break;
    case PART_SOFTNET:
        softnet_forget(part.softnet);
        break;
    case PART_CONNTRACK:
        conntrack_forget(part.conntrack);
        break;
    case PART_SURVEYED:
        break;
    }
}

static struct engine *procfs_make(const struct engine_settings *settings)
{
    struct procfs *p = mem_alloc(sizeof(*p));
    p->engine.class = &engine_procfs;
    p->settings = settings;
    p->sampler.method = engine_procfs.name;
    p->live = strcmp(settings->proc_root, "/proc") == 0;
    p->index_fd = p->live ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        source_init(&p->files[i].source, settings->proc_root, files[i].path);
        p->files[i].source.whole = files[i].whole;
        p->files[i].part = part_new(p, i);
    }
    p->sysfs = sysfs_new(settings->sys_root, SYSFS_ALL);
    p->addresses = addresses_new(settings->proc_root);
    p->sockets = sockets_new(settings->proc_root);
    return &p->engine;
}

/* 0 or -errno. */
static int procfs_try(struct procfs *p, size_t i)
{
    /* Reading tells more than access(2): a sandbox may refuse only the opening. */
    struct source probe;
    struct scan text;
    int err = 0;
    source_init(&probe, p->settings->proc_root, files[i].path);
    if (files[i].part == PART_SURVEYED) { /* may be long: only its beginning */
        char begin[64];
        int fd = open(probe.path, O_RDONLY | O_CLOEXEC);
        err = fd < 0 || read(fd, begin, sizeof(begin)) < 0 ? -errno : 0;
        if (fd >= 0)
            close(fd);
    } else {
        err = source_read(&probe, &text);
    }
    source_fini(&probe);
    return err;
}

static void procfs_probe(struct engine *e, struct engine_probe *ret)
{
    struct procfs *p = CONTAINER_OF(e, struct procfs, engine);
    *ret = (struct engine_probe){.capabilities = CAPABILITY_BIT(CAPABILITY_SYSTEM)};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        int err = procfs_try(p, i);
        uint32_t capability = CAPABILITY_BIT(files[i].capability);
        if (!err)
            ret->capabilities |= capability;
        else if (err == -ENOENT && files[i].capability == CAPABILITY_CONNTRACK)
            probe_off(ret, capability, "sudo modprobe nf_conntrack", "%s.", files[i].meaning);
        else
            probe_missing(ret, capability, "", "%s/%s: %s.", p->settings->proc_root, files[i].path,
                          err == -ENOENT ? files[i].meaning : strerror(-err));
    }
    if (p->live && (ret->capabilities & CAPABILITY_BIT(CAPABILITY_CONNECTIONS)))
        probe_owners(ret, p->settings, CAPABILITY_BIT(CAPABILITY_CONNECTIONS));
}

static int procfs_open(struct engine *e, uint32_t capabilities)
{
    struct procfs *p = CONTAINER_OF(e, struct procfs, engine);
    e->assigned = capabilities & OWN_CAPABILITIES;
    if (!p->host)
        p->host = host_new(&p->sampler, p->settings->proc_root);
    if (!p->survey && (e->assigned & CAPABILITY_BIT(CAPABILITY_INTERFACES))) {
        addresses_read(p->addresses);
        p->survey = sysfs_read(p->sysfs, addresses_annotate, p->addresses);
    }
    return 0; /* the files open themselves when they are first read */
}

static void procfs_forget(struct procfs *p)
{
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        part_forget(files[i].part, p->files[i].part);
    host_forget(p->host);
    p->errors = series_unref(p->errors);
    p->errors_asked = false;
}

static void procfs_assign(struct engine *e, uint32_t capabilities)
{
    struct procfs *p = CONTAINER_OF(e, struct procfs, engine);
    e->assigned = capabilities & OWN_CAPABILITIES;
    memset(p->failures, 0, sizeof(p->failures));
    procfs_forget(p);
}

static void procfs_free(struct engine *e)
{
    if (!e)
        return;
    struct procfs *p = CONTAINER_OF(e, struct procfs, engine);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        source_fini(&p->files[i].source);
        part_free(files[i].part, p->files[i].part);
    }
    host_free(p->host);
    series_unref(p->errors);
    if (p->index_fd >= 0)
        close(p->index_fd);
    message_unref(p->survey ? &p->survey->msg : NULL);
    message_unref(p->surveyed ? &p->surveyed->msg : NULL);
    sysfs_free(p->sysfs);
    addresses_free(p->addresses);
    sockets_free(p->sockets);
    free(p);
}

/* ---- a tick -------------------------------------------------------------------------------- */

static int procfs_read_devices(struct procfs *p, size_t i, const struct engine_sink *sink)
{
    struct devices *devices = p->files[i].part.devices;
    struct scan text;
    size_t bad = 0;
    bool again = true;
    for (int reading = 0; reading < 2 && again; reading++) {
        int err = source_read(&p->files[i].source, &text);
        if (err)
            return err;
        again = devices_read(devices, text, reading == 1, &bad);
    }
    p->sampler.errors += bad;
    devices_sample(devices, sink, p->survey);
    return 0;
}

static int procfs_read_file(struct procfs *p, size_t i, const struct engine_sink *sink)
{
    if (files[i].part == PART_DEVICES)
        return procfs_read_devices(p, i, sink);
    struct scan text;
    int err = source_read(&p->files[i].source, &text);
    if (err)
        return err;
    union part_state part = p->files[i].part;
    switch (files[i].part) {
    case PART_NETSTAT:
        p->sampler.errors += netstat_parse(part.netstat, text, sink);
        break;
    case PART_PAIRS:
        p->sampler.errors += pairs_parse(part.pairs, text, sink);
        break;
    case PART_SOFTNET:
        p->sampler.errors += softnet_parse(part.softnet, text, sink);
        break;
    case PART_CONNTRACK:
        p->sampler.errors += conntrack_parse(part.conntrack, text, sink);
        break;
    case PART_DEVICES:
    case PART_SURVEYED:
        break;
    }
    return 0;
}

/* Whether this file has nothing to add to another one of its capability, just read. */
static bool procfs_can_skip(struct procfs *p, size_t i, const struct engine_sink *sink)
{
    return files[i].substitute || (sink->counts_only && files[i].part == PART_CONNTRACK &&
                                   conntrack_repeat(p->files[i].part.conntrack, sink));
}

static int procfs_collect(struct engine *e, const struct engine_sink *sink, uint32_t *ret_lost)
{
    struct procfs *p = CONTAINER_OF(e, struct procfs, engine);
    if (sampler_retry(&p->sampler))
        procfs_forget(p);

    uint32_t read = 0, tried = 0;
    int last_err = 0;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        uint32_t bit = CAPABILITY_BIT(files[i].capability);
        if (!(e->assigned & bit) || files[i].part == PART_SURVEYED ||
            ((read & bit) && procfs_can_skip(p, i, sink)))
            continue;
        tried |= bit;
        int err = procfs_read_file(p, i, sink);
        if (!err)
            read |= bit;
        else
            last_err = err;
        if (err && err != -ENOENT)
            p->sampler.errors++;
    }
    if (e->assigned & CAPABILITY_BIT(CAPABILITY_SYSTEM))
        host_sample(p->host, sink);

    if (!p->errors_asked) {
        struct label engine = {"engine", engine_procfs.name};
        p->errors = sampler_series(&p->sampler, sink, &catalogue_collect_errors, &engine, 1);
        p->errors_asked = true;
    }
    draft_counter(sink->draft, p->errors, p->sampler.errors, 0);

    *ret_lost = 0;
    for (unsigned c = 0; c < CAPABILITIES; c++) {
        bool failed = (tried & ~read) & CAPABILITY_BIT(c);
        p->failures[c] = failed ? p->failures[c] + 1 : 0;
        if (p->failures[c] >= FAILURES_MAX)
            *ret_lost |= CAPABILITY_BIT(c);
    }
    return *ret_lost ? last_err : 0;
}

/* ---- survey -------------------------------------------------------------------------------- */

static struct message *procfs_survey(struct engine *e, struct census *census)
{
    struct procfs *p = CONTAINER_OF(e, struct procfs, engine);
    if (engine_surveys(e, CAPABILITY_CONNECTIONS) && census)
        sockets_survey(p->sockets, census);
    if (!engine_surveys(e, CAPABILITY_INTERFACES))
        return NULL;
    addresses_read(p->addresses);
    struct sysfs_links *links = sysfs_read(p->sysfs, addresses_annotate, p->addresses);
    if (!links)
        return NULL;
    bool same = sysfs_links_equal(links, p->surveyed);
    message_unref(p->surveyed ? &p->surveyed->msg : NULL);
    p->surveyed = links;
    if (same)
        return NULL;
    message_ref(&links->msg);
    return &links->msg;
}

static void procfs_take_survey(struct engine *e, struct message *result)
{
    struct procfs *p = CONTAINER_OF(e, struct procfs, engine);
    message_unref(p->survey ? &p->survey->msg : NULL);
    p->survey = CONTAINER_OF(result, struct sysfs_links, msg);
}

const struct engine_class engine_procfs = {
    .name = "procfs",
    .preference = 10,
    .offers = OWN_CAPABILITIES,
    .make = procfs_make,
    .probe = procfs_probe,
    .open = procfs_open,
    .collect = procfs_collect,
    .assign = procfs_assign,
    .survey = procfs_survey,
    .surveyed = CAPABILITY_BIT(CAPABILITY_INTERFACES) | CAPABILITY_BIT(CAPABILITY_CONNECTIONS),
    .take_survey = procfs_take_survey,
    .free = procfs_free,
};
