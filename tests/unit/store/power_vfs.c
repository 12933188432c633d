/* power_vfs.c: see power_vfs.h. */
#include "power_vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"

#define SECTOR 512
#define FILES_MAX 16
#define KINDS 7

struct change {
    int64_t offset; /* of a write; the new length of a truncation */
    size_t len;
    char *data; /* NULL: a truncation */
};

struct disk_file {
    char *path;
    ino_t inode;
    bool named;       /* its name is on the platter */
    bool syncs_names; /* its first sync puts it there, and all others of the directory */
    struct buf synced;
    struct change *changes; /* since then */
    size_t count, capacity;
    bool has_ghost; /* a file of that name was removed, perhaps not on the platter */
    struct buf ghost;
};

struct handle {
    sqlite3_file base;
    struct disk_file *disk; /* NULL: none of ours */
    sqlite3_file *inner;
};

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *inner;
    bool installed, record, off;
    char *dir;
    struct disk_file files[FILES_MAX];
    size_t files_count;
    uint64_t calls[KINDS], changes, cut_at;
    struct power_fault fault;
    uint64_t fault_seen, failed;
    uint64_t random;
} disk;

/* ---- what is on the platter ----------------------------------------------------------------- */

static uint64_t draw(uint64_t below)
{
    disk.random ^= disk.random << 13;
    disk.random ^= disk.random >> 7;
    disk.random ^= disk.random << 17;
    return (disk.random >> 11) % below;
}

static void file_clear_changes(struct disk_file *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->changes[i].data);
    f->count = 0;
}

static void buf_set_length(struct buf *b, size_t len)
{
    if (len > b->len) {
        char *room = buf_reserve(b, len - b->len);
        CHECK(room);
        memset(room, 0, len - b->len);
    }
    b->len = len;
}

static void read_whole(const char *path, struct buf *ret)
{
    struct stat st;
    buf_clear(ret);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    CHECK(fstat(fd, &st) == 0);
    buf_set_length(ret, (size_t)st.st_size);
    CHECK(pread(fd, ret->data, ret->len, 0) == (ssize_t)ret->len);
    close(fd);
}

static void apply(struct buf *to, const struct change *c)
{
    if (!c->data) {
        buf_set_length(to, (size_t)c->offset);
        return;
    }
    size_t end = (size_t)c->offset + c->len;
    if (end > to->len)
        buf_set_length(to, end);
    memcpy(to->data + c->offset, c->data, c->len);
}

static void file_sync(struct disk_file *f)
{
    for (size_t i = 0; i < f->count; i++)
        apply(&f->synced, &f->changes[i]);
    file_clear_changes(f);
    for (size_t i = 0; f->syncs_names && i < disk.files_count; i++) {
        struct disk_file *other = &disk.files[i];
        other->named = access(other->path, F_OK) == 0;
        other->has_ghost = false;
    }
    f->syncs_names = false;
}

static size_t length_after(const struct disk_file *f, size_t changes)
{
    size_t len = f->synced.len;
    for (size_t i = 0; i < changes; i++) {
        const struct change *c = &f->changes[i];
        len = c->data ? MAX(len, (size_t)c->offset + c->len) : (size_t)c->offset;
    }
    return len;
}

/* A file is cut off in one step, as its file system's journal has it: of what is cut off either no
 * sector has seen that and what was written there later, or each has. Zeros in the middle of what
 * was there before are not among the things that a disk can leave. */
static void keep_cuts_whole(const struct disk_file *f, size_t *seen, size_t sectors, size_t lengths)
{
    for (size_t i = 0; i < f->count; i++) {
        size_t first = f->changes[i].data ? sectors : (size_t)f->changes[i].offset / SECTOR;
        for (size_t s = first; s < sectors; s++)
            seen[s] = lengths > i ? MAX(seen[s], i + 1) : MIN(seen[s], i);
    }
}

/* How many of the changes each sector has seen. */
static void choose_states(const struct disk_file *f, size_t *seen, size_t sectors,
                          size_t *ret_length_seen)
{
    size_t n = f->count, upto = draw(n + 1);
    uint64_t mode = draw(4);
    for (size_t s = 0; s < sectors; s++) {
        if (mode == 0)
            seen[s] = 0;
        else if (mode == 1)
            seen[s] = n;
        else if (mode == 2) /* in order, and the last of them torn */
            seen[s] = MIN(upto + draw(2), n);
        else
            seen[s] = draw(n + 1);
    }
    *ret_length_seen = mode == 0 ? 0 : mode == 1 ? n : mode == 2 ? upto : draw(n + 1);
    keep_cuts_whole(f, seen, sectors, *ret_length_seen);
}

