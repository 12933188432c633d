/*
 * detect_history.h: `netsonde detect` over the history instead of a file.
 */
#pragma once

struct config;
struct options;

/* The exit status. */
int detect_history(const struct config *config, const struct options *options);
