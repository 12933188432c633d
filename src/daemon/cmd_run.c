/*
 * cmd_run.c: `netsonde run`: everything is wired here, in the only safe order:
 *
 *   1. keeper and finder are forked while this process is small and still privileged
 *   2. listeners, database, engines, descriptors: whatever needs rights or names is opened
 *   3. the sandbox closes: from here on nothing can be gained, only lost
 *   4. threads start: hub, store, survey, then core, so that the first tick finds everybody ready
 *   5. this thread waits for signals
 *   6. the same backwards: core first, so that nobody gets ticks any more; the store last
 *
 * struct run owns all of it; each part may be missing when starting failed half-way.
 */
#include "daemon/commands.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/complaints.h"
#include "base/log.h"
#include "base/mem.h"
#include "collect/select.h"
#include "daemon/config.h"
#include "daemon/core.h"
#include "daemon/describe.h"
#include "daemon/engines.h"
#include "daemon/notify.h"
#include "daemon/origin.h"
#include "daemon/privileges.h"
#include "daemon/recorder.h"
#include "daemon/self.h"
#include "daemon/servers.h"
#include "daemon/surveyor.h"
#include "daemon/timings.h"
#include "http/keyring.h"
#include "http/token_file.h"
#include "hub/hub.h"
#include "hub/performance.h"
#include "keeper/finder.h"
#include "keeper/keeper.h"
#include "net/admission.h"
#include "net/listener.h"
#include "net/peer.h"
#include "net/ring.h"
#include "net/tls.h"
#include "store/store.h"
#include "version.h"
#include "wire/json.h"

/* Ticks that stay in memory: what `since` can replay, and what queries add to the disk. */
#define RING_TICKS 120
#define RING_BYTES (2 * 1024 * 1024)

#define OWN_DESCRIPTORS 112 /* database, engines, readers of the history */
#define LANE_DESCRIPTORS                                                                           \
    16                 /* of a loop: listeners, bells, ring, the question who owns a socket        \
                        */
#define AUTO_THREADS 4 /* more wake up for nothing with less than thousands of viewers */

struct run {
    const struct config *config;
    struct keeper *keeper;
    struct finder *finder; /* NULL: owners of sockets are not found */
    struct lane {
        struct peer *peer; /* NULL: nobody is admin */
        struct access *access;
    } own[SERVERS_MAX]; /* that the lanes borrow from */
    struct server_lane lanes[SERVERS_MAX];
    size_t lanes_count;
    struct admission *admission;
    struct tls *tls; /* NULL: plain */
    struct store *store;
    struct notify *notify;
    struct registry *registry;
    struct collector *collector;
    const char *config_file; /* SIGHUP reads it again */
    int64_t interval_ms;     /* in force: of `config`, until SIGHUP brings another one */
    char host[256];
    struct sandbox_report sandbox;
    bool keeper_lost;         /* told already */
    bool finder_lost;         /* likewise */
    uint32_t keeper_restarts; /* told already */
    unsigned clients;         /* most connections: serve.max_clients, if the descriptors suffice */
    struct tokens *tokens;    /* until the keyring has them */
    struct keyring *keyring;
    pthread_t main_thread;
    struct complaints *complaints;
    struct timings *timings;
    struct core *core;
    struct hub *hub;
    struct servers *servers;
    struct recorder *recorder;
    struct surveyor *surveyor;
    struct self *self;
    struct sink hub_sink;
};

/* ---- 2: open everything; the helpers were 1 ----------------------------------------------- */

/* A descriptor for each client, beside our own: a crowd must not take those that engines and
 * history need. The soft limit is usually 1024 for the sake of programs that use select(). */
