/*
 * config_table.c: every key that there is. The table is ordered by section, as the documentation
 * shows it; it is small enough to be searched from the front.
 */
#include "daemon/config_table.h"

#include <ctype.h>
#include <string.h>

#include "base/defs.h"
#include "daemon/config.h"

/* ---- the table --------------------------------------------------------------------------- */

static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};
static const char *const engines[] = {"auto", "ebpf", "netlink", "packet", "procfs", NULL};
static const char *const auth_modes[] = {"auto", "token", "none", NULL};
static const char *const resolves[] = {"observed", "off", NULL};
static const char *const durabilities[] = {"normal", "full", NULL};

#define AT(member) offsetof(struct config, member)

const struct config_section config_sections[] = {
    {"collect", "What is read from the kernel, and how often."},
    {"packet",
     "What the packet engine looks at. It runs when collect.engines names it, when devices are "
     "given here, or a file by --read."},
    {"serve", "Who may connect, and how much one viewer may cost."},
    {"auth", "Who has to show a token."},
    {"store", "How much history is kept on disk."},
    {"detect", "How far from usual a sample must be to be an anomaly."},
    {"alerting", "How often, and where, alerts are told. What is an alert say the rules below, "
                 "`alerts`."},
    {"export", "What leaves for other programs."},
};
const size_t config_sections_count = ARRAY_LEN(config_sections);

