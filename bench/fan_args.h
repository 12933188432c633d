/*
 * fan_args.h: the command line of the servers that bench/fanout.py compares, all the same:
 *
 *   SERVER --size BYTES --rate HZ --clients N
 *
 * Each listens on 127.0.0.1, on a port of the kernel's choice which it prints as a line, and sends
 * message.h's messages at the rate to all clients from the first "go" on, until SIGTERM.
 */
#pragma once

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct fan_args {
    size_t size;
    unsigned rate, clients;
};

static inline void fan_args_read(struct fan_args *args, int argc, char **argv)
{
    static const struct option options[] = {
        {"size", required_argument, NULL, 's'},
        {"rate", required_argument, NULL, 'r'},
        {"clients", required_argument, NULL, 'c'},
        {NULL, 0, NULL, 0},
    };
    *args = (struct fan_args){.size = 1024, .rate = 10, .clients = 1000};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        unsigned long value = optarg ? strtoul(optarg, NULL, 10) : 0;
        if (c == 's')
            args->size = value;
        else if (c == 'r')
            args->rate = (unsigned)value;
        else if (c == 'c')
            args->clients = (unsigned)value;
        else
            exit(2);
    }
    if (args->size < 64 || !args->rate || !args->clients) {
        fprintf(stderr, "usage: %s [--size BYTES] [--rate HZ] [--clients N]\n", argv[0]);
        exit(2);
    }
}

static inline void fan_args_listening(unsigned port)
{
    printf("%u\n", port);
    fflush(stdout);
}
