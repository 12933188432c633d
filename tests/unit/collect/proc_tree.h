/*
 * proc_tree.h: a made-up /proc for tests of the census: processes with a command, a start, a user,
 * a cgroup and sockets among their descriptors, in a directory of its own that the end removes.
 */
#pragma once

#include "stand.h"

#include <ftw.h>

struct proc_tree {
    char root[64];
};

static inline void tree_write(const struct proc_tree *t, const char *path, const char *text)
{
    char *full = mem_printf("%s/%s", t->root, path);
    char *slash = full + strlen(t->root);
    while ((slash = strchr(slash + 1, '/'))) {
        *slash = '\0';
        assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
        *slash = '/';
    }
    int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    free(full);
}

static inline struct proc_tree tree_new(void)
{
    struct proc_tree t = {.root = "/tmp/netsonde-proc-XXXXXX"};
    assert_non_null(mkdtemp(t.root));
    tree_write(&t, "passwd",
               "root:x:0:0:root:/root:/bin/sh\nbroken\nalice:x:1000:1000::/:/bin/sh\n");
    tree_write(&t, "1/stat", "1 (init) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 1 4096 9\n");
    return t;
}

static inline int tree_remove_one(const char *path, const struct stat *st, int type,
                                  struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void tree_remove(const struct proc_tree *t, const char *path)
{
    char *full = mem_printf("%s/%s", t->root, path);
    assert_int_equal(nftw(full, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(full);
}

static inline void tree_free(struct proc_tree *t)
{
    tree_remove(t, "");
}

/* A process as /proc shows it. */
static inline void tree_process(const struct proc_tree *t, unsigned pid, uint64_t start,
                                const char *command, unsigned uid, const char *cgroup)
{
    char path[64];
    char *text = mem_printf("%u (%s) S 1 %u %u 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 %llu 4096 9\n",
                            pid, command, pid, pid, (unsigned long long)start);
    snprintf(path, sizeof(path), "%u/stat", pid);
    tree_write(t, path, text);
    free(text);
    text = mem_printf("Name:\tx\nUid:\t%u\t%u\t%u\t%u\nGid:\t0\t0\t0\t0\n", uid, uid, uid, uid);
    snprintf(path, sizeof(path), "%u/status", pid);
    tree_write(t, path, text);
    free(text);
    text = mem_printf("0::%s\n", cgroup);
    snprintf(path, sizeof(path), "%u/cgroup", pid);
    tree_write(t, path, text);
    free(text);
}

/* Its descriptor `fd` is the socket with this inode. */
static inline void tree_socket(const struct proc_tree *t, unsigned pid, unsigned fd, unsigned inode)
{
    char target[32];
    snprintf(target, sizeof(target), "socket:[%u]", inode);
    char *dir = mem_printf("%s/%u/fd", t->root, pid), *path = mem_printf("%s/%u", dir, fd);
    assert_true(mkdir(dir, 0755) == 0 || errno == EEXIST);
    assert_int_equal(symlink(target, path), 0);
    free(dir);
    free(path);
}
