/*
 * log.h: one line a message on standard error, with the <N> prefix that journald reads when the
 * stream is the journal, with a time otherwise. The level is the one piece of process-wide state:
 * set once before the first thread, read by all. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/defs.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* "error", "warning", "info", "debug"; -EINVAL for another word, *ret untouched. */
int log_level_parse(const char *word, enum log_level *ret);
const char *log_level_name(enum log_level level);

void log_setup(enum log_level level);

/* `module` is the folder that speaks, e.g. "store". Over-long messages are cut at 1 KiB. */
void log_write(enum log_level level, const char *module, const char *format, ...) PRINTF_LIKE(3, 4);

#define log_error(module, ...) log_write(LOG_LEVEL_ERROR, module, __VA_ARGS__)
#define log_warning(module, ...) log_write(LOG_LEVEL_WARNING, module, __VA_ARGS__)
#define log_info(module, ...) log_write(LOG_LEVEL_INFO, module, __VA_ARGS__)
#define log_debug(module, ...) log_write(LOG_LEVEL_DEBUG, module, __VA_ARGS__)