const struct config_row config_rows[] = {
    {.key = "data_dir",
     .type = CONFIG_TEXT,
     .offset = AT(data_dir),
     .check = &config_form_path,
     .flag = "--data-dir",
     .doc = "Directory of the database; without it $STATE_DIRECTORY, /var/lib/netsonde for root, "
            "else $XDG_DATA_HOME/netsonde or ~/.local/share/netsonde.",
     .example = "/srv/netsonde"},
    {.key = "log_level",
     .type = CONFIG_WORD,
     .offset = AT(log_level),
     .value = "info",
     .words = log_levels,
     .flag = "--log-level",
     .doc = "The least important messages that are still written.",
     .example = "debug"},
    {.key = "read",
     .type = CONFIG_TEXT,
     .offset = AT(read),
     .value = "",
     .check = &config_form_any_path,
     .flag = "--read",
     .doc = "A file of captured packets (pcap or pcapng) that the packet engine reads instead of "
            "devices.",
     .example = "/tmp/trace.pcap"},

    {.section = "collect",
     .key = "interval",
     .type = CONFIG_DURATION,
     .offset = AT(collect.interval_ms),
     .value = "1s",
     .least = "50ms",
     .most = "60s",
     .flag = "--interval",
     .doc = "Time between two ticks; each reads every counter once.",
     .example = "500ms"},
    {.section = "collect",
     .key = "engines",
     .type = CONFIG_TEXTS,
     .offset = AT(collect.engines),
     .value = "auto",
     .words = engines,
     .flag = "--engine",
     .doc = "Ways to read the kernel; auto takes the best one for each thing that can be measured.",
     .example = "[netlink, procfs]"},
    {.section = "collect",
     .key = "exclude_devices",
     .type = CONFIG_TEXTS,
     .offset = AT(collect.exclude_devices),
     .value = "",
     .check = &config_form_glob,
     .doc = "Network devices that are not measured.",
     .example = "[\"veth*\", docker0]"},
    {.section = "collect",
     .key = "tables_interval",
     .type = CONFIG_DURATION,
     .offset = AT(collect.tables_interval_ms),
     .value = "1s",
     .least = "100ms",
     .most = "60s",
     .doc =
         "Time between two readings of what takes longer: sockets, processes, queues, link speeds. "
         "Longer where they would use more than 5 % of a core.",
     .example = "5s"},
    {.section = "collect",
     .key = "series_limit",
     .type = CONFIG_INTEGER,
     .offset = AT(collect.series_limit),
     .value = "20000",
     .least = "100",
     .most = "1000000",
     .doc =
         "Most series that are live at one time. When it is near, those that were silent longest "
         "leave; new ones are refused when there are none. Both are counted.",
     .example = "50000"},
    {.section = "collect",
     .key = "process_series_limit",
     .type = CONFIG_INTEGER,
     .offset = AT(collect.process_series_limit),
     .value = "500",
     .least = "1",
     .most = "100000",
     .doc = "Most pairs of process and unit whose bytes become series of their own; more count as "
            "process \"other\". The table of processes shows them all.",
     .example = "2000"},
    {.section = "collect",
     .key = "resolve",
     .type = CONFIG_WORD,
     .offset = AT(collect.resolve),
     .value = "observed",
     .words = resolves,
     .doc =
         "Names of the other ends of connections: from DNS answers that were seen (observed), or "
         "none (off). Nothing is ever looked up.",
     .example = "off"},

    {.section = "packet",
     .key = "devices",
     .type = CONFIG_TEXTS,
     .offset = AT(packet.devices),
     .value = "",
     .check = &config_form_device,
     .doc = "Network devices whose packets are looked at; none: all of them when the engine is "
            "named. A packet that passes several of them counts for each.",
     .example = "[eth0, wlan0]"},
    {.section = "packet",
     .key = "filter",
     .type = CONFIG_TEXT,
     .offset = AT(packet.filter),
     .value = "",
     .check = &config_form_filter,
     .doc = "Only packets that match are looked at; in the language of tcpdump, pcap-filter(7).",
     .example = "\"not port 22\""},
    {.section = "packet",
     .key = "snaplen",
     .type = CONFIG_INTEGER,
     .offset = AT(packet.snaplen_bytes),
     .value = "256",
     .least = "64",
     .most = "262144",
     .doc = "Bytes of a packet that are captured. More shows more names that clients ask for (TLS "
            "begins with up to 2 KB), and costs more.",
     .example = "2048"},

    {.section = "serve",
     .key = "listen",
     .type = CONFIG_TEXTS,
     .offset = AT(serve.listen),
     .value = "127.0.0.1:7477,[::1]:7477",
     .check = &config_form_listen,
     .flag = "--listen",
     .doc = "Addresses that answer to browsers; port 0 lets the system choose one.",
     .example = "[\"127.0.0.1:7477\"]"},
    {.section = "serve",
     .key = "threads",
     .type = CONFIG_INTEGER,
     .offset = AT(serve.threads),
     .value = "auto",
     .zero = "auto",
     .least = "1",
     .most = "64",
     .doc = "Threads that serve connections; auto is one per processor, at most 4.",
     .example = "2"},
    {.section = "serve",
     .key = "max_clients",
     .type = CONFIG_INTEGER,
     .offset = AT(serve.max_clients),
     .value = "20000",
     .least = "1",
     .most = "200000",
     .doc = "Most connections at one time; fewer when the limit for open files does not allow it.",
     .example = "100"},
    {.section = "serve",
     .key = "max_clients_per_address",
     .type = CONFIG_INTEGER,
     .offset = AT(serve.max_clients_per_address),
     .value = "1000",
     .least = "1",
     .most = "200000",
     .doc = "Most connections of one remote address; loopback is exempt.",
     .example = "20"},
    {.section = "serve",
     .key = "heartbeat",
     .type = CONFIG_DURATION,
     .offset = AT(serve.heartbeat_ms),
     .value = "30s",
     .least = "1s",
     .most = "10m",
     .doc = "Time between two pings of a viewer, which tell whether it is still there and how far "
            "away it is.",
     .example = "10s"},
    {.section = "serve",
     .key = "idle_timeout",
     .type = CONFIG_DURATION,
     .offset = AT(serve.idle_timeout_ms),
     .value = "75s",
     .least = "2s",
     .most = "1h",
     .doc = "Time after which a connection that says nothing is closed; longer than heartbeat.",
     .example = "30s"},
    {.section = "serve",
     .key = "client_queue",
     .type = CONFIG_SIZE,
     .offset = AT(serve.client_queue_bytes),
     .value = "1MiB",
     .least = "64KiB",
     .most = "256MiB",
     .doc = "Most bytes that wait for one slow viewer before it is disconnected.",
     .example = "4MiB"},
    {.section = "serve",
     .key = "performance_interval",
     .type = CONFIG_DURATION,
     .offset = AT(serve.performance_interval_ms),
     .value = "5s",
     .least = "1s",
     .most = "10m",
     .doc = "Time between two messages about netsonde itself: connections, latencies, stages.",
     .example = "10s"},
    {.section = "serve",
     .key = "tls_cert",
     .type = CONFIG_TEXT,
     .offset = AT(serve.tls_cert),
     .value = "",
     .check = &config_form_optional_path,
     .doc =
         "Certificate with its chain, PEM; with tls_key every listener speaks TLS. Read again on "
         "SIGHUP.",
     .example = "/etc/netsonde/tls/fullchain.pem"},
    {.section = "serve",
     .key = "tls_key",
     .type = CONFIG_TEXT,
     .offset = AT(serve.tls_key),
     .value = "",
     .check = &config_form_optional_path,
     .doc = "The certificate's private key, PEM, without a password.",
     .example = "/etc/netsonde/tls/privkey.pem"},
    {.section = "serve",
     .key = "base_path",
     .type = CONFIG_TEXT,
     .offset = AT(serve.base_path),
     .value = "/",
     .check = &config_form_base_path,
     .doc = "Path below which a reverse proxy shows the dashboard.",
     .example = "/netsonde"},
    {.section = "serve",
     .key = "trusted_proxies",
     .type = CONFIG_TEXTS,
     .offset = AT(serve.trusted_proxies),
     .value = "",
     .check = &config_form_range,
     .doc = "Addresses of reverse proxies whose word about the client's address is believed.",
     .example = "[127.0.0.1, \"10.1.0.0/16\"]"},
    {.section = "serve",
     .key = "allowed_hosts",
     .type = CONFIG_TEXTS,
     .offset = AT(serve.allowed_hosts),
     .value = "",
     .check = &config_form_host,
     .doc = "Further names under which browsers may reach the dashboard.",
     .example = "[monitor.example.net]"},
    {.section = "serve",
     .key = "allowed_origins",
     .type = CONFIG_TEXTS,
     .offset = AT(serve.allowed_origins),
     .value = "",
     .check = &config_form_origin,
     .doc = "Pages of other origins that may use the stream and change things.",
     .example = "[\"https://intranet.example.net\"]"},
    {.section = "serve",
     .key = "compression",
     .type = CONFIG_BOOL,
     .offset = AT(serve.compression),
     .value = "on",
     .doc = "Whether answers and stream messages are compressed for clients that take it.",
     .example = "off"},

    {.section = "auth",
     .key = "mode",
     .type = CONFIG_WORD,
     .offset = AT(auth.mode),
     .value = "auto",
     .words = auth_modes,
     .doc = "auto: who connects from this host, not through a proxy, may look without a token; "
            "token: everybody needs one; none: nobody does, and everybody may do everything.",
     .example = "token"},

    {.section = "store",
     .key = "raw",
     .type = CONFIG_DURATION,
     .offset = AT(store.raw_ms),
     .value = "48h",
     .least = "10m",
     .most = "1y",
     .doc = "How long every sample is kept; rows of minutes and hours are kept longer.",
     .example = "7d"},
    {.section = "store",
     .key = "minute",
     .type = CONFIG_DURATION,
     .offset = AT(store.minute_ms),
     .value = "90d",
     .least = "1h",
     .most = "10y",
     .doc = "How long the rows of minutes are kept that samples are rolled up into; never shorter "
            "than store.raw.",
     .example = "1y"},
    {.section = "store",
     .key = "hour",
     .type = CONFIG_DURATION,
     .offset = AT(store.hour_ms),
     .value = "5y",
     .least = "1d",
     .most = "50y",
     .doc = "How long the rows of hours are kept that minutes are rolled up into; never shorter "
            "than store.minute.",
     .example = "10y"},
    {.section = "store",
     .key = "events",
     .type = CONFIG_DURATION,
     .offset = AT(store.events_ms),
     .value = "7d",
     .least = "10m",
     .most = "5y",
     .doc = "How long events are kept.",
     .example = "30d"},
    {.section = "store",
     .key = "connections",
     .type = CONFIG_DURATION,
     .offset = AT(store.connections_ms),
     .value = "7d",
     .least = "10m",
     .most = "1y",
     .doc = "How long the tables of connections and processes are kept, one of each a minute.",
     .example = "30d"},
    {.section = "store",
     .key = "record_names",
     .type = CONFIG_BOOL,
     .offset = AT(store.record_names),
     .value = "on",
     .doc = "Whether stored tables and events of connections have the names of programs, units, "
            "users and hosts; addresses are stored in any case, and so are the labels of "
            "the series netsonde_process_*.",
     .example = "off"},
    {.section = "store",
     .key = "max_size",
     .type = CONFIG_SIZE,
     .offset = AT(store.max_size_bytes),
     .value = "2GiB",
     .least = "16MiB",
     .most = "1TiB",
     .doc = "Most bytes of the database; beyond it the oldest go first.",
     .example = "500MiB"},
    {.section = "store",
     .key = "durability",
     .type = CONFIG_WORD,
     .offset = AT(store.durability),
     .value = "normal",
     .words = durabilities,
     .doc = "What a power cut may take: the last seconds (normal) or nothing that was stored "
            "(full, with more writing).",
     .example = "full"},

    {.section = "detect",
     .key = "sigma",
     .type = CONFIG_NUMBER,
     .offset = AT(detect.sigma),
     .value = "2.5",
     .least = "0.5",
     .most = "100",
     .flag = "--sigma",
     .doc = "So many standard deviations from the mean are a shift worth telling; less finds "
            "smaller ones, later.",
     .example = "3"},
    {.section = "detect",
     .key = "window",
     .type = CONFIG_DURATION,
     .offset = AT(detect.window_ms),
     .value = "5m",
     .least = "10s",
     .most = "7d",
     .flag = "--window",
     .doc = "Over how long it is seen what is usual.",
     .example = "15m"},
    {.section = "detect",
     .key = "min_samples",
     .type = CONFIG_INTEGER,
     .offset = AT(detect.min_samples),
     .value = "60",
     .least = "10",
     .most = "100000",
     .flag = "--min-samples",
     .doc = "Fewer samples than this say nothing about what is usual.",
     .example = "120"},
    {.section = "detect",
     .key = "confirm",
     .type = CONFIG_PART,
     .offset = AT(detect.confirm),
     .value = "3/5",
     .flag = "--confirm",
     .doc = "So many of so many samples must be unusual before there is an anomaly, at least.",
     .example = "4/5"},
    {.section = "detect",
     .key = "learning",
     .type = CONFIG_DURATION,
     .offset = AT(detect.learning_ms),
     .value = "10m",
     .least = "0",
     .most = "7d",
     .flag = "--learning",
     .doc = "So long after its first sample a series has no anomaly.",
     .example = "1h"},
    {.section = "detect",
     .key = "false_alarms",
     .type = CONFIG_FREQUENCY,
     .offset = AT(detect.false_alarms),
     .value = "1/day",
     .least = "1/1y",
     .most = "1/minute",
     .flag = "--false-alarms",
     .doc = "How many anomalies that are none may be told, of all watched series together.",
     .example = "1/week"},

    {.section = "alerting",
     .key = "rate",
     .type = CONFIG_FREQUENCY,
     .offset = AT(alerting.rate),
     .value = "5/1m",
     .least = "1/1d",
     .most = "100/second",
     .doc = "So many messages in such a time on each channel, firing and resolved together. What "
            "is held back is counted in the next one.",
     .example = "10/1h"},
    {.section = "alerting",
     .key = "cooldown",
     .type = CONFIG_DURATION,
     .offset = AT(alerting.cooldown_ms),
     .value = "60s",
     .least = "0",
     .most = "1d",
     .doc = "Time between two messages about one rule and series.",
     .example = "5m"},
    {.section = "alerting",
     .key = "channels",
     .type = CONFIG_TEXTS,
     .offset = AT(alerting.channels),
     .value = "websocket,log",
     .check = &config_form_name,
     .doc = "Where alerts are told whose rule names no channels; names of `channels`, websocket or "
            "log.",
     .example = "[log]"},

    {.section = "export",
     .key = "metrics_series_limit",
     .type = CONFIG_INTEGER,
     .offset = AT(export.metrics_series_limit),
     .value = "5000",
     .least = "1",
     .most = "1000000",
     .doc = "Most series in one answer of /metrics. Of more, families keep their largest, and the "
            "rest of each is one series of the name `other`.",
     .example = "20000"},
};
const size_t config_rows_count = ARRAY_LEN(config_rows);

