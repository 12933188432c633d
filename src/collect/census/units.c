/*
 * units.c: see units.h.
 *
 * Names in the paths are those that systemd (systemd.unit(5), its "Control Group APIs and
 * Delegation" page) and the container engines give their cgroups. Everybody with a delegated
 * subtree may make directories of any name: what does not look like one of the forms is passed
 * over, and what is taken is made fit to be shown.
 *
 * By number: since Linux 5.5 a cgroup's id is the inode of its directory on cgroup2. The mount is
 * found in mountinfo (on hybrid hosts it lies beside the older hierarchies). What was learned or
 * found on a walk is kept in a ring of UNITS_KEPT; the walk is bounded in directories and depth.
 */
#include "collect/census/units.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/lookup.h"
#include "base/mem.h"
#include "collect/census/names.h"
#include "collect/procfs/source.h"

#define CONTAINER_ID_BYTES 64
#define CONTAINER_SHORT_BYTES 12
#define UNITS_KEPT 2048
#define WALK_DIRECTORIES 16384
#define WALK_DEPTH 16

/* ---- a component of the path --------------------------------------------------------------- */

struct part {
    const char *at;
    size_t len;
};

static bool part_ends(struct part p, const char *end)
{
    size_t len = strlen(end);
    return p.len > len && memcmp(p.at + p.len - len, end, len) == 0;
}

static bool part_begins(struct part p, const char *begin)
{
    size_t len = strlen(begin);
    return p.len >= len && memcmp(p.at, begin, len) == 0;
}

static bool part_is(struct part p, const char *text)
{
    return p.len == strlen(text) && memcmp(p.at, text, p.len) == 0;
}

static bool is_container_id(const char *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!(at[i] >= '0' && at[i] <= '9') && !(at[i] >= 'a' && at[i] <= 'f'))
            return false;
    }
    return len == CONTAINER_ID_BYTES;
}

static void name_container(char out[UNIT_BYTES], struct part engine, const char *id, size_t id_len)
{
    static const struct {
        const char *prefix, *name;
    } engines[] = {{"cri-containerd", "containerd"}, {"crio", "cri-o"}, {"libpod", "podman"}};
    char name[32], shown[UNIT_BYTES / 2];
    name_tame(name, sizeof(name), engine.at, engine.len);
    for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
        if (part_is(engine, engines[i].prefix))
            snprintf(name, sizeof(name), "%s", engines[i].name);
    }
    name_tame(shown, sizeof(shown), id, id_len);
    snprintf(out, UNIT_BYTES, "%s:%s", name, shown);
}

/* Is it a container's? `parent` is the component before it. */
static bool read_container(struct part p, struct part parent, char out[UNIT_BYTES])
{
    static const struct part plain = {"container", sizeof("container") - 1};
    struct part rest = p;
    if (part_ends(rest, ".scope"))
        rest.len -= strlen(".scope");
    if (part_begins(p, "lxc.payload.") && p.len > strlen("lxc.payload.")) {
        size_t skip = strlen("lxc.payload.");
        name_container(out, (struct part){"lxc", 3}, p.at + skip, p.len - skip);
        return true;
    }
    if (part_is(parent, "lxc") || part_is(parent, "lxc.payload")) {
        name_container(out, (struct part){"lxc", 3}, p.at, p.len);
        return true;
    }
    if (rest.len < CONTAINER_ID_BYTES)
        return false;
    const char *id = rest.at + rest.len - CONTAINER_ID_BYTES;
    if (!is_container_id(id, CONTAINER_ID_BYTES))
        return false;
    size_t before = rest.len - CONTAINER_ID_BYTES;
    struct part engine = {rest.at, before ? before - 1 : 0};
    if (before == 0) {
        bool named = part_is(parent, "docker");
        engine = named ? parent : plain;
    } else if (before == 1 || (id[-1] != '-' && id[-1] != ':')) {
        return false;
    }
    /* "kubepods-pod1.slice:cri-containerd:<id>" */
    const char *colon = memrchr(engine.at, ':', engine.len);
    if (colon)
        engine = (struct part){colon + 1, (size_t)(engine.at + engine.len - colon - 1)};
    if (!engine.len)
        engine = plain;
    name_container(out, engine, id, CONTAINER_SHORT_BYTES);
    return true;
}

