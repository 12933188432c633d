/* export_progress.c: see export_progress.h. */
#include "daemon/export_progress.h"

#include <string.h>

#include "base/defs.h"

#define BAR_COLUMNS 24
#define SAY_NS (NS_PER_S / 10)

static void put_size(double bytes, char *out, size_t size)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < ARRAY_LEN(units); unit++)
        bytes /= 1024;
    snprintf(out, size, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

void export_progress_text(const struct export_count *count, int64_t elapsed_ns, char *out,
                          size_t size)
{
    char bar[BAR_COLUMNS + 1], bytes[32], rate[32];
    size_t full = (size_t)(count->done * BAR_COLUMNS);
    memset(bar, '.', BAR_COLUMNS);
    memset(bar, '#', MIN(full, BAR_COLUMNS));
    bar[BAR_COLUMNS] = '\0';
    put_size((double)count->bytes, bytes, sizeof(bytes));
    put_size(elapsed_ns > 0 ? (double)count->bytes * (double)NS_PER_S / (double)elapsed_ns : 0,
             rate, sizeof(rate));
    snprintf(out, size, "[%s] %3d %%  %llu rows  %s  %s/s", bar, (int)(count->done * 100),
             (unsigned long long)count->rows, bytes, rate);
}

void export_progress_begin(struct export_progress *p, bool shown, int64_t now_ns)
{
    *p = (struct export_progress){.shown = shown, .started_ns = now_ns};
}

void export_progress_say(struct export_progress *p, const struct export_count *count,
                         int64_t now_ns, bool last, FILE *out)
{
    char text[160];
    if (!p->shown || (!last && p->said_ns && now_ns - p->said_ns < SAY_NS))
        return;
    p->said_ns = now_ns;
    export_progress_text(count, now_ns - p->started_ns, text, sizeof(text));
    fprintf(out, "\r%-79s%s", text, last ? "\n" : "");
    fflush(out);
}