static void run_reserve_descriptors(struct run *r)
{
    struct rlimit limit;
    uint64_t ours = OWN_DESCRIPTORS + r->lanes_count * LANE_DESCRIPTORS;
    uint64_t wanted = r->config->serve.max_clients + ours;
    r->clients = (unsigned)r->config->serve.max_clients;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return;
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = MIN(limit.rlim_max, (rlim_t)wanted);
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        limit.rlim_cur = before;
    if (limit.rlim_cur >= wanted)
        return;
    uint64_t own = MIN(ours, limit.rlim_cur / 4 * 3);
    r->clients = (unsigned)(limit.rlim_cur - own);
    /* Nobody asked for the default. */
    bool asked = config_is_set(r->config, "serve", "max_clients");
    log_write(asked ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "daemon",
              "no more than %u connections instead of serve.max_clients: the limit for open files "
              "is %llu (ulimit -Hn, or LimitNOFILE= of the unit)",
              r->clients, (unsigned long long)limit.rlim_cur);
}

static int run_open_listeners(struct run *r)
{
    const struct config *c = r->config;
    struct listeners *l = r->lanes[0].listeners = listeners_new(r->lanes_count > 1);
    for (size_t i = 0; i < c->serve.listen.count; i++) {
        char why[256];
        int err = listeners_add(l, c->serve.listen.items[i], why, sizeof(why));
        bool absent = err == -EADDRNOTAVAIL || err == -EAFNOSUPPORT;
        if (err && absent && !config_is_set(c, "serve", "listen")) {
            log_info("daemon", "%s; going on without it", why); /* e.g. a host without IPv6 */
        } else if (err) {
            log_error("daemon", "%s", why);
            return err;
        }
    }
    if (!listeners_count(l)) {
        log_error("daemon", "no address to listen on; name one with --listen ADDR:PORT");
        return -EADDRNOTAVAIL;
    }
    for (size_t i = 1; i < r->lanes_count; i++) {
        r->lanes[i].listeners = listeners_again(l);
        if (!r->lanes[i].listeners) {
            int err = -errno;
            log_error("daemon", "cannot listen with %zu threads: %s; set serve.threads to 1",
                      r->lanes_count, strerror(-err));
            return err;
        }
    }
    return 0;
}

/* Sending in batches, and who owns a loopback client's socket. */
static void run_open_lanes(struct run *r)
{
    int ring_err = 0, peer_err = 0;
    for (size_t i = 0; i < r->lanes_count && !ring_err; i++)
        ring_err = ring_open(&r->lanes[i].ring);
    for (size_t i = 0; i < r->lanes_count && !peer_err; i++)
        peer_err = peer_open(&r->own[i].peer);
    if (ring_err)
        log_info("daemon", "io_uring cannot be used here (%s): one system call for each viewer",
                 strerror(-ring_err));
    if (peer_err)
        log_warning("daemon", "cannot ask who owns a socket (%s): nobody is admin",
                    strerror(-peer_err));
}

static size_t threads_to_serve(const struct config *c)
{
    cpu_set_t cpus;
    if (c->serve.threads)
        return MIN((size_t)c->serve.threads, (size_t)SERVERS_MAX);
    int count = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
    return MIN((size_t)MAX(count, 1), (size_t)AUTO_THREADS);
}

/* Who may ask. What can be reached from elsewhere needs somebody who may. */
static int run_open_tokens(struct run *r)
{
    const struct config *c = r->config;
    char why[512];
    int err = token_file_load(c->data_dir, &r->tokens, why, sizeof(why));
    if (err) {
        log_error("access", "%s; nobody is let in by this file", why);
        return err;
    }
    if (c->auth.mode == CONFIG_AUTH_NONE) {
        log_warning("access", "auth.mode is none: WHOEVER CAN REACH THIS DAEMON SEES AND CHANGES "
                              "EVERYTHING, without a token");
        return 0;
    }
    if (listeners_loopback_only(r->lanes[0].listeners))
        return 0;
    if (tokens_good(r->tokens, clock_wall_ms())) {
        if (!r->tls)
            log_warning("access", "what is sent to an address beyond loopback is not encrypted, "
                                  "tokens included; set serve.tls_cert and serve.tls_key, or let a "
                                  "proxy in front do that");
        return 0;
    }
    log_error(
        "access",
        "serve.listen names an address beyond loopback, and %s/tokens has no token that is "
        "good: nobody could come in, or everybody. Make one with `netsonde token new --data-dir "
        "%s`, or listen on 127.0.0.1 and [::1] only",
        c->data_dir, c->data_dir);
    return -EPERM;
}

