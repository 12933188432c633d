/*
 * bpf.c: from the bytes of the compiled object to descriptors, with libbpf.
 *
 * One object holds all programs, because they share their maps. It is opened, the programs of the
 * wanted parts are chosen, loaded (the kernel checks them and puts the places of its own fields
 * in) and attached. When the kernel refuses the set, each part is tried alone in an object of its
 * own that is closed again, and what passed is loaded together: so one program that a kernel does
 * not know costs its own part and no other, and the reason is that part's.
 *
 * What is kept are descriptors: maps, and a link for each attached program, which detaches it when
 * the last descriptor of it is closed. Main holds them all. The keeper keeps none, so its end
 * changes nothing about what was loaded.
 */
#include "keeper/bpf.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/defs.h"
#include "keeper/keeper.h"

#define LINKS_MAX (KEEPER_FDS_MAX - BPF_MAPS)
#define INITIAL_PID_NAMESPACE 0xEFFFFFFC /* PROC_PID_INIT_INO, include/linux/proc_ns.h */
#define COOKIE_HELPER_KERNEL 0x50c00     /* 5.12: bpf_get_socket_cookie in tracing programs */

#define FOR_TRAFFIC BPF_PART_BIT(BPF_PART_TRAFFIC)
#define FOR_PORTABLE BPF_PART_BIT(BPF_PART_TRAFFIC_PORTABLE)

static const struct {
    const char *name;
    uint32_t parts; /* that need it */
    bool cgroup;    /* attached to the root of cgroup2 */
} programs[] = {
    {"traffic_send", FOR_TRAFFIC, false},
    {"traffic_receive", FOR_TRAFFIC, false},
    {"process_exit", FOR_TRAFFIC | FOR_PORTABLE, false},
    {"process_rename", FOR_TRAFFIC | FOR_PORTABLE, false},
    {"portable_socket", FOR_PORTABLE, true},
    {"portable_out", FOR_PORTABLE, true},
    {"portable_in", FOR_PORTABLE, true},
    {"connection_state", BPF_PART_BIT(BPF_PART_CONNECTIONS) | FOR_PORTABLE, false},
    {"segment_resent", BPF_PART_BIT(BPF_PART_RETRANSMITS), false},
    {"drop_counted", BPF_PART_BIT(BPF_PART_DROPS), false},
    {"packet_sent", BPF_PART_BIT(BPF_PART_DNS), false},
    {"packet_received", BPF_PART_BIT(BPF_PART_DNS), false},
};

static const char *const map_names[BPF_MAPS] = {
    [BPF_MAP_PROCESSES] = "processes", [BPF_MAP_COUNTERS] = "counters",
    [BPF_MAP_RING] = "ring",           [BPF_MAP_DROPS] = "drops",
    [BPF_MAP_REASONS] = "reasons",     [BPF_MAP_DROP_PORTS] = "drop_ports",
};

/* libbpf's own words go nowhere: the answer has the reasons. */
static int say_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
    (void)level;
    (void)format;
    (void)args;
    return 0;
}

static uint32_t kernel_version(void)
{
    struct utsname name;
    char *dot;
    if (uname(&name) < 0)
        return 0;
    uint32_t major = (uint32_t)strtoul(name.release, &dot, 10);
    return *dot == '.' ? major << 16 | ((uint32_t)strtoul(dot + 1, NULL, 10) & 0xff) << 8 : 0;
}

/* The inode of the PID namespace that this process, and so main, is in; 0 for the initial one. */
static uint32_t pid_namespace(void)
{
    struct stat own;
    if (stat("/proc/self/ns/pid", &own) < 0 || own.st_ino == INITIAL_PID_NAMESPACE)
        return 0;
    return (uint32_t)own.st_ino;
}