/* ---- looking things up ------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

const struct config_row *config_row_find(const char *section, const char *key)
{
    for (size_t i = 0; i < config_rows_count; i++) {
        if (same_text(config_rows[i].section, section) && strcmp(config_rows[i].key, key) == 0)
            return &config_rows[i];
    }
    return NULL;
}

const struct config_row *config_row_by_flag(const char *flag)
{
    for (size_t i = 0; i < config_rows_count; i++) {
        if (config_rows[i].flag && strcmp(config_rows[i].flag, flag) == 0)
            return &config_rows[i];
    }
    return NULL;
}

size_t config_row_index(const struct config_row *row)
{
    return (size_t)(row - config_rows);
}

const struct config_section *config_section_find(const char *name)
{
    for (size_t i = 0; i < config_sections_count; i++) {
        if (strcmp(config_sections[i].name, name) == 0)
            return &config_sections[i];
    }
    return NULL;
}

void config_row_name(const struct config_row *row, struct buf *out)
{
    if (row->section)
        buf_printf(out, "%s.", row->section);
    buf_text(out, row->key);
}

static void put_upper(struct buf *out, const char *text)
{
    for (; *text; text++)
        buf_char(out, (char)toupper((unsigned char)*text));
}

void config_row_environment(const struct config_row *row, struct buf *out)
{
    buf_text(out, "NETSONDE_");
    if (row->section) {
        put_upper(out, row->section);
        buf_char(out, '_');
    }
    put_upper(out, row->key);
}
