/* bench_options.c: see bench_options.h. */
#include "daemon/bench_options.h"

#include <stdio.h>
#include <string.h>

#include "base/defs.h"
#include "base/text.h"
#include "daemon/commands.h"

#define SECONDS_MIN 0.2
#define SECONDS_MAX 600

int bench_usage(const char *message, const char *value)
{
    fprintf(stderr, "netsonde bench: %s%s%s; see netsonde help bench\n", message, value ? ": " : "",
            value ? value : "");
    return EXIT_USAGE;
}

int bench_refuse_fanout_options(const struct options *options, bool levels)
{
    const struct {
        const char *name, *value;
    } others[] = {
        {"--levels", options->bench.levels}, {"--size", options->bench.size},
        {"--rate", options->bench.rate},     {"--mode", options->bench.mode},
        {"--send", options->bench.send},     {"--stalled", options->bench.stalled},
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (others[i].value && (i || !levels))
            return bench_usage("an option of fanout", others[i].name);
    }
    return 0;
}

int bench_refuse_history_options(const struct options *options)
{
    return options->bench.series || options->bench.ticks
               ? bench_usage("--series and --ticks are options of store and query", NULL)
               : 0;
}

int bench_refuse_file(const struct options *options)
{
    return options->arguments[1] ? bench_usage("one word too many", options->arguments[1]) : 0;
}

int bench_read_seconds(const struct options *options, double *seconds)
{
    const char *text = options->bench.seconds;
    if (text &&
        (text_double(text, seconds) < 0 || *seconds < SECONDS_MIN || *seconds > SECONDS_MAX))
        return bench_usage("--seconds takes a number from 0.2 to 600", text);
    return 0;
}

int bench_read_levels(const char *text, uint64_t least, uint64_t most,
                      unsigned levels[FAN_LEVELS_MAX])
{
    char copy[512], *rest = NULL;
    size_t count = 0;
    size_t len = strlen(text);
    if (len >= sizeof(copy))
        return -1;
    memset(levels, 0, FAN_LEVELS_MAX * sizeof(levels[0]));
    memcpy(copy, text, len + 1);
    for (char *word = strtok_r(copy, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        uint64_t clients;
        if (count == FAN_LEVELS_MAX || text_u64(word, &clients) < 0 || clients < least ||
            clients > most)
            return -1;
        levels[count++] = (unsigned)clients;
    }
    return count ? (int)count : -1;
}
