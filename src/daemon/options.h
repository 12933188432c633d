/*
 * options.h: the command line. One table of options says which command takes which; help comes
 * from it, too. Main thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/buf.h"
#include "daemon/config.h"

enum command {
    COMMAND_RUN,
    COMMAND_DOCTOR,
    COMMAND_QUERY,
    COMMAND_EXPORT,
    COMMAND_DETECT,
    COMMAND_BASELINE,
    COMMAND_BENCH,
    COMMAND_CHECK_CONFIG,
    COMMAND_DUMP_CONFIG,
    COMMAND_TOKEN,
    COMMAND_VERSION,
    COMMAND_HELP,
    COMMANDS
};

#define OPTIONS_FLAGS_MAX 64
#define OPTIONS_MATCHES_MAX 16
#define OPTIONS_LIMITS_MAX 16

/* Texts are borrowed from argv. */
struct options {
    enum command command;
    bool json;
    struct config_sources sources; /* points into `flags` below: do not copy the struct */
    struct config_flag flags[OPTIONS_FLAGS_MAX];
    const char *arguments[2];  /* check-config, detect: FILE; help: COMMAND; bench: what, FILE;
                                  token, baseline:  action, ID or NAME;  or NULL */
    const char *documentation; /* dump-config: "markdown" or "man" */
    struct {
        const char *role, *expires, *note; /* NULL: not given */
        bool login;
    } token;
    struct {
        const char *metric; /* NULL: not given, as all below */
        const char *matches[OPTIONS_MATCHES_MAX];
        size_t matches_count;
        const char *from, *to, *points, *agg;
        const char *table, *at, *filter, *sort, *limit;
    } query;
    struct {
        const char *comment; /* NULL: not given */
        bool replace;
    } baseline;
    struct {
        const char *format, *output, *layout; /* NULL: not given */
    } export;
    const char *detect_rule; /* detect: NULL: not given */
    struct {
        const char *levels, *size, *rate, *seconds, *mode, *send, *stalled;
        const char *series, *ticks;
        const char *save, *compare;             /* names */
        const char *limits[OPTIONS_LIMITS_MAX]; /* --threshold KIND=PCT */
        size_t limits_count;
        bool force;
        bool no_keep;
        bool publish;
        const char *publish_url; /* NULL: the configuration's listener */
        const char *token_file;
    } bench;
};

/* 0; or -EINVAL and one line in `why`, without a newline: a usage error, exit 2. */
int options_parse(struct options *ret, int argc, char **argv, char *why, size_t why_size);

const char *command_name(enum command c);
/* By its name; -EINVAL: no such command. */
int command_parse(const char *name, enum command *ret);

/* The help of one command, or with COMMANDS the overview. */
void options_print_help(enum command c, struct buf *out);
