/*
 * fan_own.c: netsonde's server of `netsonde bench fanout` as a program, beside its peers. What only
 * it can do is asked by words: fan_own [io_uring] [tls] [deflate] and the options of fan_args.h.
 */
#include <string.h>

#include "bench/fan_server.h"
#include "fan_args.h"

int main(int argc, char **argv)
{
    static struct fan_server_state state;
    struct fan_args args;
    fan_args_read(&args, argc, argv);
    struct fan_server_settings settings = {
        .size_bytes = args.size,
        .rate_hz = args.rate,
        .clients = args.clients,
        .listening = fan_args_listening,
    };
    for (int i = optind; i < argc; i++) { /* getopt has put the words behind the options */
        bool *flag = strcmp(argv[i], "io_uring") == 0  ? &settings.io_uring
                     : strcmp(argv[i], "tls") == 0     ? &settings.tls
                     : strcmp(argv[i], "deflate") == 0 ? &settings.deflate
                                                       : NULL;
        if (!flag) {
            fprintf(stderr, "fan_own: %s?\n", argv[i]);
            return 2;
        }
        *flag = true;
    }
    fan_server_run(&settings, &state);
    fprintf(stderr, "fan_own: %s\n", state.why);
    return 1;
}
