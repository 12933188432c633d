/*
 * probe.c: what a probe says of things that do not work, put together the same way for all engines.
 *
 * Privileges are said as bits, not as a command: setcap(8) replaces what a file had before, so the
 * one command that is printed has to name everything that any engine misses. Where the process
 * could not get a privilege in any way, as in most containers, setcap would be of no use.
 */
#include <ctype.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "collect/engine.h"

#define BIT(cap) (UINT64_C(1) << (cap))

static const struct {
    const char *name; /* as in setcap(8), after "cap_" */
    uint64_t bit;
} names[] = {
    {"dac_read_search", BIT(CAP_DAC_READ_SEARCH)},
    {"net_admin", BIT(CAP_NET_ADMIN)},
    {"net_raw", BIT(CAP_NET_RAW)},
    {"sys_ptrace", BIT(CAP_SYS_PTRACE)},
    {"sys_admin", BIT(CAP_SYS_ADMIN)},
    {"perfmon", BIT(CAP_PERFMON)},
    {"bpf", BIT(CAP_BPF)},
};

static void probe_add(struct engine_probe *p, const struct shortfall *s)
{
    for (size_t i = 0; i < p->count; i++) {
        struct shortfall *known = &p->shortfalls[i];
        if (known->off == s->off && known->privileges == s->privileges &&
            strcmp(known->reason, s->reason) == 0 && strcmp(known->remedy, s->remedy) == 0) {
            known->capabilities |= s->capabilities;
            return;
        }
    }
    if (p->count < PROBE_SHORTFALLS_MAX)
        p->shortfalls[p->count++] = *s;
}

#define PRINT_REASON(s)                                                                            \
    do {                                                                                           \
        va_list args;                                                                              \
        va_start(args, format);                                                                    \
        vsnprintf((s).reason, sizeof((s).reason), format, args);                                   \
        va_end(args);                                                                              \
    } while (0)

void probe_missing(struct engine_probe *p, uint32_t capabilities, const char *remedy,
                   const char *format, ...)
{
    struct shortfall s = {.capabilities = capabilities};
    PRINT_REASON(s);
    snprintf(s.remedy, sizeof(s.remedy), "%s", remedy);
    probe_add(p, &s);
}

void probe_off(struct engine_probe *p, uint32_t capabilities, const char *remedy,
               const char *format, ...)
{
    struct shortfall s = {.capabilities = capabilities, .off = true};
    PRINT_REASON(s);
    snprintf(s.remedy, sizeof(s.remedy), "%s", remedy);
    probe_add(p, &s);
}

void probe_unprivileged(struct engine_probe *p, uint32_t capabilities, uint64_t privileges,
                        const char *format, ...)
{
    struct shortfall s = {.capabilities = capabilities, .privileges = privileges};
    PRINT_REASON(s);
    probe_add(p, &s);
}

void probe_owners(struct engine_probe *p, const struct engine_settings *s, uint32_t capabilities)
{
    uint64_t needed = BIT(CAP_SYS_PTRACE) | BIT(CAP_DAC_READ_SEARCH);
    if (!s->finder)
        probe_missing(p, capabilities, "", "The process that finds the owners of sockets is gone.");
    else if (~s->permitted & needed)
        probe_unprivileged(p, capabilities, needed & ~s->permitted,
                           "Processes of other users are not seen.");
}

const struct shortfall *probe_shortfall(const struct engine_probe *p, uint32_t capabilities)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->shortfalls[i].capabilities & capabilities)
            return &p->shortfalls[i];
    }
    return NULL;
}

/* "cap_net_admin" for setcap(8), "NET_ADMIN" for docker(1). */
static void put_name(char *out, size_t size, size_t *len, const char *name, bool upper)
{
    for (; *name && *len + 1 < size; name++)
        out[(*len)++] = (char)(upper ? toupper(*name) : *name);
    out[*len] = '\0';
}

void probe_privileges_remedy(const struct engine_settings *s, uint64_t privileges, char *ret,
                             size_t size)
{
    uint64_t out_of_reach = privileges & ~s->bounding;
    /* What it has by its file has to stay. */
    uint64_t all = out_of_reach ? out_of_reach : privileges | s->permitted;
    size_t len = 0;
    put_name(ret, size, &len, out_of_reach ? "docker run" : "sudo setcap", false);
    const char *before = " cap_";
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!(all & names[i].bit))
            continue;
        put_name(ret, size, &len, out_of_reach ? " --cap-add=" : before, false);
        put_name(ret, size, &len, names[i].name, out_of_reach != 0);
        before = ",cap_";
    }
    put_name(ret, size, &len, out_of_reach ? " ..." : "=ep ", false);
    if (!out_of_reach)
        put_name(ret, size, &len, s->program ? s->program : "\"$(command -v netsonde)\"", false);
}