static int run_open_store(struct run *r)
{
    const struct config *c = r->config;
    struct store_settings settings = STORE_SETTINGS_DEFAULT;
    settings.raw_ms = c->store.raw_ms;
    settings.events_ms = c->store.events_ms;
    settings.connections_ms = c->store.connections_ms;
    settings.record_names = c->store.record_names;
    settings.max_size_bytes = c->store.max_size_bytes;
    settings.durable = c->store.durability == CONFIG_DURABILITY_FULL;
    char origin[ORIGIN_MAX];
    origin_of_counters(origin);
    settings.boot_id = origin;
    struct store_error why;
    int err = store_open(c->data_dir, &settings, &r->store, &why);
    if (err) {
        log_error("store", "%s", why.text);
        return err;
    }
    r->registry = registry_new(c->collect.series_limit, store_next(r->store).series_id);
    return store_restore(r->store, r->registry);
}

/* Whoever names a file wants to see what is in it, and nothing else in its place. */
static int run_check_read(const struct run *r)
{
    const struct collector_status *status = collector_status(r->collector);
    for (size_t i = 0; *r->config->read && i < status->count; i++) {
        if (strcmp(status->engines[i].name, "packet") == 0 &&
            status->engines[i].state != ENGINE_IN_USE) {
            log_error("packet", "--read: %s", status->engines[i].reason);
            return -EINVAL;
        }
    }
    return 0;
}

static int run_open_collector(struct run *r)
{
    int err = engines_new(r->config, r->keeper, r->finder, &r->collector);
    if (err)
        return err;
    err = collector_open(r->collector);
    if (err)
        engines_complain(r->collector);
    return err ? err : run_check_read(r);
}

static int run_open_tls(struct run *r)
{
    const struct config *c = r->config;
    char why[512];
    if (!*c->serve.tls_cert)
        return 0;
    int err = tls_new(c->serve.tls_cert, c->serve.tls_key, &r->tls, why, sizeof(why));
    if (err)
        log_error("daemon", "serve.tls_cert, serve.tls_key: %s", why);
    return err;
}

static int run_open(struct run *r)
{
    gethostname(r->host, sizeof(r->host) - 1);
    r->lanes_count = threads_to_serve(r->config);
    run_reserve_descriptors(r);
    int err = run_open_tls(r);
    if (!err)
        err = run_open_listeners(r);
    if (!err)
        err = run_open_store(r);
    if (!err)
        err = run_open_tokens(r);
    if (!err)
        err = run_open_collector(r);
    if (err)
        return err;
    run_open_lanes(r);
    r->notify = notify_open();
    json_setup();
    return 0;
}

/* ---- 3: close the sandbox ---------------------------------------------------------------- */

/* The directory of a file: as it is named, and where it really lies when that is a link. NULL: the
 * root, where the file alone would have to be named and a new one could not be read. */
static char *directory_of(const char *file, bool really)
{
    char *path = really ? realpath(file, NULL) : mem_string(file);
    char *slash = path ? strrchr(path, '/') : NULL;
    if (!slash || slash == path) {
        free(path);
        return NULL;
    }
    *slash = '\0';
    return path;
}

/* The configuration's directory, because editors put a new file in the place of the old one; but
 * not the whole file system because a file lies at its root. */