enum unit_kind unit_of_path(const char *path, size_t len, char out[UNIT_BYTES])
{
    static const char *const kinds[] = {".service", ".scope", ".socket", ".mount", ".swap"};
    static const char deleted[] = " (deleted)"; /* the kernel's word for a cgroup that is gone */
    enum unit_kind best = UNIT_NONE;
    size_t deleted_len = sizeof(deleted) - 1;
    if (len >= deleted_len && memcmp(path + len - deleted_len, deleted, deleted_len) == 0)
        len -= deleted_len;
    out[0] = '\0';
    struct part parent = {"", 0};
    for (const char *at = path, *end = path + len; at < end;) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        struct part p = {at, slash ? (size_t)(slash - at) : (size_t)(end - at)};
        at += p.len + 1;
        if (p.len > 1 && p.at[0] == '_') /* systemd's escape for names that the kernel reserves */
            p = (struct part){p.at + 1, p.len - 1};
        if (!p.len)
            continue;
        bool unit = false;
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
            unit |= part_ends(p, kinds[i]);
        if (read_container(p, parent, out)) {
            best = UNIT_CONTAINER;
        } else if ((unit && best <= UNIT_OF_SYSTEMD) ||
                   (part_ends(p, ".slice") && best <= UNIT_SLICE)) {
            name_tame(out, UNIT_BYTES, p.at, p.len);
            best = unit ? UNIT_OF_SYSTEMD : UNIT_SLICE;
        }
        parent = p;
    }
    return best;
}

enum unit_kind unit_of_cgroups(const char *text, size_t len, char out[UNIT_BYTES])
{
    /* "0::/path" or "12:cpu,cpuacct:/path"; a path may contain colons. */
    struct part unified = {"", 0}, systemd = {"", 0}, other = {"", 0};
    struct scan all = scan_text(text, len), line;
    while (scan_line(&all, &line)) {
        const char *first = memchr(line.at, ':', scan_len(&line));
        const char *second = first ? memchr(first + 1, ':', (size_t)(line.end - first - 1)) : NULL;
        if (!second)
            continue;
        struct part path = {second + 1, (size_t)(line.end - second - 1)};
        struct part controllers = {first + 1, (size_t)(second - first - 1)};
        if (!controllers.len)
            unified = path;
        else if (part_is(controllers, "name=systemd"))
            systemd = path;
        else if (path.len > other.len)
            other = path;
    }
    const struct part tried[] = {unified, systemd, other};
    enum unit_kind kind = UNIT_NONE;
    out[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(tried) && !out[0]; i++)
        kind = unit_of_path(tried[i].at, tried[i].len, out);
    return kind;
}

/* ---- by number ----------------------------------------------------------------------------- */

struct unit {
    uint64_t id; /* 0: free */
    char *name;
};

struct units {
    const char *proc_root;
    uint64_t seed;
    struct lookup by_id;
    struct unit *ring;
    uint32_t next; /* place to be used next */
    int64_t walked_ms;
    bool walked;
    size_t budget; /* directories that the walk may still read */
};

struct units *units_new(const char *proc_root)
{
    struct units *u = mem_alloc(sizeof(*u));
    u->proc_root = proc_root;
    u->seed = lookup_seed();
    return u;
}

void units_free(struct units *u)
{
    if (!u)
        return;
    for (size_t i = 0; u->ring && i < UNITS_KEPT; i++)
        free(u->ring[i].name);
    free(u->ring);
    lookup_fini(&u->by_id);
    free(u);
}

static uint32_t units_hash(const struct units *u, uint64_t id)
{
    return lookup_hash(lookup_mix(u->seed, id));
}

