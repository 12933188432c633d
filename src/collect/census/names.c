/*
 * names.c: see names.h.
 *
 * The users are one block of text, names one after the other, and an array of (uid, place) sorted
 * by uid. The C library's getpwuid would ask whatever nsswitch.conf names, directories in the
 * network among them, and a monitor of the network must not wait for it.
 */
#include "collect/census/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defs.h"
#include "base/mem.h"
#include "base/text.h"

#define PASSWD_BYTES_MAX (4U << 20)
#define USERS_MAX 65536
#define USER_NAME_MAX 64

void name_tame(char *out, size_t size, const char *text, size_t len)
{
    size_t at = 0, used = 0;
    while (at < len && used + 1 < size) {
        unsigned char c = (unsigned char)text[at];
        size_t step = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        if (step > 1 && (len - at < step || text_utf8_valid(text + at, step) != step)) {
            out[used++] = '?';
            at++;
            continue;
        }
        if (used + step >= size)
            break;
        /* C0, DEL and, in two bytes, C1. */
        bool control = c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)text[at + 1] < 0xa0);
        if (control)
            out[used++] = '?';
        else
            memcpy(out + used, text + at, step);
        used += control ? 0 : step;
        at += step;
    }
    out[used] = '\0';
}

/* ---- users --------------------------------------------------------------------------------- */

struct user {
    uint32_t uid, name; /* place in texts */
};

struct users {
    const char *path;
    struct user *users;
    size_t count;
    char *texts;
    struct timespec changed; /* of the file that was read */
    off_t size;
    char number[16];
};

struct users *users_new(const char *path)
{
    struct users *u = mem_alloc(sizeof(*u));
    u->path = path;
    users_refresh(u);
    return u;
}

void users_free(struct users *u)
{
    if (!u)
        return;
    free(u->users);
    free(u->texts);
    free(u);
}

/* "name:password:uid:gid:..."; false: another line. */
static bool read_line(const char *line, size_t len, uint32_t *ret_uid, size_t *ret_name_len)
{
    const char *end = line + len;
    const char *name_end = memchr(line, ':', len);
    if (!name_end || name_end == line || *line == '#' || *line == '+' || *line == '-')
        return false;
    const char *at = memchr(name_end + 1, ':', (size_t)(end - name_end - 1));
    if (!at)
        return false;
    uint64_t uid = 0;
    const char *digits = ++at;
    for (; at < end && *at >= '0' && *at <= '9' && uid <= UINT32_MAX; at++)
        uid = uid * 10 + (uint64_t)(*at - '0');
    if (at == digits || at == end || *at != ':' || uid >= UINT32_MAX)
        return false;
    *ret_uid = (uint32_t)uid;
    *ret_name_len = (size_t)(name_end - line);
    return true;
}

static int by_uid(const void *a, const void *b)
{
    const struct user *x = a, *y = b;
    /* Of two names of one number the first in the file counts. */
    return x->uid != y->uid ? (x->uid > y->uid) - (x->uid < y->uid)
                            : (x->name > y->name) - (x->name < y->name);
}

static void users_parse(struct users *u, const char *text, size_t len)
{
    struct buf names = BUF_INIT;
    struct user *users = NULL;
    size_t count = 0, capacity = 0;
    for (const char *at = text, *end = text + len; at < end && count < USERS_MAX;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t line = newline ? (size_t)(newline - at) : (size_t)(end - at);
        uint32_t uid;
        size_t name_len;
        if (read_line(at, line, &uid, &name_len)) {
            char name[USER_NAME_MAX];
            name_tame(name, sizeof(name), at, name_len);
            if (count == capacity) {
                capacity = MAX(capacity * 2, (size_t)32);
                users = mem_resize(users, capacity, sizeof(*users));
            }
            users[count++] = (struct user){uid, (uint32_t)names.len};
            buf_append(&names, name, strlen(name) + 1);
        }
        at += line + 1;
    }
    if (!buf_ok(&names)) {
        buf_fini(&names);
        free(users);
        return;
    }
    if (count)
        qsort(users, count, sizeof(*users), by_uid);
    free(u->users);
    free(u->texts);
    u->users = users;
    u->count = count;
    u->texts = names.data;
}

void users_refresh(struct users *u)
{
    int fd = open(u->path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0)
        return; /* what was read before is still the best there is */
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
        (u->users && st.st_size == u->size && st.st_mtim.tv_sec == u->changed.tv_sec &&
         st.st_mtim.tv_nsec == u->changed.tv_nsec)) {
        close(fd);
        return;
    }
    struct buf text = BUF_INIT;
    while (text.len < PASSWD_BYTES_MAX) {
        char *room = buf_reserve(&text, 4096);
        ssize_t got = room ? read(fd, room, 4096) : -1;
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        text.len += (size_t)got;
    }
    close(fd);
    if (buf_ok(&text) && text.len)
        users_parse(u, text.data, text.len);
    buf_fini(&text);
    u->changed = st.st_mtim;
    u->size = st.st_size;
}

const char *users_name(struct users *u, uint32_t uid)
{
    size_t low = 0, high = u->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (u->users[middle].uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < u->count && u->users[low].uid == uid)
        return u->texts + u->users[low].name;
    snprintf(u->number, sizeof(u->number), "%u", uid);
    return u->number;
}
