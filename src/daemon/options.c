/*
 * options.c: two tables, commands and options, read by the parser and by the help. getopt_long
 * finds the words; which command they belong to is only known at the end, because `netsonde
 * --interval 1s run` is as good as `netsonde run --interval 1s`, so every option is first noted
 * and then held against the command.
 */
#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/check.h"
#include "base/defs.h"
#include "daemon/config_table.h"

#define BIT(command) (1U << (command))
#define WITH_CONFIG                                                                                \
    (BIT(COMMAND_RUN) | BIT(COMMAND_DOCTOR) | BIT(COMMAND_QUERY) | BIT(COMMAND_EXPORT) |           \
     BIT(COMMAND_CHECK_CONFIG) | BIT(COMMAND_DUMP_CONFIG) | BIT(COMMAND_TOKEN) |                   \
     BIT(COMMAND_DETECT) | BIT(COMMAND_BASELINE))
/* For a file that is read by detect they would say something else, to baseline nothing. */
#define WITH_DAEMON (WITH_CONFIG & ~(BIT(COMMAND_DETECT) | BIT(COMMAND_BASELINE)))
#define HISTORY (BIT(COMMAND_QUERY) | BIT(COMMAND_EXPORT))
#define SERIES (HISTORY | BIT(COMMAND_DETECT) | BIT(COMMAND_BASELINE))
#define EVERYWHERE (BIT(COMMANDS) - 1)

