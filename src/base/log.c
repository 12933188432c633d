/* log.c: each message is one write(2), so lines of different threads never mix. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
    enum log_level level;
    bool journal;
} log_state = {.level = LOG_LEVEL_INFO};

static const char *const log_names[] = {"error", "warning", "info", "debug"};

int log_level_parse(const char *word, enum log_level *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(log_names); i++) {
        if (strcmp(word, log_names[i]) == 0) {
            *ret = (enum log_level)i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *log_level_name(enum log_level level)
{
    return log_names[level];
}

void log_setup(enum log_level level)
{
    log_state.level = level;
    log_state.journal = getenv("JOURNAL_STREAM") != NULL;
}

static size_t log_prefix(char *text, size_t size, enum log_level level)
{
    static const int syslog_priority[] = {3, 4, 6, 7};
    if (log_state.journal)
        return (size_t)snprintf(text, size, "<%d>", syslog_priority[level]);
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t len = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &utc);
    return len + (size_t)snprintf(text + len, size - len, ".%03lldZ %s ", now.tv_nsec / NS_PER_MS,
                                  log_names[level]);
}

void log_write(enum log_level level, const char *module, const char *format, ...)
{
    if (level > log_state.level)
        return;
    int saved_errno = errno;
    char text[1024];
    size_t len = log_prefix(text, sizeof(text), level);
    len += (size_t)snprintf(text + len, sizeof(text) - len, "%s: ", module);
    va_list args;
    va_start(args, format);
    int body = vsnprintf(text + len, sizeof(text) - len, format, args);
    va_end(args);
    if (body > 0)
        len = MIN(len + (size_t)body, sizeof(text) - 2);
    /* A line break from outside must not forge a second line. */
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = ' ';
    }
    text[len++] = '\n';
    ssize_t written = write(STDERR_FILENO, text, len);
    (void)written;
    errno = saved_errno;
}
