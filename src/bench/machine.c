/*
 * machine.c: see machine.h. What cannot be read is left empty and never guessed. Texts come from
 * firmware and files that people edit: control characters become spaces, too long ones are cut.
 */
#include "bench/machine.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/mem.h"
#include "base/text.h"

#define FILE_MOST (1U << 20) /* cpuinfo of some hundred cores */

/* The file's first bytes with a NUL, to be freed; NULL: it cannot be read or is empty. */
static char *read_file(const char *root, const char *path)
{
    char *name CLEANUP(mem_freep) = mem_printf("%s%s", root, path);
    FILE *f = fopen(name, "re");
    if (!f)
        return NULL;
    struct buf text = BUF_INIT;
    char piece[4096];
    size_t n;
    while (text.len < FILE_MOST && (n = fread(piece, 1, sizeof(piece), f)) > 0)
        buf_append(&text, piece, n);
    fclose(f);
    char *copy = buf_ok(&text) && text.len ? mem_string_n(text.data, text.len) : NULL;
    buf_fini(&text);
    return copy;
}

/* One line, without what stands around it: spaces, and quotes of os-release. */
static void take_text(const char *from, size_t len, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < len && n + 1 < size; i++)
        out[n++] = (unsigned char)from[i] < 0x20 || from[i] == 0x7f ? ' ' : from[i];
    n = text_utf8_valid(out, n);
    out[n] = '\0';
    size_t begin = strspn(out, " \"'");
    memmove(out, out + begin, n - begin + 1);
    n -= begin;
    while (n && strchr(" \"'", out[n - 1]))
        out[--n] = '\0';
}

/* The value of the first line "KEY SEPARATOR value"; false: there is none. */
static bool take_line(const char *text, const char *key, char separator, char *out, size_t size)
{
    size_t len = strlen(key);
    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, len) != 0)
            continue;
        const char *at = line + len + strspn(line + len, " \t");
        if (*at != separator)
            continue;
        take_text(at + 1, strcspn(at + 1, "\n"), out, size);
        return out[0];
    }
    return false;
}

static void take_file(const char *root, const char *path, char *out, size_t size)
{
    char *text CLEANUP(mem_freep) = read_file(root, path);
    if (text)
        take_text(text, strcspn(text, "\n"), out, size);
}

/* "0-3,6" */
static unsigned count_list(const char *text)
{
    unsigned long count = 0;
    for (const char *at = text; isdigit((unsigned char)*at);) {
        char *end;
        unsigned long first = strtoul(at, &end, 10), last = first;
        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        if (last < first || last > 1U << 20)
            return 0;
        count += last - first + 1;
        at = *end == ',' ? end + 1 : end;
    }
    return (unsigned)count;
}

static unsigned count_lines(const char *text, const char *key)
{
    unsigned count = 0;
    for (const char *at = text; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        count += strncmp(at, key, strlen(key)) == 0;
    }
    return count;
}

static unsigned count_cores(const struct machine_roots *roots, const char *cpuinfo)
{
    char *online CLEANUP(mem_freep) = read_file(roots->sys, "/devices/system/cpu/online");
    unsigned count = online ? count_list(online) : 0;
    return count || !cpuinfo ? count : count_lines(cpuinfo, "processor\t");
}

/* Whether the flags, where the processor has such a line, have this one. */
static void take_virtual(const struct machine_roots *roots, const char *cpuinfo, struct machine *m)
{
    char product[64] = "", vendor[64] = "";
    const char *flags = cpuinfo ? strstr(cpuinfo, "\nflags") : NULL;
    size_t len = flags ? strcspn(flags + 1, "\n") : 0;
    if (!flags)
        return;
    char *line CLEANUP(mem_freep) = mem_printf("%.*s ", (int)len, flags + 1);
    if (!strstr(line, " hypervisor ")) {
        snprintf(m->virtual, sizeof(m->virtual), "none");
        return;
    }
    take_file(roots->sys, "/class/dmi/id/sys_vendor", vendor, sizeof(vendor));
    take_file(roots->sys, "/class/dmi/id/product_name", product, sizeof(product));
    if (*vendor || *product)
        snprintf(m->virtual, sizeof(m->virtual), "%s%s%s", vendor, *vendor && *product ? " " : "",
                 product);
    else
        snprintf(m->virtual, sizeof(m->virtual), "hypervisor");
}

void machine_read(const struct machine_roots *roots, struct machine *ret)
{
    static const char *const cpu_keys[] = {"model name", "Model", "cpu model", "Hardware", "cpu"};
    static const char *const releases[] = {"/etc/os-release", "/usr/lib/os-release"};
    char text[64];
    *ret = (struct machine){0};
    char *cpuinfo CLEANUP(mem_freep) = read_file(roots->proc, "/cpuinfo");
    for (size_t i = 0; cpuinfo && i < ARRAY_LEN(cpu_keys) && !*ret->cpu; i++)
        take_line(cpuinfo, cpu_keys[i], ':', ret->cpu, sizeof(ret->cpu));
    ret->cores = count_cores(roots, cpuinfo);
    take_virtual(roots, cpuinfo, ret);

    char *meminfo CLEANUP(mem_freep) = read_file(roots->proc, "/meminfo");
    if (meminfo && take_line(meminfo, "MemTotal", ':', text, sizeof(text)))
        ret->memory_bytes = strtoull(text, NULL, 10) * 1024;
    take_file(roots->proc, "/sys/kernel/osrelease", ret->kernel, sizeof(ret->kernel));
    for (size_t i = 0; i < ARRAY_LEN(releases) && !*ret->os; i++) {
        char *release CLEANUP(mem_freep) = read_file(roots->root, releases[i]);
        if (release)
            take_line(release, "PRETTY_NAME", '=', ret->os, sizeof(ret->os));
    }
    take_file(roots->sys, "/devices/system/cpu/cpu0/cpufreq/scaling_governor", ret->governor,
              sizeof(ret->governor));
}

static void put_text(struct buf *out, const char *key, const char *text)
{
    json_put_key(out, key);
    json_put_string(out, *text ? text : NULL);
}

static void put_number(struct buf *out, const char *key, uint64_t value)
{
    json_put_key(out, key);
    if (value)
        json_put_u64(out, value);
    else
        json_put_null(out);
}

void machine_put_json(struct buf *out, const struct machine *m)
{
    json_open(out, '{');
    put_text(out, "cpu", m->cpu);
    put_number(out, "cores", m->cores);
    put_number(out, "memory_bytes", m->memory_bytes);
    put_text(out, "kernel", m->kernel);
    put_text(out, "os", m->os);
    put_text(out, "governor", m->governor);
    put_text(out, "virtual", m->virtual);
    json_close(out, '}');
}
