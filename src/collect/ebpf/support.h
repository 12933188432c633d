/*
 * support.h: what the running kernel offers to the ebpf engine, and what to do where it does not.
 * Reads files only; needs no right and changes nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"

struct bpf_support {
    uint32_t parts; /* bit set of enum bpf_part that the kernel has the attachment points for */
    char reason[256], remedy[256]; /* for those that it lacks; "" when there are none */
};

/* proc_root: "/proc"; sys_root: "/sys"; release: of uname, "6.1.0-13-amd64". */
void bpf_support_read(const char *proc_root, const char *sys_root, const char *release,
                      struct bpf_support *ret);

/* The words for parts: "bytes of processes" …; separated by commas. */
void bpf_parts_name(uint32_t parts, char *out, size_t size);
