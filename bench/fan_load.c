/*
 * fan_load.c: the crowd of `netsonde bench fanout` as a program, against any server:
 *
 *   fan_load --port N --pid SERVER [--clients 1000] [--stalled 0] [--size 1024] [--seconds 5]
 *            [--path /] [--metrics] [--deflate] [--tls]
 *
 * --metrics: the daemon's stream of that name instead of the bench's messages, of any size.
 * --seconds 0: nothing is sent; only what idle clients cost. Prints one JSON object.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/crowd.h"
#include "bench/fan_bench.h"

static bool read_options(struct crowd_settings *s, int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"pid", required_argument, NULL, 'i'},
        {"clients", required_argument, NULL, 'c'},
        {"stalled", required_argument, NULL, 't'},
        {"size", required_argument, NULL, 'b'},
        {"seconds", required_argument, NULL, 's'},
        {"path", required_argument, NULL, 'u'},
        {"metrics", no_argument, NULL, 'm'},
        {"deflate", no_argument, NULL, 'd'},
        {"tls", no_argument, NULL, 'e'},
        {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        unsigned long number = optarg ? strtoul(optarg, NULL, 10) : 0;
        switch (c) {
        case 'p':
            s->port = (uint16_t)number;
            break;
        case 'i':
            s->server = (pid_t)number;
            break;
        case 'c':
            s->clients = (unsigned)number;
            break;
        case 't':
            s->stalled = (unsigned)number;
            break;
        case 'b':
            s->size_bytes = number;
            break;
        case 's':
            s->seconds = optarg ? strtod(optarg, NULL) : 0;
            break;
        case 'u':
            s->path = optarg;
            break;
        case 'm':
            s->kind = MESSAGE_METRICS;
            s->size_bytes = 0;
            break;
        case 'd':
            s->deflate = true;
            break;
        case 'e':
            s->tls = true;
            break;
        default:
            return false;
        }
    }
    return s->port && s->server > 0 && s->clients > s->stalled && optind == argc;
}

int main(int argc, char **argv)
{
    struct crowd_settings settings = {
        .clients = 1000, .size_bytes = 1024, .seconds = 5, .path = "/", .kind = MESSAGE_FANOUT};
    struct crowd_result result;
    struct buf out = BUF_INIT;
    if (!read_options(&settings, argc, argv)) {
        fprintf(stderr,
                "usage: fan_load --port N --pid SERVER [--clients N] [--stalled N] "
                "[--size BYTES] [--seconds S] [--path PATH] [--metrics] [--deflate] [--tls]\n");
        return 2;
    }
    if (crowd_run(&settings, &result) < 0) {
        fprintf(stderr, "fan_load: %s\n", result.why);
        return 1;
    }
    buf_char(&out, '{');
    fan_report_result(&out, &result);
    buf_text(&out, "}\n");
    fputs(buf_string(&out), stdout);
    buf_fini(&out);
    return 0;
}