/* The constants that the programs are specialized by. */
static int object_configure(struct bpf_object *object, uint32_t parts)
{
    const struct bpf_constants constants = {
        .cookie_helper = kernel_version() >= COOKIE_HELPER_KERNEL,
        .follow_sockets = (parts & BPF_PART_BIT(BPF_PART_CONNECTIONS)) != 0,
        .portable = (parts & FOR_PORTABLE) != 0,
        .pid_namespace = pid_namespace(),
    };
    struct bpf_map *map;
    bpf_object__for_each_map(map, object)
    {
        if (strstr(bpf_map__name(map), ".rodata"))
            return bpf_map__set_initial_value(map, &constants, sizeof(constants));
    }
    return -ENOENT;
}

/* Opened and loaded, or NULL with errno. */
static struct bpf_object *object_load(uint32_t parts)
{
    LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "netsonde");
    struct bpf_object *object = bpf_object__open_mem(bpf_image, bpf_image_size, &options);
    if (!object)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
        struct bpf_program *p = bpf_object__find_program_by_name(object, programs[i].name);
        if (p)
            bpf_program__set_autoload(p, (programs[i].parts & parts) != 0);
    }
    int err = object_configure(object, parts);
    if (!err)
        err = bpf_object__load(object);
    if (err) {
        bpf_object__close(object);
        errno = -err;
        return NULL;
    }
    return object;
}

/* ---- attaching ------------------------------------------------------------------------------- */

/* The root of cgroup2: the first mount of it. A descriptor or -errno. */
static int open_cgroup(void)
{
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    char line[4096], path[1024] = "";
    if (!mounts)
        return -errno;
    while (!*path && fgets(line, sizeof(line), mounts)) {
        /* proc(5): ID PARENT MAJOR:MINOR ROOT MOUNTPOINT OPTIONS … - TYPE SOURCE OPTIONS */
        const char *type = strstr(line, " - ");
        if (type && strncmp(type + 3, "cgroup2 ", 8) == 0 &&
            sscanf(line, "%*s %*s %*s %*s %1023s", path) != 1)
            *path = '\0';
    }
    fclose(mounts);
    if (!*path)
        return -ENOENT;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* A descriptor of the caller's that keeps it attached, or -errno. */
static int program_attach(const struct bpf_program *program, bool cgroup, int cgroup_fd)
{
    if (cgroup && cgroup_fd < 0)
        return cgroup_fd;
    struct bpf_link *link =
        cgroup ? bpf_program__attach_cgroup(program, cgroup_fd) : bpf_program__attach(program);
    if (!link)
        return -errno;
    int fd = fcntl(bpf_link__fd(link), F_DUPFD_CLOEXEC, 0), err = -errno;
    bpf_link__destroy(link);
    return fd < 0 ? err : fd;
}

/* Attaches all programs of the part. A part that is attached by half is none. */
static int part_attach(struct bpf_object *object, unsigned part, int cgroup_fd,
                       int attached[ARRAY_LEN(programs)])
{
    for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
        if (!(programs[i].parts & BPF_PART_BIT(part)) || attached[i] >= 0)
            continue;
        const struct bpf_program *p = bpf_object__find_program_by_name(object, programs[i].name);
        if (!p)
            return -ENOENT;
        attached[i] = program_attach(p, programs[i].cgroup, cgroup_fd);
        if (attached[i] < 0)
            return attached[i];
    }
    return 0;
}

/* Closes what no part that is in force needs. */
static void links_prune(uint32_t parts, int attached[ARRAY_LEN(programs)])
{
    for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
        if (attached[i] >= 0 && !(programs[i].parts & parts)) {
            close(attached[i]);
            attached[i] = -1;
        }
    }
}

/* ---- names of drop reasons ------------------------------------------------------------------- */

