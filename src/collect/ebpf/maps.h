/*
 * maps.h: reading BPF maps through descriptors that the keeper handed over. A process without any
 * capability may do that from Linux 5.19 on. Any thread; each call is one system call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0, or -errno: -ENOENT when there is no such key, -EPERM when the kernel does not let us. */
int bpf_map_look_up(int map, const void *key, void *value);
int bpf_map_delete(int map, const void *key);

/* A walk over a hash map in portions. */
struct bpf_walk {
    int map;
    uint32_t at; /* the kernel's place */
    bool begun, done;
};

#define BPF_WALK_INIT(fd) ((struct bpf_walk){.map = (fd)})

/* The next entries, *ret_count of at most `room`, which should be 64 or more: a portion holds whole
 * buckets of the kernel's table. 0, also when nothing is left (*ret_count is 0 then), or -errno.
 * Entries that come or go meanwhile may be missed or seen; no other is seen twice. */
int bpf_walk_next(struct bpf_walk *w, void *keys, void *values, uint32_t room, uint32_t *ret_count);
