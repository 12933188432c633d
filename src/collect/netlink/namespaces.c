/*
 * namespaces.c: see namespaces.h.
 *
 * The kernel tells the number of a process's network namespace to anybody who asks (RTM_GETNSID by
 * pid: no look into /proc/PID/ns, which debuggers' rights are needed for), but not who is in the
 * namespace with a given number. So as long as there is one of which nothing is known, the
 * processes of /proc are asked for one after the other, NAMESPACES_WALK in a round. Of those that
 * are found in there the oldest says whose it is: the one that a container was begun with, not
 * whoever entered later, and for the host's own namespace, seen from inside of a container, init
 * and not one of the containers that share it. Is the oldest in no container, then there is no
 * name.
 *
 *   places[]   by number: the namespaces that links lead to now, each with its oldest process, and
 *              during a walk the oldest one so far of those that were there when it began
 *
 * Numbers, pids and cgroups are all given away again. Each round therefore asks whether the process
 * is still the one that began then and still in there; if not, the name is gone in the same round,
 * and a walk begins. Which cgroup it is in is read again in the first looks and then with every
 * eighth. That the number itself may belong to another namespace by the time that somebody reads
 * the result is for the reader to see to (reuse.h).
 *
 * A namespace without a process, or with none that can be seen, would be walked for for ever: after
 * each walk in vain it rests for twice as many rounds, up to NAMESPACES_REST_MAX. A new number ends
 * the rest.
 *
 * Pids mean what they mean to this process: where /proc shows another pid namespace's nothing is
 * looked for.
 */
#include "collect/netlink/namespaces.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/mem.h"
#include "collect/census/identity.h"
#include "collect/procfs/scan.h"

#define LOOKS_WHOLE 8 /* at first, and of so many one later */

struct resident {
    uint32_t pid; /* 0: nobody */
    uint64_t start_ticks;
};

struct place {
    int32_t nsid;
    struct resident oldest;
    char container[UNIT_BYTES]; /* that it is in; "": none */
    uint8_t looks;
    bool walked_for;        /* by the walk that runs */
    struct resident so_far; /* the oldest that it has met */
};

struct namespaces {
    namespaces_ask *ask;
    void *user;
    int proc; /* -1: cannot be opened, or counts pids otherwise */
    struct place *places;
    size_t count;
    int32_t *wanted; /* numbers, sorted, each once */
    size_t wanted_count, wanted_room;
    DIR *walk;                /* NULL: none runs */
    uint32_t rest, rest_next; /* rounds */
};

struct namespaces *namespaces_new(const char *proc_root, namespaces_ask *ask, void *user)
{
    struct namespaces *n = mem_alloc(sizeof(*n));
    n->ask = ask;
    n->user = user;
    n->proc = open(proc_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (n->proc >= 0 && !identity_is_own(n->proc)) {
        close(n->proc);
        n->proc = -1;
    }
    n->rest_next = 1;
    return n;
}

void namespaces_free(struct namespaces *n)
{
    if (!n)
        return;
    if (n->walk)
        closedir(n->walk);
    if (n->proc >= 0)
        close(n->proc);
    free(n->places);
    free(n->wanted);
    free(n);
}

static struct place *find_place(const struct namespaces *n, int32_t nsid)
{
    size_t low = 0, high = n->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (n->places[middle].nsid == nsid)
            return &n->places[middle];
        if (n->places[middle].nsid < nsid)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const char *namespaces_container(const struct namespaces *n, int32_t nsid)
{
    const struct place *p = find_place(n, nsid);
    return p && p->oldest.pid && p->container[0] ? p->container : NULL;
}

/* ---- which namespaces ----------------------------------------------------------------------- */

static int compare_nsid(const void *a, const void *b)
{
    const int32_t *one = a, *two = b;
    return (*one > *two) - (*one < *two);
}

static void list_wanted(struct namespaces *n, const struct links *links)
{
    size_t links_total = links_count(links), count = 0;
    if (n->wanted_room < links_total) {
        n->wanted_room = links_total;
        n->wanted = mem_resize(n->wanted, n->wanted_room, sizeof(n->wanted[0]));
    }
    for (size_t i = 0; i < links_total; i++) {
        int32_t nsid = links_far_nsid(links_at(links, i));
        if (nsid >= 0)
            n->wanted[count++] = nsid;
    }
    if (count)
        qsort(n->wanted, count, sizeof(n->wanted[0]), compare_nsid);
    n->wanted_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!i || n->wanted[i] != n->wanted[i - 1])
            n->wanted[n->wanted_count++] = n->wanted[i];
    }
}

/* Places for the wanted and no others; of a dump that may have missed some, those that are known
 * stay, too, and as each has a process of its own they are not more than there are namespaces. */
static void renew_places(struct namespaces *n, bool whole)
{
    struct place *places = mem_array(MAX(n->count + n->wanted_count, (size_t)1), sizeof(*places));
    size_t count = 0, old = 0, wanted = 0;
    while (old < n->count || wanted < n->wanted_count) {
        const struct place *p = old < n->count ? &n->places[old] : NULL;
        bool is_wanted = wanted < n->wanted_count && (!p || n->wanted[wanted] <= p->nsid);
        bool is_old = p && (!is_wanted || n->wanted[wanted] == p->nsid);
        if (is_old && (is_wanted || (!whole && p->oldest.pid)))
            places[count++] = *p;
        else if (is_wanted) {
            places[count++] = (struct place){.nsid = n->wanted[wanted]};
            n->rest = 0;
            n->rest_next = 1;
        }
        old += is_old;
        wanted += is_wanted;
    }
    free(n->places);
    n->places = places;
    n->count = count;
}

