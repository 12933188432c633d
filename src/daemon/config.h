/*
 * config.h: the configuration, read once into a struct that never changes afterwards.
 *
 * Every key is one row of the table in config_table.c; parsing, defaults, ranges, `dump-config`,
 * docs/CONFIG.md and the manual page come from it. Precedence: flag, environment
 * (NETSONDE_SECTION_KEY), file, default. Loading happens on the main thread; the result may be
 * read by all threads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/log.h"

#define CONFIG_FILE_DEFAULT "/etc/netsonde/netsonde.yaml"

struct config_list {
    char **items;
    size_t count;
};

/* 3/5: so many of so many. */
struct config_part {
    uint32_t part, whole;
};

/* 5/1m: so many in such a time. */
struct config_frequency {
    uint32_t count;
    int64_t ms;
};

enum config_durability { CONFIG_DURABILITY_NORMAL, CONFIG_DURABILITY_FULL };
enum config_resolve { CONFIG_RESOLVE_OBSERVED, CONFIG_RESOLVE_OFF };
enum config_auth { CONFIG_AUTH_AUTO, CONFIG_AUTH_TOKEN, CONFIG_AUTH_NONE };

enum config_list_kind { CONFIG_LIST_CHANNELS, CONFIG_LIST_ALERTS, CONFIG_LISTS };

struct channel_spec;
struct config_entry;
struct config_origin;
struct rule;

struct config {
    char *data_dir; /* the one in force: --data-dir or where CONTRACT section 1 says */
    enum log_level log_level;
    char *read; /* a file of packets; "": none */
    struct {
        int64_t interval_ms;
        struct config_list engines;         /* names, or the one word "auto" */
        struct config_list exclude_devices; /* globs */
        int64_t tables_interval_ms;
        uint64_t series_limit;
        uint64_t process_series_limit;
        enum config_resolve resolve;
    } collect;
    struct {
        struct config_list devices;
        char *filter;
        uint64_t snaplen_bytes;
    } packet;
    struct {
        struct config_list listen; /* HOST:PORT */
        uint64_t threads;          /* 0: auto */
        uint64_t max_clients;
        uint64_t max_clients_per_address;
        int64_t heartbeat_ms;
        int64_t idle_timeout_ms;
        uint64_t client_queue_bytes;
        int64_t performance_interval_ms;
        char *tls_cert, *tls_key; /* paths; both or none: "" */
        char *base_path;          /* begins with '/' */
        struct config_list trusted_proxies;
        struct config_list allowed_hosts;
        struct config_list allowed_origins;
        bool compression;
    } serve;
    struct {
        enum config_auth mode;
    } auth;
    struct {
        int64_t raw_ms, minute_ms, hour_ms;
        int64_t events_ms;
        int64_t connections_ms;
        bool record_names;
        uint64_t max_size_bytes;
        enum config_durability durability;
    } store;
    struct {
        double sigma;
        int64_t window_ms;
        uint64_t min_samples;
        struct config_part confirm;
        int64_t learning_ms;
        struct config_frequency false_alarms;
    } detect;
    struct {
        struct config_frequency rate;
        int64_t cooldown_ms;
        struct config_list channels; /* names; each is one of those below */
    } alerting;
    struct {
        uint64_t metrics_series_limit;
    } export;
    /* `channels:`. The first two are websocket and log, written or not. */
    size_t channels_count;
    struct channel_spec **channels;
    /* `alerts:`. Without the rules that everybody has: config_rules. */
    size_t rules_count;
    struct rule **rules;
    struct config_entry *entries[CONFIG_LISTS]; /* both, as they were written: config_dump */
    struct config_origin *origins; /* one per row of the table: config_dump, config_is_set */
};

/* A key set on the command line. A key that is given again replaces, but for lists that are
 * repeatable flags (--listen): those add up. */
struct config_flag {
    const char *flag; /* "--interval", for messages; also names the row */
    const char *text;
};

/* Where to read from. Borrowed while loading; kept by the daemon for the reload. */
struct config_sources {
    const char *file; /* of -c; NULL: CONFIG_FILE_DEFAULT, which may be missing */
    const struct config_flag *flags;
    size_t flags_count;
    char *const *environment; /* "NAME=value", ends with NULL; NULL: the process's own */
};

/*
 * Reads the file, then conf.d/NAME.yaml beside it in the order of the names, then the environment
 * and the flags. Every mistake goes to `complaints`, one line each, as
 *     FILE:LINE:COLUMN: SECTION.KEY: what is wrong (what was expected)
 * 0 and *ret, or -EINVAL (mistakes) or another -errno (a file that cannot be read); *ret is then
 * untouched.
 */
int config_load(const struct config_sources *sources, struct config **ret, FILE *complaints);
void config_free(struct config *c); /* NULL allowed */

/* Whether something other than the default decided. The key must exist. */
bool config_is_set(const struct config *c, const char *section, const char *key);

/* The rules of the file and those that everybody has and the file does not replace: at the start,
 * and after SIGHUP. A reference each; the caller frees the array. */
struct rule **config_rules(const struct config *c, size_t *ret_count);

/* Is there a row with this flag, and does it accept the text? False: one sentence in `why`. */
bool config_check_flag(const struct config_flag *flag, char *why, size_t why_size);

/* Every key with value, default and origin: as a file that could be loaded, or as JSON. */
void config_dump_yaml(const struct config *c, struct buf *out);
void config_dump_json(const struct config *c, struct buf *out);

/* The same as members of an object that is open, for others to see: each key with its one sentence
 * of documentation, and without what may be a secret: of an address what follows its host, of a
 * command its arguments. */
void config_put_shown(const struct config *c, struct buf *out);

/* The table as documentation: docs/CONFIG.md and the manual page netsonde.yaml(5). */
void config_print_markdown(struct buf *out);
void config_print_man(struct buf *out);
