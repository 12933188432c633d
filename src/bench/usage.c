/*
 * usage.c: schedstat's first number is exact for a thread that sleeps, which /proc/PID/stat, in
 * ticks of 10 ms, is not. io_uring's workers are threads of the process and count with it.
 */
#include "bench/usage.h"

#include <dirent.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/defs.h"

uint64_t usage_want_descriptors(uint64_t wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    if (limit.rlim_cur >= wanted)
        return limit.rlim_cur;
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = MIN(limit.rlim_max, (rlim_t)wanted);
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

/* The file's first bytes with a NUL; false: it cannot be read. */
static bool read_text(const char *path, char *text, size_t size)
{
    FILE *f = fopen(path, "re");
    size_t len = f ? fread(text, 1, size - 1, f) : 0;
    text[len] = '\0';
    if (f)
        fclose(f);
    return len > 0;
}

static int64_t cpu_by_ticks(pid_t pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (!read_text(path, text, sizeof(text)))
        return -1;
    /* Eleven fields lie between the name, in which anything may stand, and the two times. */
    const char *at = strrchr(text, ')');
    for (int i = 0; i < 12 && at; i++)
        at = strchr(at + 1, ' ');
    if (!at)
        return -1;
    char *second;
    unsigned long long user = strtoull(at, &second, 10), system = strtoull(second, NULL, 10);
    return (int64_t)(user + system) * NS_PER_S / sysconf(_SC_CLK_TCK);
}

int64_t usage_cpu_ns(pid_t pid)
{
    char path[64], text[128];
    int64_t total = 0;
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    if (!tasks)
        return -1;
    for (struct dirent *task; (task = readdir(tasks));) {
        char file[sizeof(path) + sizeof(task->d_name) + sizeof("//schedstat")];
        if (task->d_name[0] == '.')
            continue;
        snprintf(file, sizeof(file), "%s/%s/schedstat", path, task->d_name);
        if (read_text(file, text, sizeof(text)))
            total += strtoll(text, NULL, 10);
    }
    closedir(tasks);
    return total ? total : cpu_by_ticks(pid);
}

int64_t usage_memory_bytes(pid_t pid)
{
    char path[64], text[4096];
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    if (!read_text(path, text, sizeof(text)))
        return -1;
    const char *line = strstr(text, "\nRssAnon:");
    return line ? strtoll(line + sizeof("\nRssAnon:") - 1, NULL, 10) * 1024 : -1;
}

static double seconds_of(const struct rusage *r)
{
    return (double)(r->ru_utime.tv_sec + r->ru_stime.tv_sec) +
           (double)(r->ru_utime.tv_usec + r->ru_stime.tv_usec) / 1e6;
}

/* getrusage's largest of this process would be that of whoever called exec, if it was larger. */
void usage_of_run(struct usage_total *ret)
{
    struct rusage self = {0}, children = {0};
    char text[4096];
    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    const char *line =
        read_text("/proc/self/status", text, sizeof(text)) ? strstr(text, "\nVmHWM:") : NULL;
    double own = line ? (double)strtoll(line + sizeof("\nVmHWM:") - 1, NULL, 10) * 1024 : NAN;
    ret->cpu_seconds = seconds_of(&self) + seconds_of(&children);
    ret->peak_bytes = fmax(own, (double)children.ru_maxrss * 1024);
}
