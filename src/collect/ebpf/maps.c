/* maps.c: see maps.h. The system call itself, because libbpf would be the only other thing that
 * main needed of it; the sandbox allows these commands and no other. */
#include "collect/ebpf/maps.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int call(enum bpf_cmd command, union bpf_attr *attr)
{
    return syscall(SYS_bpf, command, attr, sizeof(*attr)) < 0 ? -errno : 0;
}

static uint64_t address(const void *p)
{
    return (uint64_t)(uintptr_t)p;
}

int bpf_map_look_up(int map, const void *key, void *value)
{
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.map_fd = (uint32_t)map;
    attr.key = address(key);
    attr.value = address(value);
    return call(BPF_MAP_LOOKUP_ELEM, &attr);
}

int bpf_map_delete(int map, const void *key)
{
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.map_fd = (uint32_t)map;
    attr.key = address(key);
    return call(BPF_MAP_DELETE_ELEM, &attr);
}

int bpf_walk_next(struct bpf_walk *w, void *keys, void *values, uint32_t room, uint32_t *ret_count)
{
    *ret_count = 0;
    if (w->done)
        return 0;
    uint32_t next = 0;
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.batch.map_fd = (uint32_t)w->map;
    attr.batch.in_batch = w->begun ? address(&w->at) : 0;
    attr.batch.out_batch = address(&next);
    attr.batch.keys = address(keys);
    attr.batch.values = address(values);
    attr.batch.count = room;
    int err = call(BPF_MAP_LOOKUP_BATCH, &attr);
    if (err && err != -ENOENT) /* that is the end of the map */
        return err;
    w->done = err == -ENOENT;
    w->begun = true;
    w->at = next;
    *ret_count = attr.batch.count < room ? attr.batch.count : room;
    return 0;
}
