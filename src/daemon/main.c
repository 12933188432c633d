/*
 * main.c: from the command line to a command. Whatever is wrong with flags or configuration is
 * said here, once, and nothing starts.
 */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/commands.h"

static int with_config(const struct options *options,
                       int (*run)(const struct config *config, const struct options *options))
{
    struct config *config = NULL;
    if (config_load(&options->sources, &config, stderr) < 0)
        return EXIT_FAILURE;
    log_setup(config->log_level);
    int code = run(config, options);
    config_free(config);
    return code;
}

static int run_daemon(const struct config *config, const struct options *options)
{
    return cmd_run(config, &options->sources);
}

int main(int argc, char **argv)
{
    struct options options;
    char why[256];
    if (options_parse(&options, argc, argv, why, sizeof(why)) < 0) {
        fprintf(stderr, "netsonde: %s\n", why);
        return EXIT_USAGE;
    }
    switch (options.command) {
    case COMMAND_RUN:
        return with_config(&options, run_daemon);
    case COMMAND_DOCTOR:
        return with_config(&options, cmd_doctor);
    case COMMAND_QUERY:
        return with_config(&options, cmd_query);
    case COMMAND_EXPORT:
        return with_config(&options, cmd_export);
    case COMMAND_TOKEN:
        return with_config(&options, cmd_token);
    case COMMAND_DUMP_CONFIG:
        return with_config(&options, cmd_dump_config);
    case COMMAND_DETECT:
        return with_config(&options, cmd_detect);
    case COMMAND_BASELINE:
        return with_config(&options, cmd_baseline);
    case COMMAND_BENCH:
        return cmd_bench(&options);
    case COMMAND_CHECK_CONFIG:
        return cmd_check_config(&options);
    case COMMAND_VERSION:
        return cmd_version(&options);
    case COMMAND_HELP:
    case COMMANDS:
        break;
    }
    return cmd_help(&options);
}
