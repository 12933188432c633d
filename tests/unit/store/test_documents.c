/*
 * test_documents.c: small documents beside the database: there is always the old one or the new one
 * and never a part; nothing reaches out of the folder; writers of several processes do not lose
 * each other's work.
 *
 * The order of sync and rename is read from the calls themselves (fsync and renameat are wrapped),
 * and a writer is killed at each of them in turn.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "store/documents.h"

#define KIND DOCUMENT_KIND_BASELINES
#define SOMEBODY 65533

/* ---- the calls that make it safe --------------------------------------------------------- */

static struct {
    char order[64]; /* "f" file synced, "r" renamed, "d" folder synced */
    int die_at;     /* SIGKILL before this call, counted from 1; 0: never */
    int count;
} calls;

static void call_made(char c)
{
    if (calls.die_at && ++calls.count == calls.die_at)
        raise(SIGKILL);
    size_t len = strlen(calls.order);
    if (len + 1 < sizeof(calls.order))
        calls.order[len] = c;
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    call_made(S_ISDIR(st.st_mode) ? 'd' : 'f');
    return __real_fsync(fd);
}

int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    call_made('r');
    return __real_renameat(from_fd, from, to_fd, to);
}

/* ---- the fixture ------------------------------------------------------------------------- */

struct place {
    char dir[64];
    struct store_error err;
};

