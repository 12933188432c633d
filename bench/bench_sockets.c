/*
 * bench_sockets.c: what it costs to look at every socket: for each line on standard input one
 * survey as the daemon makes it, and one line of JSON about it on standard output. read:
 * sock_diag's dumps, decoded and told to the census; all: with the census' work on them.
 * bench/sockets.py runs it beside ss.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/defs.h"
#include "collect/census.h"
#include "collect/netlink/diag.h"
#include "model/message.h"

static int64_t cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * NS_PER_S + used.tv_nsec;
}

int main(void)
{
    const struct census_settings settings = {.proc_root = "/proc",
                                             .sockets_max = 65536,
                                             .processes_max = 8192,
                                             .process_series_max = 500,
                                             .ended_keep_ms = 60 * MS_PER_S};
    const struct diag_wanted wanted = {.dumps = true, .round_trips = true, .closes = true};
    struct census *census = census_new(&settings);
    struct diag *diag = diag_new();
    int err = diag_open_dumps(diag);
    if (!err)
        err = diag_open_closes(diag, NULL);
    if (err) {
        fprintf(stderr, "bench_sockets: sock_diag: %s\n", strerror(-err));
        return EXIT_FAILURE;
    }
    char line[16];
    while (fgets(line, sizeof(line), stdin)) {
        int64_t wall[3] = {clock_mono_ns()}, cpu[3] = {cpu_ns()};
        int64_t now_ms = clock_wall_ms();
        census_begin(census, now_ms, wall[0]);
        census_count_sockets(census, true);
        err = diag_survey(diag, census, wanted, now_ms, wall[0]);
        wall[1] = clock_mono_ns();
        cpu[1] = cpu_ns();
        message_unref(census_end(census));
        wall[2] = clock_mono_ns();
        cpu[2] = cpu_ns();
        struct diag_counts counts;
        diag_counts(diag, &counts);
        printf("{\"error\": %d, \"sockets\": %" PRIu64 ", \"read_cpu_ns\": %" PRId64
               ", \"read_wall_ns\": %" PRId64 ", \"all_cpu_ns\": %" PRId64
               ", \"all_wall_ns\": %" PRId64 "}\n",
               err, counts.sockets, cpu[1] - cpu[0], wall[1] - wall[0], cpu[2] - cpu[0],
               wall[2] - wall[0]);
        fflush(stdout);
    }
    diag_free(diag);
    census_free(census);
    return EXIT_SUCCESS;
}