static void apply_torn(struct buf *to, const struct change *c, size_t number, const size_t *seen)
{
    size_t from = (size_t)c->offset, end = c->data ? from + c->len : to->len;
    for (size_t at = from; at < end;) {
        size_t next = MIN((at / SECTOR + 1) * SECTOR, end);
        if (seen[at / SECTOR] > number) {
            if (c->data)
                memcpy(to->data + at, c->data + (at - from), next - at);
            else
                memset(to->data + at, 0, next - at);
        }
        at = next;
    }
}

static void file_survive(const struct disk_file *f, struct buf *ret)
{
    size_t most = f->synced.len, length_seen;
    for (size_t i = 0; i <= f->count; i++)
        most = MAX(most, length_after(f, i));
    buf_clear(ret);
    buf_append(ret, f->synced.data, f->synced.len);
    buf_set_length(ret, most);
    size_t sectors = most / SECTOR + 1;
    size_t *seen CLEANUP(mem_freep) = mem_array(sectors, sizeof(*seen));
    choose_states(f, seen, sectors, &length_seen);
    for (size_t i = 0; i < f->count; i++)
        apply_torn(ret, &f->changes[i], i, seen);
    ret->len = length_after(f, length_seen);
}

static struct disk_file *file_find(const char *path)
{
    for (size_t i = 0; i < disk.files_count; i++) {
        if (strcmp(disk.files[i].path, path) == 0)
            return &disk.files[i];
    }
    return NULL;
}

/* One of ours that has this name now; whoever renamed it has seen to it that this lasts. */
static struct disk_file *file_find_renamed(const char *path)
{
    struct stat st;
    for (size_t i = 0; i < disk.files_count && stat(path, &st) == 0; i++) {
        struct disk_file *f = &disk.files[i];
        if (f->inode != st.st_ino || access(f->path, F_OK) == 0)
            continue;
        free(f->path);
        f->path = mem_string(path);
        f->named = true;
        return f;
    }
    return NULL;
}

static struct disk_file *file_track(const char *path)
{
    if (!path || !disk.record || strncmp(path, disk.dir, strlen(disk.dir)) != 0)
        return NULL;
    struct disk_file *f = file_find(path);
    if (!f)
        f = file_find_renamed(path);
    if (f)
        return f;
    CHECK(disk.files_count < FILES_MAX);
    f = &disk.files[disk.files_count++];
    *f = (struct disk_file){.path = mem_string(path), .named = access(path, F_OK) == 0};
    read_whole(path, &f->synced);
    return f;
}

static void file_change(struct disk_file *f, int64_t offset, const void *data, size_t len)
{
    if (!f)
        return;
    if (f->count == f->capacity) {
        f->capacity = MAX(f->capacity * 2, (size_t)64);
        f->changes = mem_resize(f->changes, f->capacity, sizeof(*f->changes));
    }
    struct change *c = &f->changes[f->count++];
    *c = (struct change){.offset = offset, .len = len};
    if (data) {
        c->data = mem_array(MAX(len, (size_t)1), 1);
        memcpy(c->data, data, len);
    }
}

static void file_removed(struct disk_file *f, bool synced)
{
    if (!f)
        return;
    if (f->named && !synced) { /* it may come back */
        file_survive(f, &f->ghost);
        f->has_ghost = true;
    } else if (synced) {
        f->has_ghost = false;
    }
    file_clear_changes(f);
    buf_clear(&f->synced);
    f->named = false;
}

/* ---- which calls fail ----------------------------------------------------------------------- */

static int code_of(enum power_call call)
{
    switch (call) {
    case POWER_READ:
        return SQLITE_IOERR_READ;
    case POWER_WRITE:
        return disk.fault.error == ENOSPC && !disk.off ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    case POWER_SYNC:
        return SQLITE_IOERR_FSYNC;
    case POWER_TRUNCATE:
        return SQLITE_IOERR_TRUNCATE;
    case POWER_DELETE:
        return SQLITE_IOERR_DELETE;
    case POWER_OPEN:
        return SQLITE_CANTOPEN;
    default:
        return SQLITE_IOERR_SHMMAP;
    }
}