static void run_close_sandbox(struct run *r)
{
    int err = r->keeper ? keeper_seal(r->keeper) : 0;
    if (err) {
        log_warning("keeper", "does not confine itself (%s): it is stopped", strerror(-err));
        keeper_stop(TAKE(r->keeper));
    }
    const char *file = r->config_file, *slash = strrchr(file, '/');
    char *parent = slash ? mem_string_n(file, (size_t)(slash + 1 - file)) : mem_string(".");
    char *dir = realpath(parent, NULL);
    struct sandbox_paths paths = {
        .data_dir = r->config->data_dir, .config_dir = dir, .config_file = file};
    if (dir && strcmp(dir, "/") == 0)
        paths.config_dir = "/conf.d";
    char *tls_dirs[SANDBOX_TLS_DIRS] = {NULL};
    const char *tls_files[] = {r->config->serve.tls_cert, r->config->serve.tls_key};
    for (size_t i = 0; i < SANDBOX_TLS_DIRS && r->tls; i++)
        paths.tls_dirs[i] = tls_dirs[i] = directory_of(tls_files[i / 2], i % 2);
    privileges_drop(&paths, &r->sandbox);
    for (size_t i = 0; i < SANDBOX_TLS_DIRS; i++)
        free(tls_dirs[i]);
    free(dir);
    free(parent);
}

/* ---- 4: build and start ------------------------------------------------------------------ */

static int run_peer_uid(void *user, const struct net_address *remote,
                        const struct net_address *local, uid_t *ret)
{
    return peer_uid(user, remote, local, ret);
}

static void run_make_access(struct run *r)
{
    const struct config *c = r->config;
    const struct listeners *l = r->lanes[0].listeners;
    const char *hosts[64];
    size_t count = 0;
    for (size_t i = 0; i < listeners_count(l) && count < ARRAY_LEN(hosts) - 1; i++)
        hosts[count++] = listeners_name(l, i);
    hosts[count++] = r->host;
    struct access_config access = {
        .hosts = hosts,
        .host_count = count,
        .allowed_hosts = (const char *const *)c->serve.allowed_hosts.items,
        .allowed_host_count = c->serve.allowed_hosts.count,
        .allowed_origins = (const char *const *)c->serve.allowed_origins.items,
        .allowed_origin_count = c->serve.allowed_origins.count,
        .mode = (enum access_mode)c->auth.mode, /* the same words in the same order */
        .trusted_proxies = (const char *const *)c->serve.trusted_proxies.items,
        .trusted_proxy_count = c->serve.trusted_proxies.count,
        .behind_proxy = strcmp(c->serve.base_path, "/") != 0,
        .own_uid = geteuid(),
    };
    for (size_t i = 0; i < r->lanes_count; i++) {
        access.peer_uid = r->own[i].peer ? run_peer_uid : NULL;
        access.peer_user = r->own[i].peer;
        r->lanes[i].access = r->own[i].access = access_new(&access);
    }
    /* Two daemons that a browser reaches by one name, by tunnels say, are told apart by this. */
    char *name CLEANUP(mem_freep) = mem_printf("%s %s", r->host, c->data_dir);
    r->keyring = keyring_new(name, TAKE(r->tokens));
}

/* The loop's thread. Only the main thread reads the file, so an old set never follows a new one. */
static void run_tokens_changed(void *user)
{
    struct run *r = user;
    pthread_kill(r->main_thread, SIGUSR1);
}

static void run_engines_changed(void *user, const struct collector_status *status)
{
    struct run *r = user;
    servers_post_info(r->servers, API_INFO_ENGINES, describe_engines(status));
    servers_post_info(r->servers, API_INFO_TABLES, describe_tables(status));
}

static void run_tell_loss(struct run *r, const char *helper, const char *reason)
{
    struct event *e = event_new(EVENT_ERROR, clock_wall_ms());
    event_text(e, "what", helper);
    event_text(e, "reason", reason);
    core_post_event(r->core, e);
}

static void run_tell_keeper(struct run *r, const struct keeper_status *keeper)
{
    bool again = keeper->restarts != r->keeper_restarts, gone = !keeper->alive;
    bool news = again || (gone && !r->keeper_lost);
    r->keeper_restarts = keeper->restarts;
    r->keeper_lost = gone;
    if (!news)
        return;
    if (gone && !keeper->returns)
        log_error("keeper", "%s; what needs privileges later will be missing until a restart",
                  keeper->text);
    else
        log_warning("keeper", "%s%s", keeper->text,
                    gone ? "; engines go on with what they have" : "");
    run_tell_loss(r, "keeper", keeper->text);
}

