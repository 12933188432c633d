/* prometheus.c: see prometheus.h and prometheus.io/docs/instrumenting/exposition_formats. */
#include "wire/prometheus.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/defs.h"
#include "base/mem.h"
#include "base/text.h"

/* Cuts the text before the next `separator`, moves *at behind it, and trims what was cut off. */
static char *cut(char **at, const char *separator)
{
    char *piece = strsep(at, separator);
    size_t len;
    if (!piece)
        return NULL;
    piece += strspn(piece, " \t");
    len = strlen(piece);
    while (len && strchr(" \t", piece[len - 1]))
        piece[--len] = '\0';
    return piece;
}

/* How much the client wants this media type, 0 to 1; -1 when the list does not name it. */
static double wanted(const char *accept, const char *type)
{
    char *copy CLEANUP(mem_freep) = mem_string(accept);
    double most = -1;
    for (char *list = copy, *item; (item = cut(&list, ",")) != NULL;) {
        char *parameter = cut(&item, ";");
        double quality = 1;
        if (strcasecmp(parameter, type) != 0)
            continue;
        while ((parameter = cut(&item, ";")) != NULL) {
            if (strncasecmp(parameter, "q=", 2) == 0 && text_double(parameter + 2, &quality) < 0)
                quality = 0;
        }
        most = MAX(most, quality);
    }
    return most;
}

enum prometheus_format prometheus_negotiate(const char *accept)
{
    if (!accept)
        return PROMETHEUS_TEXT;
    double openmetrics = wanted(accept, "application/openmetrics-text");
    return openmetrics > 0 && openmetrics >= wanted(accept, "text/plain") ? PROMETHEUS_OPENMETRICS
                                                                          : PROMETHEUS_TEXT;
}

const char *prometheus_content_type(enum prometheus_format format)
{
    return format == PROMETHEUS_OPENMETRICS
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}

static void put_help(struct buf *b, enum prometheus_format format, const char *help)
{
    for (const char *p = help; *p; p++) {
        if (*p == '\n')
            buf_text(b, "\\n");
        else if (*p == '\\' || (*p == '"' && format == PROMETHEUS_OPENMETRICS))
            buf_printf(b, "\\%c", *p);
        else
            buf_char(b, *p);
    }
}

enum prometheus_type prometheus_type(const char *name, enum prometheus_type own)
{
    static const struct {
        const char *prefix;
        enum prometheus_type type;
    } theirs[] = {
        {"node_netstat_", PROMETHEUS_UNTYPED},
        {"node_nf_conntrack_stat_", PROMETHEUS_GAUGE},
    };
    for (size_t i = 0; i < ARRAY_LEN(theirs); i++) {
        if (strncmp(name, theirs[i].prefix, strlen(theirs[i].prefix)) == 0)
            return theirs[i].type;
    }
    return own;
}

void prometheus_family(struct buf *b, enum prometheus_format format, const char *name,
                       enum prometheus_type type, const char *help)
{
    static const char *const types[] = {
        [PROMETHEUS_COUNTER] = "counter",
        [PROMETHEUS_GAUGE] = "gauge",
        [PROMETHEUS_HISTOGRAM] = "histogram",
        [PROMETHEUS_UNTYPED] = "untyped",
    };
    static const char total[] = "_total";
    const char *word = types[type];
    size_t len = strlen(name);
    if (format == PROMETHEUS_OPENMETRICS && type == PROMETHEUS_UNTYPED)
        word = "unknown";
    if (format == PROMETHEUS_OPENMETRICS && type == PROMETHEUS_COUNTER) {
        if (len > sizeof(total) - 1 && strcmp(name + len - (sizeof(total) - 1), total) == 0)
            len -= sizeof(total) - 1;
        else
            word = "unknown";
    }
    buf_text(b, "# HELP ");
    buf_append(b, name, len);
    buf_char(b, ' ');
    put_help(b, format, help);
    buf_text(b, "\n# TYPE ");
    buf_append(b, name, len);
    buf_printf(b, " %s\n", word);
}

void prometheus_sample(struct buf *b, const char *key, double value)
{
    buf_text(b, key);
    if (isnan(value))
        buf_text(b, " NaN\n");
    else if (isinf(value))
        buf_text(b, value > 0 ? " +Inf\n" : " -Inf\n");
    else if (value == floor(value) && fabs(value) < 9007199254740992.0)
        buf_printf(b, " %lld\n", (long long)value);
    else
        buf_printf(b, " %.17g\n", value);
}

void prometheus_end(struct buf *b, enum prometheus_format format)
{
    if (format == PROMETHEUS_OPENMETRICS)
        buf_text(b, "# EOF\n");
}