static bool fault_due(enum power_call call)
{
    if (!(disk.fault.calls & call))
        return false;
    uint64_t number = ++disk.fault_seen;
    return number >= disk.fault.nth && number < disk.fault.nth + disk.fault.count;
}

/* SQLITE_OK: the call may go on. */
static int gate(enum power_call call)
{
    disk.calls[__builtin_ctz(call)]++;
    if (call & POWER_CHANGES) {
        disk.changes++;
        disk.off = disk.off || (disk.cut_at && disk.changes >= disk.cut_at);
    }
    if (disk.off && call != POWER_READ && call != POWER_SHM) {
        errno = EIO;
        return code_of(call);
    }
    if (!fault_due(call))
        return SQLITE_OK;
    disk.failed++;
    errno = disk.fault.error;
    return code_of(call);
}

/* ---- SQLite's side -------------------------------------------------------------------------- */

static sqlite3_file *inner(sqlite3_file *file)
{
    return ((struct handle *)(void *)file)->inner;
}

static struct disk_file *tracked(sqlite3_file *file)
{
    return ((struct handle *)(void *)file)->disk;
}

static int on_close(sqlite3_file *file)
{
    return inner(file)->pMethods->xClose(inner(file));
}

static int on_read(sqlite3_file *file, void *data, int len, sqlite3_int64 offset)
{
    int rc = gate(POWER_READ);
    return rc ? rc : inner(file)->pMethods->xRead(inner(file), data, len, offset);
}

static int on_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
    int rc = gate(POWER_WRITE);
    if (rc && !(disk.fault.partial && !disk.off))
        return rc;
    int part = rc ? len / 3 : len, reason = errno;
    int inner_rc = inner(file)->pMethods->xWrite(inner(file), data, part, offset);
    if (inner_rc == SQLITE_OK)
        file_change(tracked(file), offset, data, (size_t)part);
    if (rc)
        errno = reason;
    return rc ? rc : inner_rc;
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = gate(POWER_TRUNCATE);
    if (!rc)
        rc = inner(file)->pMethods->xTruncate(inner(file), size);
    if (!rc)
        file_change(tracked(file), size, NULL, 0);
    return rc;
}

/* The real file need not reach a real platter. */
static int on_sync(sqlite3_file *file, int flags)
{
    (void)flags;
    int rc = gate(POWER_SYNC);
    if (!rc && tracked(file))
        file_sync(tracked(file));
    return rc;
}

static int on_size(sqlite3_file *file, sqlite3_int64 *ret)
{
    return inner(file)->pMethods->xFileSize(inner(file), ret);
}

static int on_lock(sqlite3_file *file, int level)
{
    return inner(file)->pMethods->xLock(inner(file), level);
}

static int on_unlock(sqlite3_file *file, int level)
{
    return inner(file)->pMethods->xUnlock(inner(file), level);
}

static int on_check_lock(sqlite3_file *file, int *ret)
{
    return inner(file)->pMethods->xCheckReservedLock(inner(file), ret);
}

static int on_control(sqlite3_file *file, int what, void *argument)
{
    return inner(file)->pMethods->xFileControl(inner(file), what, argument);
}

static int on_sector_size(sqlite3_file *file)
{
    return inner(file)->pMethods->xSectorSize(inner(file));
}

static int on_characteristics(sqlite3_file *file)
{
    return inner(file)->pMethods->xDeviceCharacteristics(inner(file));
}

static int on_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret)
{
    int rc = gate(POWER_SHM);
    if (rc)
        *ret = NULL;
    return rc ? rc : inner(file)->pMethods->xShmMap(inner(file), region, size, extend, ret);
}

static int on_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return inner(file)->pMethods->xShmLock(inner(file), offset, n, flags);
}

static void on_shm_barrier(sqlite3_file *file)
{
    inner(file)->pMethods->xShmBarrier(inner(file));
}

static int on_shm_unmap(sqlite3_file *file, int delete_it)
{
    return inner(file)->pMethods->xShmUnmap(inner(file), delete_it);
}