/* At the start, and whenever a child has ended. */
static void run_tell_sandbox(struct run *r)
{
    struct keeper_status keeper;
    struct finder_status finder;
    keeper_status(r->keeper, &keeper);
    finder_status(r->finder, &finder);
    servers_post_info(r->servers, API_INFO_SANDBOX,
                      describe_sandbox(&r->sandbox, &keeper, &finder));
    if (r->keeper)
        run_tell_keeper(r, &keeper);
    if (r->finder && !finder.alive && !r->finder_lost) {
        r->finder_lost = true;
        log_error("finder", "%s; owners of sockets will be missing until a restart", finder.text);
        run_tell_loss(r, "finder", finder.text);
    }
}

static void run_hub_push(struct sink *sink, struct tick *tick)
{
    hub_publish(CONTAINER_OF(sink, struct run, hub_sink)->hub, tick);
}

static void run_process(void *user, uint64_t *ret_cpu_ns, double *ret_rss_bytes)
{
    const struct run *r = user;
    self_process(r->self, ret_cpu_ns, ret_rss_bytes);
}

/* netsonde's own numbers of this tick. */
static void run_sample(void *user, struct registry *registry, struct draft *draft, bool counts_only)
{
    struct run *r = user;
    self_sample(r->self, registry, draft, counts_only);
    recorder_take_timing(r->recorder, &hub_performance(r->hub)->stages[STAGE_STORE]);
    timings_sample(r->timings, registry, draft);
}

static void run_core_ended(void *user)
{
    struct run *r = user;
    hub_close(r->hub);
}

static void run_history_damaged(void *user, const struct store_reader *reader)
{
    struct run *r = user;
    store_suspect(r->store, reader);
}

static int run_build(struct run *r)
{
    const struct config *c = r->config;
    r->complaints = complaints_new();
    struct store_numbers next = store_next(r->store);
    struct core_settings core = {
        .collector = r->collector,
        .interval_ms = c->collect.interval_ms,
        .next_seq = next.tick_seq,
        .next_event_seq = next.event_seq,
    };
    core.registry = TAKE(r->registry);
    r->core = core_new(&core);
    if (!r->core) {
        registry_free(core.registry);
        return -errno;
    }
    struct hub_settings hub = {
        .version = NETSONDE_VERSION,
        .host = r->host,
        .interval_ms = c->collect.interval_ms,
        .next_tick_seq = next.tick_seq,
        .next_event_seq = next.event_seq,
        .client_queue_bytes = c->serve.client_queue_bytes,
        .heartbeat_ms = c->serve.heartbeat_ms,
        .ring_ticks = RING_TICKS,
        .ring_bytes = RING_BYTES,
        .limits = HUB_LIMITS_DEFAULT,
        .performance_interval_ms = c->serve.performance_interval_ms,
        .process = run_process,
        .process_user = r,
        .complaints = r->complaints,
    };
    r->hub = hub_new(&hub, core_uv(r->core));
    if (!r->hub)
        return -ENOMEM;
    struct performance *performance = hub_performance(r->hub);
    core_time_stages(r->core, &performance->stages[STAGE_COLLECT],
                     &performance->stages[STAGE_SEAL]);
    r->timings = timings_new(performance);
    run_make_access(r);
    struct net_limits limits = NET_LIMITS_DEFAULT;
    limits.max_clients = r->clients;
    limits.max_clients_per_address = (unsigned)c->serve.max_clients_per_address;
    limits.keepalive_ms = limits.idle_ms = (uint32_t)c->serve.idle_timeout_ms;
    r->admission = admission_new(limits.max_clients, limits.max_clients_per_address);
    struct server_settings server = {
        .hub = r->hub,
        .admission = r->admission,
        .tls = r->tls,
        .keyring = r->keyring,
        .limits = limits,
        .base_path = c->serve.base_path,
        .complaints = r->complaints,
        .compress = c->serve.compression,
        .api = {.version = NETSONDE_VERSION,
                .host = r->host,
                .data_dir = c->data_dir,
                .interval_ms = c->collect.interval_ms,
                .started_ms = clock_wall_ms(),
                .metrics_series_limit = c->export.metrics_series_limit,
                .tokens_changed = run_tokens_changed,
                .history_damaged = run_history_damaged,
                .user = r},
    };
    r->servers = servers_new(&server, r->lanes, r->lanes_count);
    r->recorder = recorder_new(r->store, r->core, &stage_bounds);
    r->surveyor = surveyor_new(r->collector, r->core, c->collect.tables_interval_ms);
    if (!r->servers || !r->recorder || !r->surveyor)
        return -ENOMEM;
    r->self = self_new(&(struct self_sources){.version = NETSONDE_VERSION,
                                              .hub = r->hub,
                                              .servers = r->servers,
                                              .store = r->store,
                                              .recorder = r->recorder,
                                              .surveyor = r->surveyor,
                                              .keeper = &r->keeper});
    core_on_sample(r->core, run_sample, r);
    core_on_engines(r->core, run_engines_changed, r);
    core_on_end(r->core, run_core_ended, r);
    /* The hub first: viewers see a tick before the disk has it. */
    r->hub_sink = (struct sink){.name = "hub", .push = run_hub_push};
    core_add_sink(r->core, &r->hub_sink);
    core_add_sink(r->core, recorder_sink(r->recorder));
    return 0;
}