static const struct {
    const char *name;
    const char *arguments; /* in the usage line */
    const char *summary;
    const char *details;
} commands[COMMANDS] = {
    [COMMAND_RUN] = {"run", "", "start monitoring and serve the dashboard (the default command)",
                     "Reads the kernel once an interval, keeps the history and shows both on the\n"
                     "addresses it prints. Needs no privileges. SIGTERM and SIGINT end it, SIGHUP\n"
                     "reads the configuration again.\n"},
    [COMMAND_DOCTOR] =
        {"doctor", "", "what this machine can measure, and what would add to it",
         "Tries every engine as run would, by the same configuration, and lists for each thing\n"
         "that can be measured who gives it, or why nobody does and the command that adds it. Run\n"
         "it as the user whom the daemon runs as; no daemon has to run, and none is disturbed.\n"
         "The status is 3 when something is missing; what is off by choice is not.\n"},
    [COMMAND_QUERY] = {"query", "", "read history",
                       "Reads the database of --data-dir; no daemon has to run. Times are epoch\n"
                       "milliseconds, RFC 3339, -60 (seconds before now) or now-15m. A counter is\n"
                       "shown as units per second, but for --agg sum. Tables are stored once a\n"
                       "minute, and when the daemon stops.\n"},
    [COMMAND_EXPORT] =
        {"export", "", "history as a file: CSV, JSON, NDJSON or OpenMetrics",
         "Writes what query would find, every stored sample of it unless --points says otherwise,\n"
         "to FILE (or standard output): under the name FILE.part until it is whole, and with\n"
         "FILE.meta.json beside it, which says where it comes from, how much it is, and its\n"
         "SHA-256. Counters are exported as what was counted since the sample before (--agg avg:\n"
         "as units per second), in OpenMetrics as counters that begin with the export. Reads the\n"
         "database of --data-dir; no daemon has to run. docs/EXPORT.md describes the formats.\n"},
    [COMMAND_DETECT] =
        {"detect", " [FILE]", "what the detector would have said to a series: a back-test",
         "Reads FILE (- or nothing: standard input), a CSV with a time and a value a row, and\n"
         "prints timestamp,value,score,mean,sigma,alarm; on standard error how often it would "
         "have\n"
         "fired, and when. Times are epoch seconds or milliseconds, RFC 3339, or\n"
         "YYYY-MM-DD HH:MM:SS in UTC; a header may name the columns timestamp and value. A value\n"
         "that is empty is a sample that is missing. The time between two samples is found from\n"
         "the first rows; a window has --min-samples samples at least, and so has learning.\n"
         "score is 0 for what the series did before and 0.99 for twice as much; alarm is 1 or -1\n"
         "while a shift up or down lasts. docs/ALERTING.md explains both. With --metric or --rule\n"
         "it is the history that is looked at, and printed are "
         "time,series,value,score,mean,sigma;\n"
         "what is not said here is as the configuration says.\n"},
    [COMMAND_BASELINE] =
        {"baseline", " save|list|show|compare|delete [NAME]",
         "keep what is usual under a name, and hold later times against it",
         "save     keeps the statistics of every series (or of those that --metric and --match\n"
         "         name) of --from to --to as NAME\n"
         "list     shows all that are kept\n"
         "show     prints one: each series' one-minute means\n"
         "compare  holds --from to --to against NAME: what is better, worse or different. A "
         "verdict\n"
         "         needs 30 minutes on each side, an effect of 0.5, a change of 10 % and "
         "significance\n"
         "         over all metrics; docs/BASELINES.md explains them. The status is 3 when a "
         "metric is\n"
         "         worse, 0 when none is, 1 when there was no verdict: nothing or too little to "
         "compare.\n"
         "delete   takes one away\n"
         "NAME auto is the same hours of the week in the four weeks before. Reads the database of\n"
         "--data-dir; no daemon has to run.\n"},
    [COMMAND_BENCH] =
        {"bench", " fanout|collect|packets|store|query [FILE]",
         "measure how fast this machine does its work",
         "fanout starts a server and a crowd of clients on this host and sends all of them the\n"
         "same messages. For each number of clients it prints the messages delivered a second,\n"
         "when the first and the last client had one, what a delivery costs the server's CPU and\n"
         "a client its memory. collect prints how long each engine takes for a tick and for a\n"
         "survey of this host, without and with connections on 127.0.0.1 of its own; as root it\n"
         "measures what root's daemon does. packets reads the capture FILE with the packet engine, "
         "on one\n"
         "thread, with nDPI and without, and prints the packets a second. store writes a history\n"
         "below $TMPDIR (/var/tmp) and removes it, query also asks it.\n"
         "A running netsonde is not asked and not disturbed, unless --publish says so: the page\n"
         "of that daemon then shows the run while it goes on, and keeps the results. That needs\n"
         "an admin (root, the daemon's own user, or a token); what cannot be sent is a warning\n"
         "and changes no status. The last 500 runs stay in DATA_DIR/benchmarks but for --no-keep,\n"
         "those of --save-baseline under their name, and --compare holds later ones against\n"
         "them, figure by figure; of another machine is warned, other settings are refused.\n"
         "Of a largest time and of kinds without a threshold (size, count) no figure is called\n"
         "worse. docs/BENCHMARKS.md explains all of it.\n"},
    [COMMAND_CHECK_CONFIG] =
        {"check-config", " [FILE]", "check the configuration",
         "Prints every mistake as FILE:LINE:COLUMN: message, and exits with 1\n"
         "when there is one. FILE is read instead of " CONFIG_FILE_DEFAULT ",\n"
         "and conf.d beside it. Environment and flags are checked, too.\n"},
    [COMMAND_DUMP_CONFIG] = {"dump-config", "",
                             "every key, its value, its default and where the value came from",
                             "The output is a configuration file again. docs/CONFIG.md and\n"
                             "netsonde.yaml(5) explain the keys.\n"},
    [COMMAND_TOKEN] =
        {"token", " new|list|revoke [ID]", "who may ask: make, list and take away tokens",
         "new     makes a token and prints it, this once: only its digest is kept, in the file\n"
         "        tokens of --data-dir. With --login it prints the address of the login page with\n"
         "        a secret in it instead, to a terminal only: it works once, for ten minutes.\n"
         "list    shows all, by their IDs.\n"
         "revoke  takes one away: its sessions and streams end, too.\n"
         "A daemon that runs is told.\n"},
    [COMMAND_VERSION] = {"version", "", "print the version", ""},
    [COMMAND_HELP] = {"help", " [COMMAND]", "explain a command", ""},
};

