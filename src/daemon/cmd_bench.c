/*
 * cmd_bench.c: `netsonde bench fanout`, `collect`, `packets`, `store` and `query`: which of them.
 * The measuring is src/bench's, one file a subject here reads what is asked (bench_fanout.c …), and
 * bench_run.c keeps, compares and publishes the results. What is measured is this program's own
 * code on this machine; a configuration is read, and a daemon told, only where that is asked for.
 */
#include <string.h>

#include "base/defs.h"
#include "daemon/bench_options.h"
#include "daemon/bench_run.h"
#include "daemon/commands.h"

static int bench_history(const struct options *options)
{
    return bench_store(options, false);
}

static int bench_questions(const struct options *options)
{
    return bench_store(options, true);
}

static const struct {
    const char *name;
    int (*run)(const struct options *options);
} subjects[] = {
    {"fanout", bench_fanout}, {"collect", bench_collect}, {"packets", bench_packets},
    {"store", bench_history}, {"query", bench_questions},
};

int cmd_bench(const struct options *options)
{
    const char *subject = options->arguments[0];
    for (size_t i = 0; subject && i < ARRAY_LEN(subjects); i++) {
        if (strcmp(subject, subjects[i].name) == 0)
            return subjects[i].run(options);
    }
    return bench_usage(
        "say what to measure: netsonde bench fanout, collect, packets FILE, store or query",
        subject);
}