static struct unit *units_get(const struct units *u, uint64_t id)
{
    struct lookup_walk walk = lookup_walk(&u->by_id, units_hash(u, id));
    for (uint32_t n; lookup_next(&walk, &n);) {
        if (u->ring[n].id == id)
            return &u->ring[n];
    }
    return NULL;
}

void units_learn(struct units *u, uint64_t cgroup_id, const char *unit)
{
    struct unit *known = cgroup_id ? units_get(u, cgroup_id) : NULL;
    if (!cgroup_id || (known && strcmp(known->name, unit) == 0))
        return;
    if (known) { /* the number may have been given away again */
        free(known->name);
        known->name = mem_string(unit);
        return;
    }
    if (!u->ring)
        u->ring = mem_array(UNITS_KEPT, sizeof(*u->ring));
    struct unit *place = &u->ring[u->next];
    if (place->id)
        lookup_remove(&u->by_id, units_hash(u, place->id), u->next);
    free(place->name);
    *place = (struct unit){0};
    if (!lookup_add(&u->by_id, units_hash(u, cgroup_id), u->next))
        return;
    *place = (struct unit){cgroup_id, mem_string(unit)};
    u->next = (u->next + 1) % UNITS_KEPT;
}

/* Where cgroup2 is mounted; false: nowhere. "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:9 -
 * cgroup2 cgroup2 rw" (proc_pid_mountinfo(5)); blanks in the path are written \040. */
static bool find_mount(const char *proc_root, char *out, size_t size)
{
    struct source source;
    struct scan text, line, word, path;
    bool found = false;
    source_init(&source, proc_root, "self/mountinfo");
    int err = source_read(&source, &text);
    while (!err && !found && scan_line(&text, &line)) {
        bool whole = true;
        for (int i = 0; i < 4; i++)
            whole = whole && scan_word(&line, &word);
        whole = whole && scan_word(&line, &path);
        while (whole && (whole = scan_word(&line, &word)) && !scan_is(&word, "-", 1))
            ;
        found = whole && scan_word(&line, &word) && scan_is(&word, "cgroup2", 7) &&
                scan_len(&path) < size && !memchr(path.at, '\\', scan_len(&path));
        if (found) {
            memcpy(out, path.at, scan_len(&path));
            out[scan_len(&path)] = '\0';
        }
    }
    source_fini(&source);
    return found;
}

/* Every directory below, with its path for unit_of_path; WALK_DEPTH at most. Takes fd. */
// NOLINTNEXTLINE(misc-no-recursion)
static void units_walk(struct units *u, int fd, struct part path, int depth)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return;
    }
    for (struct dirent *entry; u->budget && (entry = readdir(dir));) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        u->budget--;
        char *below = mem_printf("%.*s/%s", (int)path.len, path.at, entry->d_name);
        char unit[UNIT_BYTES];
        unit_of_path(below, strlen(below), unit);
        if (unit[0])
            units_learn(u, entry->d_ino, unit);
        int child = depth < WALK_DEPTH ? openat(dirfd(dir), entry->d_name,
                                                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                                       : -1;
        if (child >= 0)
            units_walk(u, child, (struct part){below, strlen(below)}, depth + 1);
        free(below);
    }
    closedir(dir);
}

const char *units_find(struct units *u, uint64_t cgroup_id, int64_t now_ms)
{
    struct unit *known = cgroup_id ? units_get(u, cgroup_id) : NULL;
    bool due = !u->walked || now_ms - u->walked_ms >= UNITS_WALK_MS || now_ms < u->walked_ms;
    if (!known && cgroup_id && due) {
        char mount[512];
        u->walked = true;
        u->walked_ms = now_ms;
        u->budget = WALK_DIRECTORIES;
        int fd = find_mount(u->proc_root, mount, sizeof(mount))
                     ? open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                     : -1;
        if (fd >= 0)
            units_walk(u, fd, (struct part){"", 0}, 0);
        known = units_get(u, cgroup_id);
    }
    return known ? known->name : "";
}