static void run_print_addresses(const struct run *r, const struct net_address *addresses,
                                size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[NET_ADDRESS_TEXT_MAX];
        net_address_format(&addresses[i], text);
        printf("netsonde " NETSONDE_VERSION ": http%s://%s%s\n", r->tls ? "s" : "", text,
               r->config->serve.base_path);
    }
    fflush(stdout);
}

static int run_start(struct run *r)
{
    /* The listeners belong to the server's thread once it runs: their addresses are kept before. */
    struct net_address addresses[16];
    const struct listeners *l = r->lanes[0].listeners;
    size_t count = MIN(listeners_count(l), ARRAY_LEN(addresses));
    for (size_t i = 0; i < count; i++)
        addresses[i] = *listeners_address(l, i);
    int err = run_build(r);
    if (!err)
        err = servers_start(r->servers);
    if (!err)
        err = recorder_start(r->recorder);
    if (!err)
        err = surveyor_start(r->surveyor);
    if (!err)
        err = core_start(r->core);
    if (err) {
        log_error("daemon", "cannot start: %s", strerror(-err));
        return err;
    }
    run_tell_sandbox(r);
    run_print_addresses(r, addresses, count);
    notify_send(r->notify, "READY=1");
    return 0;
}

/* ---- 5: wait ----------------------------------------------------------------------------- */

static void run_reload_interval(struct run *r, int64_t interval_ms)
{
    if (interval_ms == r->interval_ms)
        return;
    if (core_post_interval(r->core, interval_ms) == 0)
        r->interval_ms = interval_ms;
    else
        log_error("daemon", "collect.interval was not changed: the collecting thread is too busy "
                            "to be told; try again");
}

/* Those who are connected go on with the old certificate. Other files than at the start may lie
 * where the sandbox lets nobody look. */
static void run_reload_tls(struct run *r, const struct config *now)
{
    const struct config *c = r->config;
    struct tls *fresh = NULL;
    char why[512];
    if (strcmp(now->serve.tls_cert, c->serve.tls_cert) != 0 ||
        strcmp(now->serve.tls_key, c->serve.tls_key) != 0)
        log_warning("daemon", "serve.tls_cert and serve.tls_key name other files than at the "
                              "start: they apply at the next start");
    if (!r->tls)
        return;
    if (tls_new(c->serve.tls_cert, c->serve.tls_key, &fresh, why, sizeof(why)) < 0) {
        log_error("daemon", "%s; the old certificate stays in force", why);
        return;
    }
    servers_post_tls(r->servers, fresh);
    tls_unref(r->tls);
    r->tls = fresh;
}