enum option_id {
    OPTION_CONFIG = 'c',
    OPTION_OUTPUT = 'o',
    OPTION_HELP = 'h',
    OPTION_VERSION = 'V',
    OPTION_CONFIG_FLAG = 256, /* a row of the configuration table decides */
    OPTION_JSON,
    OPTION_METRIC,
    OPTION_MATCH,
    OPTION_FROM,
    OPTION_TO,
    OPTION_POINTS,
    OPTION_AGG,
    OPTION_TABLE,
    OPTION_AT,
    OPTION_FILTER,
    OPTION_SORT,
    OPTION_LIMIT,
    OPTION_FORMAT,
    OPTION_LAYOUT,
    OPTION_RULE,
    OPTION_DOCUMENTATION,
    OPTION_ROLE,
    OPTION_LOGIN,
    OPTION_EXPIRES,
    OPTION_NOTE,
    OPTION_COMMENT,
    OPTION_REPLACE,
    OPTION_LEVELS,
    OPTION_SIZE,
    OPTION_RATE,
    OPTION_SECONDS,
    OPTION_MODE,
    OPTION_SEND,
    OPTION_STALLED,
    OPTION_SERIES,
    OPTION_TICKS,
    OPTION_SAVE,
    OPTION_COMPARE,
    OPTION_THRESHOLD,
    OPTION_FORCE,
    OPTION_NO_KEEP,
    OPTION_PUBLISH,
    OPTION_TOKEN_FILE,
};

