/*
 * units.h: what a control group stands for: a systemd unit or a container. Survey thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define UNIT_BYTES 128

enum unit_kind { UNIT_NONE, UNIT_SLICE, UNIT_OF_SYSTEMD, UNIT_CONTAINER };

/*
 * The path of a cgroup below its mount: "/system.slice/nginx.service" is "nginx.service",
 * "/system.slice/docker-<64 digits>.scope" is "docker:<first 12>"; podman, containerd, cri-o,
 * plain ids below docker/ or a pod, and lxc alike. The innermost container counts, else the
 * innermost service or scope, else the innermost slice, else "".
 */
enum unit_kind unit_of_path(const char *path, size_t len, char out[UNIT_BYTES]);

/* The text of /proc/PID/cgroup: the unified hierarchy, on hosts that use the older ones beside it
 * systemd's. */
enum unit_kind unit_of_cgroups(const char *text, size_t len, char out[UNIT_BYTES]);

/* ---- cgroups by number, also of processes that have ended already ---------------------------- */

struct units;

struct units *units_new(const char *proc_root); /* borrowed */
void units_free(struct units *u);               /* NULL allowed */

/* A process that lives said so. */
void units_learn(struct units *u, uint64_t cgroup_id, const char *unit);

/* By cgroup id (the inode of the directory), from what was learned or by walking the cgroups, which
 * is done once in UNITS_WALK_MS at most. "" when it is not to be found. Borrowed until the next
 * call. */
const char *units_find(struct units *u, uint64_t cgroup_id, int64_t now_ms);

#define UNITS_WALK_MS 5000