/* ---- a process ------------------------------------------------------------------------------ */

/* Is it still the one that began then, and in there? Then, with `look`, the container it is in. 1,
 * 0: no, -errno: the kernel cannot be asked. The start comes last: it says that all that was read
 * before was about this process. */
static int check_resident(struct namespaces *n, struct place *p, struct resident r, bool look)
{
    struct identity identity;
    int32_t nsid;
    char container[UNIT_BYTES];
    int err = n->ask(n->user, r.pid, &nsid);
    if (err)
        return err == -ESRCH ? 0 : err;
    if (nsid != p->nsid || (look && identity_container(n->proc, r.pid, container) < 0) ||
        identity_read(n->proc, r.pid, &identity) < 0 || identity.start_ticks != r.start_ticks)
        return 0;
    if (look)
        memcpy(p->container, container, sizeof(container));
    return 1;
}

/* 0 or -errno. */
static int check_places(struct namespaces *n)
{
    for (size_t i = 0; i < n->count; i++) {
        struct place *p = &n->places[i];
        if (!p->oldest.pid)
            continue;
        p->looks = p->looks + 1 == 2 * LOOKS_WHOLE ? LOOKS_WHOLE : p->looks + 1;
        int is_there = check_resident(n, p, p->oldest, p->looks <= LOOKS_WHOLE);
        if (is_there < 0)
            return is_there;
        if (!is_there) {
            p->oldest = (struct resident){0};
            n->rest = 0;
            n->rest_next = 1;
        }
    }
    return 0;
}

/* ---- a walk --------------------------------------------------------------------------------- */

static bool is_any_unknown(const struct namespaces *n)
{
    for (size_t i = 0; i < n->count; i++) {
        if (!n->places[i].oldest.pid)
            return true;
    }
    return false;
}

static void walk_begin(struct namespaces *n)
{
    int fd = openat(n->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    n->walk = fd >= 0 ? fdopendir(fd) : NULL;
    if (!n->walk && fd >= 0)
        close(fd);
    for (size_t i = 0; i < n->count; i++) {
        n->places[i].walked_for = !n->places[i].oldest.pid;
        n->places[i].so_far = (struct resident){0};
    }
}

/* 0 or -errno. */
static int walk_end(struct namespaces *n)
{
    closedir(TAKE(n->walk));
    bool is_any_new = false; /* since it began */
    for (size_t i = 0; i < n->count; i++) {
        struct place *p = &n->places[i];
        is_any_new |= !p->walked_for && !p->oldest.pid;
        int is_there = p->walked_for && p->so_far.pid ? check_resident(n, p, p->so_far, true) : 0;
        if (is_there < 0)
            return is_there;
        if (is_there) {
            p->oldest = p->so_far;
            p->looks = 0;
        }
        p->walked_for = false;
    }
    n->rest = is_any_new ? 0 : n->rest_next;
    n->rest_next = MIN(2 * n->rest_next, (uint32_t)NAMESPACES_REST_MAX);
    return 0;
}

/* 0 or -errno. */
static int walk_process(struct namespaces *n, uint32_t pid)
{
    struct identity identity;
    int32_t nsid;
    int err = n->ask(n->user, pid, &nsid);
    if (err)
        return err == -ESRCH ? 0 : err;
    struct place *p = find_place(n, nsid);
    if (!p || !p->walked_for || identity_read(n->proc, pid, &identity) < 0)
        return 0;
    if (!p->so_far.pid || identity.start_ticks < p->so_far.start_ticks)
        p->so_far = (struct resident){pid, identity.start_ticks};
    return 0;
}

/* 0 or -errno. */
static int walk_on(struct namespaces *n)
{
    int err = 0;
    for (size_t asked = 0; !err && asked < NAMESPACES_WALK;) {
        struct dirent *entry = readdir(n->walk);
        if (!entry)
            return walk_end(n);
        struct scan name = scan_text(entry->d_name, strlen(entry->d_name));
        uint64_t pid;
        if (!scan_u64(&name, &pid) || !pid || pid > INT32_MAX)
            continue;
        err = walk_process(n, (uint32_t)pid);
        asked++;
    }
    return err;
}

/* ---- a round -------------------------------------------------------------------------------- */

/* What could not be checked is not known. */
static void forget_all(struct namespaces *n)
{
    if (n->walk)
        closedir(TAKE(n->walk));
    n->count = 0;
}

int namespaces_round(struct namespaces *n, const struct links *links, bool whole)
{
    list_wanted(n, links);
    if ((!n->wanted_count && !n->count) || n->proc < 0)
        return 0;
    renew_places(n, whole);
    if (!n->count && n->walk)
        closedir(TAKE(n->walk));
    int err = check_places(n);
    if (!err && !n->walk && is_any_unknown(n)) {
        if (n->rest)
            n->rest--;
        else
            walk_begin(n);
    }
    if (!err && n->walk)
        err = walk_on(n);
    if (err)
        forget_all(n);
    return err;
}