static const struct {
    const char *name;
    const char *argument; /* NULL: takes none */
    enum option_id id;
    unsigned commands; /* bit set */
    const char *doc;
} options[] = {
    {"config", "FILE", OPTION_CONFIG, WITH_CONFIG | BIT(COMMAND_BENCH),
     "read FILE instead of " CONFIG_FILE_DEFAULT},
    {"data-dir", "DIR", OPTION_CONFIG_FLAG, WITH_CONFIG | BIT(COMMAND_BENCH),
     "directory of the database"},
    {"listen", "ADDR:PORT", OPTION_CONFIG_FLAG, WITH_DAEMON,
     "answer there; may be repeated, replaces the file's"},
    {"engine", "LIST", OPTION_CONFIG_FLAG, WITH_DAEMON, "ways to read the kernel, or auto"},
    {"interval", "DURATION", OPTION_CONFIG_FLAG, WITH_DAEMON, "time between two ticks"},
    {"read", "FILE", OPTION_CONFIG_FLAG, BIT(COMMAND_RUN) | BIT(COMMAND_DUMP_CONFIG),
     "look at the packets in FILE instead of live ones"},
    {"log-level", "LEVEL", OPTION_CONFIG_FLAG, WITH_CONFIG, "error, warning, info or debug"},
    {"metric", "GLOB", OPTION_METRIC, SERIES, "names of metrics"},
    {"match", "LABEL=GLOB", OPTION_MATCH, SERIES, "only series with such a label; may be repeated"},
    {"from", "TIME", OPTION_FROM, SERIES,
     "begin; 15 minutes ago without it, a day for detect, an hour for baseline"},
    {"to", "TIME", OPTION_TO, SERIES, "end; now without it"},
    {"points", "N", OPTION_POINTS, HISTORY,
     "about how many steps; 300 without it, every sample for export"},
    {"agg", "NAME", OPTION_AGG, HISTORY,
     "what a step shows: avg, min, max, last, sum, p50, p90 or p99; export: sum without it"},
    {"table", "NAME", OPTION_TABLE, HISTORY, "a table instead of series: connections or processes"},
    {"at", "TIME", OPTION_AT, HISTORY, "as it was then; the newest one without it"},
    {"filter", "WORDS", OPTION_FILTER, HISTORY,
     "only rows in which all of these hold: text, col:text, col>5, col<5, -word"},
    {"sort", "COLUMN", OPTION_SORT, HISTORY,
     "order of the rows, -COLUMN: largest first; by rates without it"},
    {"limit", "N", OPTION_LIMIT, HISTORY, "rows at most; 100 without it, all for export"},
    {"format", "NAME", OPTION_FORMAT, BIT(COMMAND_EXPORT),
     "csv (without it), json, ndjson or openmetrics"},
    {"layout", "NAME", OPTION_LAYOUT, BIT(COMMAND_EXPORT),
     "of csv: long, a line a sample (without it), or wide, a column a series"},
    {"output", "FILE", OPTION_OUTPUT, BIT(COMMAND_EXPORT),
     "where to; - or nothing: standard output"},
    {"rule", "NAME", OPTION_RULE, BIT(COMMAND_DETECT),
     "a rule of the configuration, over the history"},
    {"sigma", "S", OPTION_CONFIG_FLAG, BIT(COMMAND_DETECT),
     "the shift to find, in standard deviations, 0.5 to 20"},
    {"window", "DURATION", OPTION_CONFIG_FLAG, BIT(COMMAND_DETECT),
     "what is usual is what was in so long"},
    {"learning", "DURATION", OPTION_CONFIG_FLAG, BIT(COMMAND_DETECT), "no alarm before"},
    {"min-samples", "N", OPTION_CONFIG_FLAG, BIT(COMMAND_DETECT), "of a window at least"},
    {"confirm", "K/N", OPTION_CONFIG_FLAG, BIT(COMMAND_DETECT),
     "K of the newest N samples must agree"},
    {"false-alarms", "N/TIME", OPTION_CONFIG_FLAG, BIT(COMMAND_DETECT),
     "how often it may be wrong"},
    {"role", "ROLE", OPTION_ROLE, BIT(COMMAND_TOKEN), "viewer (without it) or admin"},
    {"login", NULL, OPTION_LOGIN, BIT(COMMAND_TOKEN), "print an address that logs in once"},
    {"expires", "DURATION", OPTION_EXPIRES, BIT(COMMAND_TOKEN), "such as 90d; never without it"},
    {"note", "TEXT", OPTION_NOTE, BIT(COMMAND_TOKEN), "what it is for, shown by list"},
    {"documentation", "FORMAT", OPTION_DOCUMENTATION, BIT(COMMAND_DUMP_CONFIG),
     "print the keys' documentation instead: markdown or man"},
    {"comment", "TEXT", OPTION_COMMENT, BIT(COMMAND_BASELINE), "save: what it is, shown by list"},
    {"replace", NULL, OPTION_REPLACE, BIT(COMMAND_BASELINE),
     "save: even if there is one of that name"},
    {"levels", "LIST", OPTION_LEVELS, BIT(COMMAND_BENCH),
     "numbers of clients; 10,25,50,75,100,1000,10000 without it; of collect: connections, 0,1000"},
    {"size", "SIZE", OPTION_SIZE, BIT(COMMAND_BENCH), "of a message, 64 to 64KiB; 1KiB without it"},
    {"rate", "N", OPTION_RATE, BIT(COMMAND_BENCH),
     "messages a second, 1 to 1000, max, or auto: 10, fewer for many clients"},
    {"seconds", "N", OPTION_SECONDS, BIT(COMMAND_BENCH),
     "for each level, or with and without nDPI; 5 without it"},
    {"mode", "NAME", OPTION_MODE, BIT(COMMAND_BENCH),
     "plain (without it), tls, deflate or tls-deflate"},
    {"send", "NAME", OPTION_SEND, BIT(COMMAND_BENCH),
     "io_uring, send, or auto: io_uring where it can be used"},
    {"stalled", "N", OPTION_STALLED, BIT(COMMAND_BENCH), "so many clients that never read"},
    {"series", "N", OPTION_SERIES, BIT(COMMAND_BENCH),
     "store, query: in each tick; 500 without it"},
    {"ticks", "N", OPTION_TICKS, BIT(COMMAND_BENCH),
     "store, query: seconds of history; 3600 without it"},
    {"save-baseline", "NAME", OPTION_SAVE, BIT(COMMAND_BENCH),
     "keep the results by this name in --data-dir; replaces those of before"},
    {"compare", "NAME", OPTION_COMPARE, BIT(COMMAND_BENCH),
     "hold the results against those kept by this name; status 3 when one is worse"},
    {"threshold", "KIND=PCT", OPTION_THRESHOLD, BIT(COMMAND_BENCH),
     "what is worse: duration=20, memory=30, cpu=25, throughput=20 without it; also size, count"},
    {"force", NULL, OPTION_FORCE, BIT(COMMAND_BENCH),
     "compare although the settings are not the same"},
    {"no-keep", NULL, OPTION_NO_KEEP, BIT(COMMAND_BENCH), "leave no results in --data-dir"},
    {"publish", "[=URL]", OPTION_PUBLISH, BIT(COMMAND_BENCH),
     "send progress and results to the daemon there, else to that of the configuration"},
    {"token-file", "FILE", OPTION_TOKEN_FILE, BIT(COMMAND_BENCH),
     "an admin's token for --publish; $NETSONDE_TOKEN without it"},
    {"json", NULL, OPTION_JSON,
     BIT(COMMAND_DOCTOR) | BIT(COMMAND_BASELINE) | BIT(COMMAND_QUERY) | BIT(COMMAND_DETECT) |
         BIT(COMMAND_BENCH) | BIT(COMMAND_DUMP_CONFIG) | BIT(COMMAND_TOKEN) | BIT(COMMAND_VERSION),
     "answer in JSON"},
    {"help", NULL, OPTION_HELP, EVERYWHERE, "explain the command"},
    {"version", NULL, OPTION_VERSION, EVERYWHERE, "print the version"},
};

