/*
 * bpf.h: loading the programs of bpf/ in the keeper. Before it is sealed (process.h); needs
 * CAP_BPF and CAP_PERFMON, and CAP_NET_ADMIN for what is attached to a cgroup.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "keeper/protocol.h"

/* The compiled object; tools/embed_object.py. */
extern const unsigned char bpf_image[];
extern const size_t bpf_image_size;

/*
 * Loads and attaches the programs of these parts (bits of enum bpf_part). A part that the kernel
 * refuses is left out, with the reason in ret->error, so long as another one is there. 0 and
 * ret->fds descriptors in fds, the caller's; or -errno: nothing could be attached, the reasons are
 * in *ret too. -ENOSYS: built without.
 */
int bpf_load(uint32_t parts, struct keeper_bpf *ret, int fds[KEEPER_FDS_MAX]);