/* Version 2: no memory mapped reads, which nobody would see here. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_check_lock,
    .xFileControl = on_control,
    .xSectorSize = on_sector_size,
    .xDeviceCharacteristics = on_characteristics,
    .xShmMap = on_shm_map,
    .xShmLock = on_shm_lock,
    .xShmBarrier = on_shm_barrier,
    .xShmUnmap = on_shm_unmap,
};

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret)
{
    (void)vfs;
    struct handle *h = (struct handle *)(void *)file;
    *h = (struct handle){.inner = (sqlite3_file *)(void *)(h + 1)};
    int rc = gate(POWER_OPEN);
    if (rc)
        return rc;
    /* Before: whether it is there already matters. */
    bool is_log = flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL);
    h->disk = is_log || flags & SQLITE_OPEN_MAIN_DB ? file_track(name) : NULL;
    rc = disk.inner->xOpen(disk.inner, name, h->inner, flags, ret);
    struct stat st;
    if (rc == SQLITE_OK && h->disk && stat(name, &st) == 0) {
        h->disk->inode = st.st_ino;
        /* SQLite syncs the directory with the first sync of a log that it made. */
        h->disk->syncs_names = is_log && !h->disk->named;
    }
    if (h->inner->pMethods)
        h->base.pMethods = &methods;
    return rc;
}

static int on_delete(sqlite3_vfs *vfs, const char *name, int sync_directory)
{
    (void)vfs;
    int rc = gate(POWER_DELETE);
    if (!rc)
        rc = disk.inner->xDelete(disk.inner, name, sync_directory);
    if (!rc)
        file_removed(file_find(name), sync_directory != 0);
    return rc;
}

/* ---- the test's side ------------------------------------------------------------------------ */

void power_begin(const char *dir, bool record)
{
    if (!disk.installed) {
        disk.inner = sqlite3_vfs_find(NULL);
        CHECK(disk.inner);
        disk.vfs = *disk.inner;
        disk.vfs.zName = "power";
        disk.vfs.szOsFile = (int)sizeof(struct handle) + disk.inner->szOsFile;
        disk.vfs.pNext = NULL;
        disk.vfs.xOpen = on_open;
        disk.vfs.xDelete = on_delete;
        CHECK(sqlite3_vfs_register(&disk.vfs, 1) == SQLITE_OK);
        disk.installed = true;
    }
    power_end();
    disk.dir = mem_string(dir);
    disk.record = record;
}

static void file_fini(struct disk_file *f)
{
    file_clear_changes(f);
    free(f->changes);
    free(f->path);
    buf_fini(&f->synced);
    buf_fini(&f->ghost);
}

void power_end(void)
{
    while (disk.files_count)
        file_fini(&disk.files[--disk.files_count]);
    free(disk.dir);
    disk.dir = NULL;
    disk.record = disk.off = false;
    memset(disk.calls, 0, sizeof(disk.calls));
    disk.changes = disk.cut_at = disk.fault_seen = disk.failed = 0;
    disk.fault = (struct power_fault){0};
}

uint64_t power_calls(unsigned calls)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < KINDS; i++)
        sum += calls & 1U << i ? disk.calls[i] : 0;
    return sum;
}

void power_cut(uint64_t nth)
{
    CHECK(disk.record);
    disk.cut_at = nth;
    disk.off = nth == 0;
}

bool power_is_off(void)
{
    return disk.off;
}

static void put_back(const char *path, const struct buf *content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, content->data, content->len) == (ssize_t)content->len);
    close(fd);
}

void power_restore(uint64_t seed)
{
    disk.random = seed * 0x9e3779b97f4a7c15 + 1;
    struct buf content CLEANUP(buf_fini) = BUF_INIT;
    for (size_t i = 0; i < disk.files_count; i++) {
        struct disk_file *f = &disk.files[i];
        bool is_there = access(f->path, F_OK) == 0;
        if (f->named || (is_there && draw(2))) {
            file_survive(f, &content);
            put_back(f->path, &content);
        } else if (f->has_ghost && draw(2)) {
            put_back(f->path, &f->ghost);
        } else {
            unlink(f->path);
        }
        file_fini(f);
    }
    disk.files_count = 0;
    disk.off = false;
    disk.cut_at = 0;
}

void power_fail(const struct power_fault *fault)
{
    disk.fault = fault ? *fault : (struct power_fault){0};
}

uint64_t power_failed(void)
{
    return disk.failed;
}