const char *command_name(enum command c)
{
    CHECK(c < COMMANDS);
    return commands[c].name;
}

int command_parse(const char *name, enum command *ret)
{
    for (unsigned i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            *ret = (enum command)i;
            return 0;
        }
    }
    return -EINVAL;
}

/* ---- parsing ----------------------------------------------------------------------------- */

struct parse {
    struct options *options;
    bool given[ARRAY_LEN(options)];
    bool help, version;
    char *why;
    size_t why_size;
};

#define USAGE(p, ...) (snprintf((p)->why, (p)->why_size, __VA_ARGS__), -EINVAL)

static int take_config_flag(struct parse *p, const char *name, const char *text)
{
    struct options *o = p->options;
    /* The name that the table of the configuration knows, with its dashes. */
    char flag[32];
    snprintf(flag, sizeof(flag), "--%s", name);
    const struct config_row *row = config_row_by_flag(flag);
    CHECK(row);
    if (o->sources.flags_count == ARRAY_LEN(o->flags))
        return USAGE(p, "more than %d options", OPTIONS_FLAGS_MAX);
    struct config_flag *f = &o->flags[o->sources.flags_count];
    *f = (struct config_flag){.flag = row->flag, .text = text};
    if (!config_check_flag(f, p->why, p->why_size))
        return -EINVAL;
    o->sources.flags_count++;
    return 0;
}

