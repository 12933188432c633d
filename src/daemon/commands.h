/*
 * commands.h: one function per command, in a file of its own (cmd_NAME.c). Each returns the exit
 * status: 0 fine, 1 failure at run time, 2 wrong usage, 3 a check or comparison came out bad.
 */
#pragma once

#include "daemon/config.h"
#include "daemon/options.h"

#define EXIT_USAGE 2

/* `sources` outlives the call: SIGHUP reads them again. */
int cmd_run(const struct config *config, const struct config_sources *sources);
int cmd_query(const struct config *config, const struct options *options);
int cmd_export(const struct config *config, const struct options *options);
int cmd_token(const struct config *config, const struct options *options);
int cmd_doctor(const struct config *config, const struct options *options);
int cmd_detect(const struct config *config, const struct options *options);
int cmd_baseline(const struct config *config, const struct options *options);
int cmd_dump_config(const struct config *config, const struct options *options);

/* These need no configuration, or load it themselves. */
int cmd_check_config(const struct options *options);
int cmd_bench(const struct options *options);
int cmd_version(const struct options *options);
int cmd_help(const struct options *options);
