/*
 * machine.h: on what a benchmark ran, so that figures of different machines are not taken for
 * figures of one. From /proc, /sys and os-release. Any thread.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "wire/json.h"

/* "" and 0: this system does not tell. */
struct machine {
    char cpu[128];
    unsigned cores; /* that are online */
    uint64_t memory_bytes;
    char kernel[128];
    char os[128];
    char governor[64]; /* of the first core's frequency */
    char virtual[128]; /* "none", or what this is a guest of: "hypervisor" when nobody says more */
};

/* Roots as "/proc", "/sys", "" (of /etc and /usr/lib). */
struct machine_roots {
    const char *proc, *sys, *root;
};
#define MACHINE_ROOTS ((struct machine_roots){"/proc", "/sys", ""})

void machine_read(const struct machine_roots *roots, struct machine *ret);

/* An object with a member for each of them, null for what is not known. */
void machine_put_json(struct buf *out, const struct machine *m);