static int take_option(struct parse *p, size_t index, const char *text)
{
    struct options *o = p->options;
    p->given[index] = true;
    switch (options[index].id) {
    case OPTION_CONFIG:
        o->sources.file = text;
        return 0;
    case OPTION_CONFIG_FLAG:
        return take_config_flag(p, options[index].name, text);
    case OPTION_JSON:
        o->json = true;
        return 0;
    case OPTION_METRIC:
        o->query.metric = text;
        return 0;
    case OPTION_MATCH:
        if (o->query.matches_count == OPTIONS_MATCHES_MAX)
            return USAGE(p, "more than %d times --match", OPTIONS_MATCHES_MAX);
        o->query.matches[o->query.matches_count++] = text;
        return 0;
    case OPTION_FROM:
        o->query.from = text;
        return 0;
    case OPTION_TO:
        o->query.to = text;
        return 0;
    case OPTION_POINTS:
        o->query.points = text;
        return 0;
    case OPTION_AGG:
        o->query.agg = text;
        return 0;
    case OPTION_TABLE:
        o->query.table = text;
        return 0;
    case OPTION_AT:
        o->query.at = text;
        return 0;
    case OPTION_FILTER:
        o->query.filter = text;
        return 0;
    case OPTION_SORT:
        o->query.sort = text;
        return 0;
    case OPTION_LIMIT:
        o->query.limit = text;
        return 0;
    case OPTION_FORMAT:
        o->export.format = text;
        return 0;
    case OPTION_LAYOUT:
        o->export.layout = text;
        return 0;
    case OPTION_OUTPUT:
        o->export.output = text;
        return 0;
    case OPTION_RULE:
        o->detect_rule = text;
        return 0;
    case OPTION_DOCUMENTATION:
        if (strcmp(text, "markdown") != 0 && strcmp(text, "man") != 0)
            return USAGE(p, "--documentation: \"%s\" is not known (expected markdown or man)",
                         text);
        o->documentation = text;
        return 0;
    case OPTION_ROLE:
        o->token.role = text;
        return 0;
    case OPTION_LOGIN:
        o->token.login = true;
        return 0;
    case OPTION_EXPIRES:
        o->token.expires = text;
        return 0;
    case OPTION_NOTE:
        o->token.note = text;
        return 0;
    case OPTION_COMMENT:
        o->baseline.comment = text;
        return 0;
    case OPTION_REPLACE:
        o->baseline.replace = true;
        return 0;
    case OPTION_LEVELS:
        o->bench.levels = text;
        return 0;
    case OPTION_SIZE:
        o->bench.size = text;
        return 0;
    case OPTION_RATE:
        o->bench.rate = text;
        return 0;
    case OPTION_SECONDS:
        o->bench.seconds = text;
        return 0;
    case OPTION_MODE:
        o->bench.mode = text;
        return 0;
    case OPTION_SEND:
        o->bench.send = text;
        return 0;
    case OPTION_STALLED:
        o->bench.stalled = text;
        return 0;
    case OPTION_SERIES:
        o->bench.series = text;
        return 0;
    case OPTION_TICKS:
        o->bench.ticks = text;
        return 0;
    case OPTION_SAVE:
        o->bench.save = text;
        return 0;
    case OPTION_COMPARE:
        o->bench.compare = text;
        return 0;
    case OPTION_THRESHOLD:
        if (o->bench.limits_count == OPTIONS_LIMITS_MAX)
            return USAGE(p, "more than %d times --threshold", OPTIONS_LIMITS_MAX);
        o->bench.limits[o->bench.limits_count++] = text;
        return 0;
    case OPTION_FORCE:
        o->bench.force = true;
        return 0;
    case OPTION_NO_KEEP:
        o->bench.no_keep = true;
        return 0;
    case OPTION_PUBLISH:
        o->bench.publish = true;
        o->bench.publish_url = text;
        return 0;
    case OPTION_TOKEN_FILE:
        o->bench.token_file = text;
        return 0;
    case OPTION_HELP:
        p->help = true;
        return 0;
    case OPTION_VERSION:
        p->version = true;
        return 0;
    }
    return 0;
}

static size_t index_of_short(int letter)
{
    size_t i = 0;
    while ((int)options[i].id != letter) {
        i++;
        CHECK(i < ARRAY_LEN(options)); /* getopt knows no letter that the table does not */
    }
    return i;
}

/* "[=URL]" */
static bool is_optional(const char *argument)
{
    return argument[0] == '[';
}

static int parse_words(struct parse *p, int argc, char **argv)
{
    struct option longs[ARRAY_LEN(options) + 1] = {0};
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        longs[i] = (struct option){
            .name = options[i].name,
            .has_arg = !options[i].argument               ? no_argument
                       : is_optional(options[i].argument) ? optional_argument
                                                          : required_argument,
        };
    }
    optind = 0; /* glibc: begin afresh, also when called a second time */
    opterr = 0;
    for (;;) {
        int index = -1;
        int letter = getopt_long(argc, argv, ":c:ho:V", longs, &index);
        if (letter == -1)
            return 0;
        if (letter == ':')
            return USAGE(p, "%s needs a value", argv[optind - 1]);
        if (letter == '?' && optopt)
            return USAGE(p, "-%c is no option", optopt);
        if (letter == '?')
            return USAGE(p, "%s is no option", argv[optind - 1]);
        int err = take_option(p, index >= 0 ? (size_t)index : index_of_short(letter), optarg);
        if (err)
            return err;
    }
}