static void run_reload_tokens(struct run *r)
{
    struct tokens *fresh = NULL;
    char why[512];
    if (token_file_load(r->config->data_dir, &fresh, why, sizeof(why)) < 0)
        log_error("access", "%s; the tokens of before stay in force, and no others", why);
    else
        keyring_set_tokens(r->keyring, fresh);
}

static void run_reload(struct run *r, const struct config_sources *sources)
{
    struct config *fresh = NULL;
    char state[64];
    snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)(clock_mono_ns() / 1000));
    notify_send(r->notify, state);
    if (config_load(sources, &fresh, stderr) < 0) {
        log_error("daemon", "the configuration was not reloaded; the old one stays in force");
    } else {
        run_reload_interval(r, fresh->collect.interval_ms);
        run_reload_tls(r, fresh);
        log_info("daemon", "the configuration was read again: of its keys collect.interval and the "
                           "certificates apply now, all others at the next start");
        config_free(fresh);
    }
    notify_send(r->notify, "READY=1");
}

/* Until told to stop. */
static void run_wait(struct run *r, const struct config_sources *sources, const sigset_t *signals)
{
    for (;;) {
        int sig = 0;
        if (sigwait(signals, &sig) != 0)
            continue;
        switch (sig) {
        case SIGHUP:
            run_reload_tokens(r);
            run_reload(r, sources);
            break;
        case SIGUSR1:
            run_reload_tokens(r);
            break;
        case SIGCHLD:
            run_tell_sandbox(r);
            break;
        default:
            log_info("daemon", "stopping on %s", sig == SIGINT ? "SIGINT" : "SIGTERM");
            return;
        }
    }
}

/* ---- 6: stop ----------------------------------------------------------------------------- */

static void run_stop(struct run *r)
{
    notify_send(r->notify, "STOPPING=1");
    servers_stop(r->servers); /* clients say goodbye while the rest winds down */
    core_stop(r->core);
    surveyor_stop(r->surveyor);
    core_join(r->core);
    recorder_stop(r->recorder); /* after the last tick: it writes what is queued */
    surveyor_join(r->surveyor);
    recorder_join(r->recorder);
    servers_join(r->servers);

    struct store_numbers next;
    core_numbers(r->core, &next.tick_seq, &next.event_seq, &next.series_id);
    store_close(r->store, &next);
}

static void run_free(struct run *r)
{
    servers_free(r->servers);
    hub_free(r->hub);
    recorder_free(r->recorder);
    surveyor_free(r->surveyor);
    core_free(r->core);
    self_free(r->self);
    timings_free(r->timings);
    complaints_free(r->complaints);
    for (size_t i = 0; i < r->lanes_count; i++) {
        access_free(r->own[i].access);
        peer_close(r->own[i].peer);
        ring_close(r->lanes[i].ring);
    }
    admission_free(r->admission);
    tls_unref(r->tls);
    keyring_free(r->keyring);
    finder_stop(r->finder);
    keeper_stop(r->keeper);
    notify_close(r->notify);
}

int cmd_run(const struct config *config, const struct config_sources *sources)
{
    struct run run = {.config = config,
                      .interval_ms = config->collect.interval_ms,
                      .main_thread = pthread_self()};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGUSR1); /* run_tokens_changed */
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* ignored, as it may be handed down, ends of helpers are not told */

    run.config_file = sources->file ? sources->file : CONFIG_FILE_DEFAULT;
    mem_setup();
    run.keeper = engines_start_keeper();
    run.finder = engines_start_finder();
    /* Nothing has to be undone by hand when starting fails: the process ends and its locks,
     * sockets and helpers end with it. */
    if (run_open(&run) < 0)
        return EXIT_FAILURE;
    run_close_sandbox(&run);
    if (run_start(&run) < 0)
        return EXIT_FAILURE;
    run_wait(&run, sources, &signals);
    run_stop(&run);
    run_free(&run);
    return EXIT_SUCCESS;
}
