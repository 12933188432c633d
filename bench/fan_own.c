/* fan_own.c: netsonde's server of `netsonde bench fanout` as a program, beside its peers. */
#include "bench/fan_server.h"
#include "fan_args.h"

int main(int argc, char **argv)
{
    static struct fan_server_state state;
    struct fan_args args;
    fan_args_read(&args, argc, argv);
    const struct fan_server_settings settings = {
        .size_bytes = args.size,
        .rate_hz = args.rate,
        .clients = args.clients,
        .listening = fan_args_listening,
    };
    fan_server_run(&settings, &state);
    fprintf(stderr, "fan_own: %s\n", state.why);
    return 1;
}