static int take_argument(struct parse *p, const char *text)
{
    struct options *o = p->options;
    enum command ignored;
    bool two = o->command == COMMAND_TOKEN || o->command == COMMAND_BENCH ||
               o->command == COMMAND_BASELINE;
    size_t most = two ? 2 : *commands[o->command].arguments ? 1 : 0;
    size_t at = o->arguments[0] ? 1 : 0;
    if (at >= most || o->arguments[at])
        return USAGE(p, "%s: \"%s\" is one word too many", command_name(o->command), text);
    if (o->command == COMMAND_HELP && command_parse(text, &ignored))
        return USAGE(p, "help: there is no command \"%s\"", text);
    o->arguments[at] = text;
    if (o->command == COMMAND_CHECK_CONFIG) {
        if (o->sources.file)
            return USAGE(p, "check-config: FILE is given twice, by --config and as a word");
        o->sources.file = text;
    }
    return 0;
}

int options_parse(struct options *ret, int argc, char **argv, char *why, size_t why_size)
{
    struct parse p = {.options = ret, .why = why, .why_size = why_size};
    *ret = (struct options){.command = COMMAND_RUN};
    ret->sources.flags = ret->flags;
    int err = parse_words(&p, argc, argv);
    if (err)
        return err;
    if (optind < argc && command_parse(argv[optind], &ret->command))
        return USAGE(&p, "there is no command \"%s\"; see netsonde help", argv[optind]);
    bool named = optind < argc;
    if (p.version) {
        ret->command = COMMAND_VERSION;
        return 0;
    }
    if (p.help) {
        ret->arguments[0] = named ? command_name(ret->command) : NULL;
        ret->command = COMMAND_HELP;
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (p.given[i] && !(options[i].commands & BIT(ret->command)))
            return USAGE(&p, "%s takes no --%s", command_name(ret->command), options[i].name);
    }
    for (int i = optind + 1; i < argc && !err; i++)
        err = take_argument(&p, argv[i]);
    return err;
}

/* ---- help -------------------------------------------------------------------------------- */

static void put_option(struct buf *out, size_t i)
{
    CLEANUP(buf_fini) struct buf words = BUF_INIT;
    int letter = (int)options[i].id;
    if (letter < OPTION_CONFIG_FLAG)
        buf_printf(&words, "-%c, ", letter);
    else
        buf_text(&words, "    ");
    buf_printf(&words, "--%s", options[i].name);
    if (options[i].argument)
        buf_printf(&words, "%s%s", is_optional(options[i].argument) ? "" : " ",
                   options[i].argument);
    buf_printf(out, "  %-26s %s\n", buf_string(&words), options[i].doc);
}

void options_print_help(enum command c, struct buf *out)
{
    if (c == COMMANDS) {
        buf_text(out, "netsonde: what this host's network is doing, live\n\n"
                      "usage: netsonde [COMMAND] [OPTIONS]\n\n");
        for (unsigned i = 0; i < COMMANDS; i++)
            buf_printf(out, "  %-13s %s\n", commands[i].name, commands[i].summary);
        buf_text(out, "\nnetsonde help COMMAND explains one and its options.\n"
                      "Exit status: 0 fine, 1 failure, 2 wrong usage, 3 a check came out bad.\n");
        return;
    }
    buf_printf(out, "netsonde %s: %s\n\nusage: netsonde %s%s [OPTIONS]\n\n", commands[c].name,
               commands[c].summary, c == COMMAND_RUN ? "[run]" : commands[c].name,
               commands[c].arguments);
    if (*commands[c].details)
        buf_printf(out, "%s\n", commands[c].details);
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (options[i].commands & BIT(c))
            put_option(out, i);
    }
}