static int setup(void **state)
{
    struct place *p = mem_alloc(sizeof(*p));
    snprintf(p->dir, sizeof(p->dir), "/tmp/test_documents.XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    memset(&calls, 0, sizeof(calls));
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    char *command CLEANUP(mem_freep) = mem_printf("rm -rf %s", p->dir);
    int status = system(command);
    free(p);
    return status;
}

static int put(struct place *p, const char *name, const char *text, bool replace)
{
    return document_write(p->dir, KIND, name, text, strlen(text), replace, &p->err);
}

static void check_text(struct place *p, const char *name, const char *text)
{
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    assert_int_equal(document_read(p->dir, KIND, name, &out, &p->err), 0);
    assert_string_equal(buf_string(&out), text);
}

static size_t count(struct place *p)
{
    struct document_list *list CLEANUP(mem_freep) = NULL;
    assert_int_equal(documents_list(p->dir, KIND, &list, &p->err), 0);
    return list->count;
}

static char *path_of(const struct place *p, const char *file)
{
    return mem_printf("%s/" KIND "/%s", p->dir, file);
}

static struct stat stat_of(const struct place *p, const char *file)
{
    char *path CLEANUP(mem_freep) = path_of(p, file);
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st;
}

static void make_file(const struct place *p, const char *file, const char *text)
{
    char *path CLEANUP(mem_freep) = path_of(p, file);
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* ---- what it is for ---------------------------------------------------------------------- */

static void test_life(void **state)
{
    struct place *p = *state;
    struct document_list *list CLEANUP(mem_freep) = NULL;
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    assert_int_equal(count(p), 0);
    assert_int_equal(document_read(p->dir, KIND, "b", &out, &p->err), -ENOENT);
    assert_int_equal(document_delete(p->dir, KIND, "b", &p->err), -ENOENT);

    int64_t before_ms = clock_wall_ms();
    assert_int_equal(put(p, "b", "{\"n\":1}", false), 0);
    assert_int_equal(put(p, "a-1.2_X", "{}", true), 0);
    assert_int_equal(put(p, "b", "{}", false), -EEXIST);
    assert_non_null(strstr(p->err.text, "there is b in "));
    check_text(p, "b", "{\"n\":1}");
    assert_int_equal(put(p, "b", "{\"n\":22}", true), 0);
    check_text(p, "b", "{\"n\":22}");

    assert_int_equal(documents_list(p->dir, KIND, &list, &p->err), 0);
    assert_int_equal(list->count, 2);
    assert_string_equal(list->entries[0].name, "a-1.2_X");
    assert_string_equal(list->entries[1].name, "b");
    assert_int_equal(list->entries[1].bytes, 8);
    /* The file system's clock may lag by a tick of the kernel. */
    assert_in_range(list->entries[1].changed_ms, before_ms - 1000, clock_wall_ms() + 1000);
    assert_int_equal(stat_of(p, "b.json").st_mode, S_IFREG | 0600);
    assert_int_equal(stat_of(p, ".").st_mode, S_IFDIR | 0700);

    /* Another kind is another folder; what is read comes behind what is there. */
    assert_int_equal(document_read(p->dir, DOCUMENT_KIND_BENCHMARKS, "b", &out, &p->err), -ENOENT);
    assert_non_null(strstr(p->err.text, "there is no b in "));
    buf_text(&out, "got: ");
    assert_int_equal(document_read(p->dir, KIND, "a-1.2_X", &out, NULL), 0);
    assert_string_equal(buf_string(&out), "got: {}");

    assert_int_equal(document_delete(p->dir, KIND, "b", &p->err), 0);
    assert_int_equal(document_delete(p->dir, KIND, "b", &p->err), -ENOENT);
    assert_int_equal(count(p), 1);
}

static void test_makes_what_is_missing(void **state)
{
    struct place *p = *state;
    struct stat st;
    char *deep CLEANUP(mem_freep) = mem_printf("%s/x/data", p->dir);
    assert_int_equal(document_write(deep, KIND, "n", "{}", 2, false, &p->err), 0);
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0700);
    struct document_list *list CLEANUP(mem_freep) = NULL;
    char *none CLEANUP(mem_freep) = mem_printf("%s/none", p->dir);
    assert_int_equal(documents_list(none, KIND, &list, &p->err), 0); /* reading makes nothing */
    assert_int_equal(list->count, 0);
    assert_int_equal(access(none, F_OK), -1);
}

static void test_names(void **state)
{
    struct place *p = *state;
    static const char *const bad[] = {
        "", ".", "..", ".hidden", "a/b", "../x", "a b", "a\nb", "ä", "a*", "/x",
        /* 65 characters */
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(document_is_name(bad[i]));
        assert_int_equal(put(p, bad[i], "{}", true), -EINVAL);
        assert_int_equal(document_read(p->dir, KIND, bad[i], &out, &p->err), -EINVAL);
        assert_int_equal(document_delete(p->dir, KIND, bad[i], &p->err), -EINVAL);
    }
    char *path CLEANUP(mem_freep) = path_of(p, "");
    assert_int_equal(access(path, F_OK), -1); /* not even the folder was made */
    const char *longest = bad[ARRAY_LEN(bad) - 1] + 1;
    assert_int_equal(put(p, longest, "{}", false), 0);
    check_text(p, longest, "{}");
    assert_int_equal(count(p), 1);
}

static void test_bounds(void **state)
{
    struct place *p = *state;
    size_t len = DOCUMENT_BYTES_MAX + 1;
    char *text CLEANUP(mem_freep) = mem_alloc(len + 1);
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    memset(text, ' ', len);
    assert_int_equal(document_write(p->dir, KIND, "big", text, len, true, &p->err), -EFBIG);
    assert_int_equal(document_write(p->dir, KIND, "big", text, len - 1, true, &p->err), 0);
    assert_int_equal(document_read(p->dir, KIND, "big", &out, &p->err), 0);
    assert_int_equal(out.len, DOCUMENT_BYTES_MAX);
    make_file(p, "big.json", text); /* somebody else has no limit */
    assert_int_equal(document_read(p->dir, KIND, "big", &out, &p->err), -EFBIG);

    for (int i = 1; i < DOCUMENTS_MAX; i++) {
        char file[32];
        snprintf(file, sizeof(file), "n%d.json", i);
        make_file(p, file, "{}");
    }
    assert_int_equal(count(p), DOCUMENTS_MAX);
    assert_int_equal(put(p, "more", "{}", false), -EMLINK);
    assert_non_null(strstr(p->err.text, "delete some"));
    assert_int_equal(put(p, "n1", "{ }", true), 0); /* one that is there may change */
    make_file(p, "more.json", "{}");
    assert_int_equal(count(p), DOCUMENTS_MAX); /* what is beyond is not looked at */
    assert_int_equal(document_delete(p->dir, KIND, "more", &p->err), 0);
    assert_int_equal(document_delete(p->dir, KIND, "n1", &p->err), 0);
    assert_int_equal(put(p, "more", "{}", false), 0);
}

/* ---- what else lies there ---------------------------------------------------------------- */

static void test_links(void **state)
{
    struct place *p = *state;
    char *outside CLEANUP(mem_freep) = mem_printf("%s/outside", p->dir);
    char *link CLEANUP(mem_freep) = path_of(p, "link.json");
    char *new CLEANUP(mem_freep) = path_of(p, ".new");
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    assert_int_equal(put(p, "a", "{}", false), 0);
    make_file(p, "../outside", "secret");
    assert_int_equal(symlink("../outside", link), 0);
    assert_int_equal(count(p), 1);
    assert_int_equal(document_read(p->dir, KIND, "link", &out, &p->err), -ELOOP);
    assert_int_equal(put(p, "link", "{}", false), -EEXIST);
    assert_int_equal(put(p, "link", "{}", true), 0); /* the link is replaced, not followed */
    check_text(p, "link", "{}");

    assert_int_equal(symlink(outside, new), 0); /* a trap for the next writer */
    assert_int_equal(put(p, "b", "{\"b\":1}", false), 0);
    check_text(p, "b", "{\"b\":1}");
    int fd = open(outside, O_RDONLY);
    char text[16] = {0};
    assert_int_equal(read(fd, text, sizeof(text)), 6);
    assert_string_equal(text, "secret");
    close(fd);

    /* Nor is a folder that is a link. */
    char *folder CLEANUP(mem_freep) = mem_printf("%s/" DOCUMENT_KIND_BENCHMARKS, p->dir);
    struct document_list *list CLEANUP(mem_freep) = NULL;
    assert_int_equal(symlink(KIND, folder), 0);
    assert_int_equal(document_write(p->dir, DOCUMENT_KIND_BENCHMARKS, "x", "{}", 2, true, &p->err),
                     -ENOTDIR);
    assert_int_equal(documents_list(p->dir, DOCUMENT_KIND_BENCHMARKS, &list, &p->err), -ENOTDIR);
    assert_int_equal(document_delete(p->dir, DOCUMENT_KIND_BENCHMARKS, "a", &p->err), -ENOTDIR);
    check_text(p, "a", "{}");
}

static void test_strangers(void **state)
{
    struct place *p = *state;
    char *folder CLEANUP(mem_freep) = path_of(p, "dir.json");
    char *pipe CLEANUP(mem_freep) = path_of(p, "pipe.json");
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    assert_int_equal(put(p, "a", "{}", false), 0);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    make_file(p, "note.txt", "mine");
    make_file(p, "with space.json", "{}");
    make_file(p, ".json", "{}");
    make_file(p, ".new", "half a docu"); /* of a run that was killed */
    assert_int_equal(count(p), 1);
    assert_int_equal(document_read(p->dir, KIND, "dir", &out, &p->err), -EINVAL);
    assert_int_equal(document_read(p->dir, KIND, "pipe", &out, &p->err), -EINVAL); /* no waiting */
    assert_int_equal(put(p, "dir", "{}", true), -EISDIR);
    assert_int_equal(put(p, "b", "{}", false), 0);
    char *new CLEANUP(mem_freep) = path_of(p, ".new");
    assert_int_equal(access(new, F_OK), -1);
    stat_of(p, "note.txt");
    stat_of(p, "with space.json");
}

/* ---- crashes and full disks -------------------------------------------------------------- */

static void test_order(void **state)
{
    struct place *p = *state;
    assert_int_equal(put(p, "a", "{}", false), 0);
    assert_string_equal(calls.order, "dfrd"); /* the folder itself is new: synced as well */
    memset(&calls, 0, sizeof(calls));
    assert_int_equal(put(p, "a", "{ }", true), 0);
    assert_string_equal(calls.order, "frd");
    memset(&calls, 0, sizeof(calls));
    assert_int_equal(document_delete(p->dir, KIND, "a", &p->err), 0);
    assert_string_equal(calls.order, "d");
}

/* Killed before the file is synced, before it is renamed, after: the old one or the new one. */
static void test_killed(void **state)
{
    struct place *p = *state;
    assert_int_equal(put(p, "a", "{\"old\":1}", false), 0);
    for (int at = 1; at <= 3; at++) {
        int status;
        fflush(NULL);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            memset(&calls, 0, sizeof(calls));
            calls.die_at = at;
            put(p, "a", "{\"new\":1}", true);
            _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        check_text(p, "a", at < 3 ? "{\"old\":1}" : "{\"new\":1}");
        assert_int_equal(count(p), 1);
        assert_int_equal(put(p, "b", "{}", true), 0); /* its lock is gone with it */
        assert_int_equal(document_delete(p->dir, KIND, "b", &p->err), 0);
    }
}

/* A limit on file sizes is what everybody can have of a full disk. */
static void test_no_room(void **state)
{
    struct place *p = *state;
    char *new CLEANUP(mem_freep) = path_of(p, ".new");
    char text[5000];
    memset(text, ' ', sizeof(text));
    assert_int_equal(put(p, "a", "{\"old\":1}", false), 0);
    struct rlimit limit, small;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = (struct rlimit){4096, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int error = document_write(p->dir, KIND, "a", text, sizeof(text), true, &p->err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(error, -EFBIG);
    assert_non_null(strstr(p->err.text, "a.json: cannot write it: "));
    check_text(p, "a", "{\"old\":1}");
    assert_int_equal(access(new, F_OK), -1);
}

static void run_full_disk(struct place *p)
{
    static const char block[4096];
    char *text CLEANUP(mem_freep) = mem_alloc(1 << 20);
    char *ballast CLEANUP(mem_freep) = mem_printf("%s/ballast", p->dir);
    memset(text, ' ', 1 << 20);
    assert_int_equal(mount("none", p->dir, "tmpfs", 0, "size=512k"), 0);
    assert_int_equal(put(p, "a", "{\"old\":1}", false), 0);
    assert_int_equal(document_write(p->dir, KIND, "a", text, 1 << 20, true, &p->err), -ENOSPC);
    check_text(p, "a", "{\"old\":1}");
    int fd = open(ballast, O_WRONLY | O_CREAT, 0600); /* what it took was given back */
    int blocks = 0;
    while (write(fd, block, sizeof(block)) > 0)
        blocks++;
    close(fd);
    assert_in_range(blocks, 100, 128);
    assert_int_equal(put(p, "b", "{}", false), -ENOSPC);
    assert_int_equal(count(p), 1);
    assert_int_equal(unlink(ballast), 0);
    assert_int_equal(put(p, "b", "{}", false), 0);
    assert_int_equal(umount2(p->dir, MNT_DETACH), 0);
}

static void test_full_disk(void **state)
{
    if (geteuid() != 0) {
        print_message("needs root to mount a small file system\n");
        skip();
    }
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0) {
        print_message("no mount namespace here: %s\n", strerror(errno));
        skip();
    }
    run_full_disk(*state);
}

/* ---- several processes ------------------------------------------------------------------- */

enum { WRITERS = 4, ROUNDS = 25 };

static void writer(struct place *p, int number)
{
    for (int i = 0; i < ROUNDS; i++) {
        char name[32], text[4096];
        memset(text, 'a' + number, sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        snprintf(name, sizeof(name), "own-%d-%d", number, i);
        if (put(p, "shared", text, true) || put(p, name, text, false))
            _exit(1);
    }
    _exit(0);
}

static void test_many_writers(void **state)
{
    struct place *p = *state;
    pid_t pids[WRITERS];
    int left = WRITERS, seen = 0;
    fflush(NULL);
    for (int i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0)
            writer(p, i);
    }
    while (left) { /* whoever reads meanwhile sees one writer's text, whole */
        CLEANUP(buf_fini) struct buf out = BUF_INIT;
        int status, error = document_read(p->dir, KIND, "shared", &out, &p->err);
        assert_true(error == 0 || (error == -ENOENT && !seen));
        if (!error) {
            seen++;
            assert_int_equal(out.len, 4095);
            for (size_t i = 1; i < out.len; i++)
                assert_int_equal(out.data[i], out.data[0]);
        }
        pid_t pid = waitpid(-1, &status, WNOHANG);
        assert_true(pid >= 0);
        if (pid > 0) {
            assert_int_equal(status, 0);
            left--;
        }
    }
    assert_true(seen > 0);
    assert_int_equal(count(p), WRITERS * ROUNDS + 1);
}

/* Of two who both want a name that is free, one gets it. */
static void test_one_wins(void **state)
{
    struct place *p = *state;
    int wins = 0;
    fflush(NULL);
    for (int i = 0; i < WRITERS; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            _exit(put(p, "wanted", "{}", false) == 0 ? 0 : p->err.code == -EEXIST ? 7 : 1);
    }
    for (int i = 0; i < WRITERS; i++) {
        int status;
        assert_true(waitpid(-1, &status, 0) > 0);
        assert_true(WIFEXITED(status));
        assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 7);
        wins += WEXITSTATUS(status) == 0;
    }
    assert_int_equal(wins, 1);
}

/* Somebody holds the lock and does nothing: an end after a while, not a thread lost. */
static void test_stuck_writer(void **state)
{
    struct place *p = *state;
    assert_int_equal(put(p, "a", "{}", false), 0);
    char *path CLEANUP(mem_freep) = path_of(p, "");
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(put(p, "a", "{ }", true), -EBUSY);
    assert_non_null(strstr(p->err.text, "another process"));
    check_text(p, "a", "{}");
    close(fd);
    assert_int_equal(put(p, "a", "{ }", true), 0);
}

/* Root at the command line writes what the daemon's user must be able to read and replace. */
static void test_owner(void **state)
{
    struct place *p = *state;
    if (geteuid() != 0) {
        print_message("needs root to have a directory of somebody else\n");
        skip();
    }
    assert_int_equal(chown(p->dir, SOMEBODY, SOMEBODY), 0);
    assert_int_equal(put(p, "a", "{}", false), 0);
    assert_int_equal(stat_of(p, ".").st_uid, SOMEBODY);
    assert_int_equal(stat_of(p, ".").st_gid, SOMEBODY);
    assert_int_equal(stat_of(p, "a.json").st_uid, SOMEBODY);
    assert_int_equal(stat_of(p, "a.json").st_gid, SOMEBODY);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (setgid(SOMEBODY) || setuid(SOMEBODY))
            _exit(2);
        _exit(put(p, "a", "{ }", true) || put(p, "b", "{}", false) ? 1 : 0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    check_text(p, "a", "{ }");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_life, setup, teardown),
        cmocka_unit_test_setup_teardown(test_makes_what_is_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_links, setup, teardown),
        cmocka_unit_test_setup_teardown(test_strangers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_writers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_wins, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stuck_writer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
