/*
 * host.c: the host itself: node_uname_info, node_boot_time_seconds, node_time_seconds.
 *
 * The boot time is the kernel's own (btime of /proc/stat), read once: that file is long on large
 * machines. When the wall clock is set the kernel moves btime by the same amount, and so do we: by
 * watching the distance between the wall clock and the clock that counts from boot. The names are
 * asked for again and again, for a host may be given another one while it runs; with another name
 * the series is another one.
 */
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/clock.h"
#include "base/defs.h"
#include "base/mem.h"
#include "collect/procfs/parts.h"
#include "collect/procfs/source.h"

struct host {
    struct sampler *sampler;
    bool asked, asked_name;
    struct utsname name; /* that `uname` stands for */
    struct series *uname, *boot, *time;
    double boot_s;       /* 0: not known */
    int64_t distance_ms; /* between the clocks when boot_s was right */
};

/* Wall clock minus time since boot. */
static int64_t clocks_distance_ms(void)
{
    struct timespec since_boot;
    clock_gettime(CLOCK_BOOTTIME, &since_boot);
    return clock_wall_ms() -
           ((int64_t)since_boot.tv_sec * MS_PER_S + (int64_t)since_boot.tv_nsec / NS_PER_MS);
}

static double read_boot_time(const char *proc_root)
{
    struct source source;
    struct scan text, line;
    uint64_t seconds = 0;
    source_init(&source, proc_root, "stat");
    if (source_read(&source, &text) == 0) {
        while (scan_line(&text, &line)) {
            struct scan word;
            if (scan_word(&line, &word) && scan_is(&word, "btime", 5) && scan_u64(&line, &seconds))
                break;
        }
    }
    source_fini(&source);
    return (double)seconds;
}

struct host *host_new(struct sampler *sampler, const char *proc_root)
{
    struct host *h = mem_alloc(sizeof(*h));
    h->sampler = sampler;
    h->boot_s = read_boot_time(proc_root);
    h->distance_ms = clocks_distance_ms();
    return h;
}

void host_forget(struct host *h)
{
    h->uname = series_unref(h->uname);
    h->boot = series_unref(h->boot);
    h->time = series_unref(h->time);
    h->asked = h->asked_name = false;
}

void host_free(struct host *h)
{
    if (!h)
        return;
    host_forget(h);
    free(h);
}

static void host_look_up_name(struct host *h, const struct engine_sink *sink)
{
    struct utsname name = {0}; /* as a whole comparable: what follows the texts stays zero */
    if (uname(&name) < 0 || (h->asked_name && memcmp(&name, &h->name, sizeof(name)) == 0))
        return;
    const struct label labels[] = {
        {"sysname", name.sysname}, {"release", name.release},   {"version", name.version},
        {"machine", name.machine}, {"nodename", name.nodename}, {"domainname", name.domainname},
    };
    series_unref(h->uname);
    h->uname = sampler_series(h->sampler, sink, &catalogue_uname, labels, ARRAY_LEN(labels));
    h->name = name;
    h->asked_name = true;
}

static void host_look_up(struct host *h, const struct engine_sink *sink)
{
    if (h->boot_s > 0)
        h->boot = sampler_series(h->sampler, sink, &catalogue_boot_time, NULL, 0);
    h->time = sampler_series(h->sampler, sink, &catalogue_time, NULL, 0);
    h->asked = true;
}

void host_sample(struct host *h, const struct engine_sink *sink)
{
    if (!h->asked)
        host_look_up(h, sink);
    if (!h->asked_name || !sink->counts_only)
        host_look_up_name(h, sink);
    int64_t distance_ms = clocks_distance_ms();
    if (llabs(distance_ms - h->distance_ms) >= MS_PER_S) {
        h->boot_s += round((double)(distance_ms - h->distance_ms) / (double)MS_PER_S);
        h->distance_ms = distance_ms;
    }
    draft_gauge(sink->draft, h->uname, 1);
    draft_gauge(sink->draft, h->boot, h->boot_s);
    draft_gauge(sink->draft, h->time, (double)clock_wall_ms() / (double)MS_PER_S);
}