/* The numbers are the running kernel's own business; its BTF has the names. */
static void write_reasons(const struct bpf_object *object)
{
    const struct bpf_map *map = bpf_object__find_map_by_name(object, "reasons");
    struct btf *kernel = btf__load_vmlinux_btf();
    int id = kernel ? btf__find_by_name_kind(kernel, "skb_drop_reason", BTF_KIND_ENUM) : -1;
    if (map && id > 0) {
        const struct btf_type *type = btf__type_by_id(kernel, (uint32_t)id);
        const struct btf_enum *value = btf_enum(type);
        for (unsigned i = 0; i < btf_vlen(type); i++, value++) {
            char name[BPF_REASON_NAME_MAX] = "";
            uint32_t number = (uint32_t)value->val;
            const char *text = btf__name_by_offset(kernel, value->name_off);
            if (!text || number >= BPF_REASONS_MAX)
                continue;
            snprintf(name, sizeof(name), "%s", text);
            bpf_map__update_elem(map, &number, sizeof(number), name, sizeof(name), BPF_ANY);
        }
    }
    btf__free(kernel);
}

/* ---- all together ---------------------------------------------------------------------------- */

/* The parts that pass the kernel's check, each for itself; why the others do not. */
static uint32_t parts_that_load(uint32_t parts, struct keeper_bpf *ret)
{
    uint32_t good = 0;
    for (unsigned part = 0; part < BPF_PARTS; part++) {
        if (!(parts & BPF_PART_BIT(part)))
            continue;
        struct bpf_object *object = object_load(BPF_PART_BIT(part));
        if (!object) {
            ret->error[part] = -errno;
            continue;
        }
        bpf_object__close(object);
        good |= BPF_PART_BIT(part);
    }
    return good;
}

/* The maps' descriptors, then the links'. */
static int hand_over(const struct bpf_object *object, const int attached[ARRAY_LEN(programs)],
                     struct keeper_bpf *ret, int fds[KEEPER_FDS_MAX])
{
    uint32_t count = 0;
    for (unsigned i = 0; i < BPF_MAPS; i++) {
        int map = bpf_object__find_map_fd_by_name(object, map_names[i]);
        int fd = map < 0 ? -1 : fcntl(map, F_DUPFD_CLOEXEC, 0);
        if (fd < 0) {
            int err = map < 0 ? map : -errno;
            while (count > 0)
                close(fds[--count]);
            return err;
        }
        fds[count++] = fd;
    }
    for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
        if (attached[i] >= 0)
            fds[count++] = attached[i];
    }
    ret->fds = count;
    return 0;
}

_Static_assert(ARRAY_LEN(programs) <= LINKS_MAX, "an answer has no room for all of them");

int bpf_load(uint32_t parts, struct keeper_bpf *ret, int fds[KEEPER_FDS_MAX])
{
    int attached[ARRAY_LEN(programs)], err = 0;
    *ret = (struct keeper_bpf){0};
    for (size_t i = 0; i < ARRAY_LEN(programs); i++)
        attached[i] = -1;
    libbpf_set_print(say_nothing);

    struct bpf_object *object = object_load(parts);
    if (!object) {
        parts = parts_that_load(parts, ret);
        object = parts ? object_load(parts) : NULL;
    }
    if (!object)
        return errno ? -errno : -EINVAL;
    int cgroup_fd = open_cgroup();
    for (unsigned part = 0; part < BPF_PARTS; part++) {
        if (!(parts & BPF_PART_BIT(part)))
            continue;
        err = part_attach(object, part, cgroup_fd, attached);
        ret->error[part] = err;
        if (!err)
            ret->parts |= BPF_PART_BIT(part);
    }
    links_prune(ret->parts, attached);
    if (ret->parts & BPF_PART_BIT(BPF_PART_DROPS))
        write_reasons(object);
    if (ret->parts)
        err = hand_over(object, attached, ret, fds);
    if (err && !ret->fds)
        links_prune(0, attached);
    if (cgroup_fd >= 0)
        close(cgroup_fd);
    bpf_object__close(object);
    malloc_trim(0); /* the kernel's BTF is some megabytes */
    return ret->fds ? 0 : err;
}

bool keeper_has_programs(void)
{
    return true;
}
