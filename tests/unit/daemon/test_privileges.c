/*
 * test_privileges.c: what a process can and cannot do behind privileges_drop. Every case runs in a
 * child of its own, because there is no way back; the child tells the first thing that is not as
 * expected through its standard error and exit status.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "base/defs.h"
#include "base/mem.h"
#include "base/watched.h"
#include "daemon/privileges.h"
#include "daemon/sandbox.h"
#include "keeper/keeper.h"
#include "store/documents.h"

struct fixture {
    char root[64];
    char data[96], config[96], outside[96];
    struct sandbox_report report; /* of the child */
    int listener;                 /* TCP on loopback, opened before */
    struct sockaddr_in address;
};

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    socklen_t len = sizeof(f->address);
    strcpy(f->root, "/tmp/test_privileges.XXXXXX");
    assert_non_null(mkdtemp(f->root));
    snprintf(f->data, sizeof(f->data), "%s/data", f->root);
    snprintf(f->config, sizeof(f->config), "%s/config", f->root);
    snprintf(f->outside, sizeof(f->outside), "%s/outside", f->root);
    assert_int_equal(mkdir(f->data, 0700), 0);
    assert_int_equal(mkdir(f->config, 0700), 0);
    int fd = open(f->outside, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    f->address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(f->listener, (struct sockaddr *)&f->address, len), 0);
    assert_int_equal(listen(f->listener, 4), 0);
    assert_int_equal(getsockname(f->listener, (struct sockaddr *)&f->address, &len), 0);
    *state = f;
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    close(f->listener);
    nftw(f->root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

/* ---- children ---------------------------------------------------------------------------- */

#define EXPECT(cond)                                                                               \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            dprintf(STDERR_FILENO, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #cond, errno);    \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)
#define EXPECT_ERRNO(call, err) EXPECT((errno = 0, (call) < 0) && errno == (err))

enum { WITH_ALL, WITH_LANDLOCK };

/* Runs `body` in a child behind the sandbox; its wait status. */
static int run_with(struct fixture *f, int which, void (*body)(struct fixture *f))
{
    const struct sandbox_paths paths = {.data_dir = f->data, .config_dir = f->config};
    int status;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (which == WITH_ALL) {
            privileges_drop(&paths, &f->report);
        } else {
            EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
            sandbox_landlock(&paths, &f->report);
        }
        body(f);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void assert_fine(struct fixture *f, int which, void (*body)(struct fixture *f))
{
    int status = run_with(f, which, body);
    if (WIFSIGNALED(status))
        fail_msg("killed by signal %d", WTERMSIG(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static bool has_landlock(int abi)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= abi;
}

static void needs_landlock(int abi)
{
    if (has_landlock(abi))
        return;
    print_message("# this kernel's Landlock is too old, or off\n");
    skip();
}

/* ---- what is in force -------------------------------------------------------------------- */

static void read_status(const char *key, char *value, size_t size)
{
    char line[256];
    FILE *file = fopen("/proc/self/status", "r");
    EXPECT(file);
    *value = '\0';
    while (fgets(line, sizeof(line), file)) {
        size_t len = strlen(key);
        if (strncmp(line, key, len) == 0 && line[len] == ':')
            snprintf(value, size, "%s", line + len + 1 + strspn(line + len + 1, " \t"));
    }
    value[strcspn(value, "\n")] = '\0';
    fclose(file);
}

static void status_body(struct fixture *f)
{
    static const char *const sets[] = {"CapInh", "CapPrm", "CapEff", "CapAmb"};
    char value[64];
    for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
        read_status(sets[i], value, sizeof(value));
        EXPECT(strcmp(value, "0000000000000000") == 0);
    }
    read_status("NoNewPrivs", value, sizeof(value));
    EXPECT(strcmp(value, "1") == 0);
    read_status("Seccomp", value, sizeof(value));
    EXPECT(strcmp(value, watched_by() ? "0" : "2") == 0);
    EXPECT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
    struct rlimit core = {1, 1};
    EXPECT(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);

    EXPECT(f->report.no_new_privs);
    EXPECT(strcmp(f->report.capabilities, "none") == 0);
    EXPECT((f->report.seccomp_calls > 0) == !watched_by());
    EXPECT(strncmp(f->report.seccomp, watched_by() ? "off: " : "enforced, ", 5) == 0);
    EXPECT(strncmp(f->report.landlock, f->report.landlock_abi ? "enforced, " : "off: ", 5) == 0);
}

static void test_status(void **state)
{
    assert_fine(*state, WITH_ALL, status_body);
}

static void bounding_body(struct fixture *f)
{
    char value[64];
    (void)f;
    read_status("CapBnd", value, sizeof(value));
    EXPECT(strcmp(value, "0000000000000000") == 0);
}

static void test_bounding_set(void **state)
{
    if (geteuid() != 0)
        skip(); /* emptying it takes CAP_SETPCAP */
    assert_fine(*state, WITH_ALL, bounding_body);
}

/* Without a data directory Landlock is off and says so: better than a daemon that cannot write. */
static void no_data_body(struct fixture *f)
{
    EXPECT(f->report.landlock_abi == 0);
    EXPECT(strcmp(f->report.landlock, "off: No such file or directory") == 0);
}

static void test_missing_data_dir(void **state)
{
    struct fixture *f = *state;
    needs_landlock(1);
    assert_int_equal(rmdir(f->data), 0);
    assert_fine(f, WITH_LANDLOCK, no_data_body);
}

/* ---- what is refused --------------------------------------------------------------------- */

static void files_body(struct fixture *f)
{
    char path[160];
    EXPECT_ERRNO(open("/etc/shadow", O_RDONLY), EACCES);
    EXPECT_ERRNO(open("/etc/group", O_RDONLY), EACCES);
    EXPECT_ERRNO(open("/etc/passwd", O_RDWR), EACCES); /* names of users: to be read */
    EXPECT(open("/etc/passwd", O_RDONLY) >= 0);
    EXPECT_ERRNO(open(f->outside, O_RDONLY), EACCES);
    EXPECT_ERRNO(open(f->outside, O_WRONLY), EACCES);
    EXPECT_ERRNO(unlink(f->outside), EACCES);
    EXPECT_ERRNO(open("/proc/sys/kernel/hostname", O_WRONLY), EACCES);
    snprintf(path, sizeof(path), "%s/new", f->root);
    EXPECT_ERRNO(open(path, O_CREAT | O_WRONLY, 0600), EACCES);
    snprintf(path, sizeof(path), "%s/new", f->config);
    EXPECT_ERRNO(open(path, O_CREAT | O_WRONLY, 0600), EACCES); /* read, not written */
    snprintf(path, sizeof(path), "%s/link", f->data);
    EXPECT(symlink(f->outside, path) < 0); /* no way out of the directory */
}

static void test_files_outside(void **state)
{
    needs_landlock(1);
    assert_fine(*state, WITH_ALL, files_body);
}

/* What the daemon keeps beside the database needs a folder of its own. */
static void documents_body(struct fixture *f)
{
    static const char text[] = "{\"name\":\"before\"}";
    struct document_list *list = NULL;
    struct store_error err;
    for (int i = 0; i < 2; i++) { /* makes the folder; replaces the document */
        if (document_write(f->data, DOCUMENT_KIND_BASELINES, "before", text, sizeof(text) - 1, i,
                           &err)) {
            dprintf(STDERR_FILENO, "%s\n", err.text);
            _exit(1);
        }
    }
    EXPECT(documents_list(f->data, DOCUMENT_KIND_BASELINES, &list, &err) == 0);
    EXPECT(list->count == 1 && list->entries[0].bytes == sizeof(text) - 1);
    EXPECT(document_delete(f->data, DOCUMENT_KIND_BASELINES, "before", &err) == 0);
    EXPECT_ERRNO(mkdir("/tmp/test_privileges_folder", 0700), EACCES);
    free(list);
}

static void test_documents(void **state)
{
    needs_landlock(1);
    assert_fine(*state, WITH_ALL, documents_body);
}

static void landlock_tcp_body(struct fixture *f)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_ERRNO(connect(fd, (struct sockaddr *)&f->address, sizeof(f->address)), EACCES);
    EXPECT_ERRNO(bind(fd, (struct sockaddr *)&any, sizeof(any)), EACCES);
}

static void test_landlock_tcp(void **state)
{
    needs_landlock(4);
    assert_fine(*state, WITH_LANDLOCK, landlock_tcp_body);
}

static void landlock_signals_body(struct fixture *f)
{
    (void)f;
    EXPECT_ERRNO(kill(getppid(), 0), EPERM);
    EXPECT(raise(SIGWINCH) == 0); /* its own, though */
}

static void test_landlock_signals(void **state)
{
    needs_landlock(6);
    assert_fine(*state, WITH_LANDLOCK, landlock_signals_body);
}

static void landlock_execve_body(struct fixture *f)
{
    (void)f;
    EXPECT_ERRNO(execl("/bin/true", "true", (char *)NULL), EACCES);
}

static void test_landlock_execve(void **state)
{
    needs_landlock(1);
    if (watched_by())
        skip(); /* their symbolizer is a program */
    assert_fine(*state, WITH_LANDLOCK, landlock_execve_body);
}

static int earlier_socket = -1;

static void refused_body(struct fixture *f)
{
    EXPECT_ERRNO(socket(AF_INET, SOCK_STREAM, 0), EPERM);
    EXPECT_ERRNO(socket(AF_PACKET, SOCK_RAW, 0), EPERM);
    EXPECT_ERRNO(socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER), EPERM);
    EXPECT_ERRNO(connect(earlier_socket, (struct sockaddr *)&f->address, sizeof(f->address)),
                 EPERM);
    EXPECT_ERRNO(kill(getppid(), 0), EPERM);
    EXPECT_ERRNO(chroot("/"), EPERM);
    EXPECT_ERRNO(setuid(12345), EPERM);
    EXPECT_ERRNO(syscall(SYS_io_uring_setup, 1, NULL), EPERM);
    EXPECT_ERRNO(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0), EPERM);
    EXPECT_ERRNO(syscall(SYS_clone3, NULL, 0), ENOSYS);
    EXPECT_ERRNO(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), EPERM);
    EXPECT(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) == MAP_FAILED &&
           errno == EPERM);
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(page != MAP_FAILED);
    EXPECT_ERRNO(mprotect(page, 4096, PROT_READ | PROT_EXEC), EPERM);
}

static void test_refused_calls(void **state)
{
    if (watched_by())
        skip(); /* no seccomp then */
    earlier_socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_fine(*state, WITH_ALL, refused_body);
    close(earlier_socket);
}

/* docs/SECURITY.md says about how many of each there are. Numbers of ioctls have 16 bits where no
 * size is in them; where there is one no call is allowed. */
static void counted_body(struct fixture *f)
{
    EXPECT(f->report.seccomp_calls >= 140 && f->report.seccomp_calls <= 160);
    unsigned allowed = 0;
    for (unsigned long request = 0; request < 0x10000; request++)
        allowed += !(ioctl(-1, request, NULL) < 0 && errno == EPERM);
    EXPECT(allowed == 12);
    EXPECT_ERRNO(ioctl(-1, _IOR('T', 0x30, unsigned), NULL), EPERM); /* TIOCGPTN */
}

static void test_counted_calls(void **state)
{
    if (watched_by())
        skip(); /* no seccomp then */
    assert_fine(*state, WITH_ALL, counted_body);
}

static void execve_body(struct fixture *f)
{
    (void)f;
    execl("/bin/true", "true", (char *)NULL);
}

static void ptrace_body(struct fixture *f)
{
    (void)f;
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void mount_body(struct fixture *f)
{
    mount("none", f->data, "tmpfs", 0, NULL);
}

static void unshare_body(struct fixture *f)
{
    (void)f;
    unshare(CLONE_NEWUSER);
}

static void test_deadly_calls(void **state)
{
    void (*const bodies[])(struct fixture *) = {execve_body, ptrace_body, mount_body, unshare_body};
    if (watched_by())
        skip(); /* no seccomp then */
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        int status = run_with(*state, WITH_ALL, bodies[i]);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGSYS);
    }
}

/* The command that bpf_body gives. */
static unsigned bpf_command;

static void bpf_body(struct fixture *f)
{
    union bpf_attr attr = {.map_fd = UINT32_MAX};
    (void)f;
    EXPECT_ERRNO(syscall(SYS_bpf, bpf_command, &attr, sizeof(attr)), EBADF);
}

static void bpf_batch_body(struct fixture *f)
{
    union bpf_attr attr = {.batch.map_fd = UINT32_MAX};
    (void)f;
    EXPECT_ERRNO(syscall(SYS_bpf, BPF_MAP_LOOKUP_BATCH, &attr, sizeof(attr)), EBADF);
}

/* Maps can be read and cleared by their descriptors; all else ends the process. */
static void test_bpf(void **state)
{
    static const unsigned deadly[] = {BPF_MAP_CREATE,
                                      BPF_MAP_UPDATE_ELEM,
                                      BPF_PROG_LOAD,
                                      BPF_PROG_ATTACH,
                                      BPF_OBJ_GET,
                                      BPF_MAP_GET_FD_BY_ID,
                                      BPF_LINK_CREATE,
                                      BPF_MAP_FREEZE,
                                      63,
                                      64,
                                      1000,
                                      UINT32_MAX};
    if (watched_by())
        skip(); /* no seccomp then */
    bpf_command = BPF_MAP_LOOKUP_ELEM;
    assert_fine(*state, WITH_ALL, bpf_body);
    bpf_command = BPF_MAP_DELETE_ELEM;
    assert_fine(*state, WITH_ALL, bpf_body);
    assert_fine(*state, WITH_ALL, bpf_batch_body);
    for (size_t i = 0; i < ARRAY_LEN(deadly); i++) {
        bpf_command = deadly[i];
        int status = run_with(*state, WITH_ALL, bpf_body);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGSYS);
    }
}

/* ---- what works -------------------------------------------------------------------------- */

static void reading_body(struct fixture *f)
{
    static const char *const paths[] = {"/proc/net/dev", "/proc/net/snmp", "/proc/self/statm",
                                        "/proc/sys/kernel/random/boot_id", "/proc/uptime"};
    char data[4096];
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
        EXPECT(fd >= 0);
        EXPECT(read(fd, data, sizeof(data)) > 0);
        EXPECT(pread(fd, data, sizeof(data), 0) > 0);
        close(fd);
    }
    DIR *dir = opendir("/sys/class/net");
    EXPECT(dir && readdir(dir));
    closedir(dir);
    dir = opendir(f->config);
    EXPECT(dir && readdir(dir));
    closedir(dir);
    void *library = dlopen("libresolv.so.2", RTLD_NOW);
    EXPECT(library);
    EXPECT(getrlimit(RLIMIT_NOFILE, &(struct rlimit){0}) == 0);
}

static void test_reading(void **state)
{
    assert_fine(*state, WITH_ALL, reading_body);
}

static void exec_sql(sqlite3 *db, const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) {
        dprintf(STDERR_FILENO, "%s: %s\n", sql, why);
        _exit(1);
    }
}

static void sqlite_body(struct fixture *f)
{
    char path[128], aside[128];
    sqlite3 *db, *reader;
    snprintf(path, sizeof(path), "%s/n.db", f->data);
    snprintf(aside, sizeof(aside), "%s/n.db.corrupt", f->data);
    EXPECT(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) == 0);
    exec_sql(db, "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
                 "CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB);"
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
                 "INSERT INTO t SELECT i, randomblob(2000) FROM n;");
    EXPECT(sqlite3_open_v2(path, &reader, SQLITE_OPEN_READONLY, NULL) == 0);
    exec_sql(reader, "SELECT count(*) FROM t; SELECT b FROM t ORDER BY b LIMIT 3");
    exec_sql(db, "DELETE FROM t WHERE a < 1500; PRAGMA wal_checkpoint(TRUNCATE);"
                 "PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);");
    EXPECT(sqlite3_close(reader) == SQLITE_OK);
    exec_sql(db, "PRAGMA journal_mode = DELETE; INSERT INTO t VALUES (9999, zeroblob(9));");
    EXPECT(sqlite3_close(db) == SQLITE_OK);
    EXPECT(rename(path, aside) == 0);
    EXPECT(unlink(aside) == 0);
}

static void test_sqlite(void **state)
{
    assert_fine(*state, WITH_ALL, sqlite_body);
}

static void *thread_main(void *user)
{
    char name[16] = "worker";
    EXPECT(pthread_setname_np(pthread_self(), name) == 0);
    char *memory = malloc(8 << 20); /* an arena of its own, and given back */
    EXPECT(memory);
    memset(memory, 1, 8 << 20);
    free(memory);
    __atomic_add_fetch((int *)user, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void threads_body(struct fixture *f)
{
    pthread_t threads[8];
    int ran = 0;
    (void)f;
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        EXPECT(pthread_create(&threads[i], NULL, thread_main, &ran) == 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        EXPECT(pthread_join(threads[i], NULL) == 0);
    EXPECT(ran == (int)ARRAY_LEN(threads));
}

static void test_threads(void **state)
{
    assert_fine(*state, WITH_ALL, threads_body);
}

struct loop_counts {
    uv_async_t async;
    int asyncs, works;
};

static void on_async(uv_async_t *handle)
{
    struct loop_counts *counts = handle->data;
    counts->asyncs++;
    uv_close((uv_handle_t *)handle, NULL);
}

static void do_work(uv_work_t *work)
{
    struct loop_counts *counts = work->data;
    __atomic_add_fetch(&counts->works, 1, __ATOMIC_RELAXED);
}

static void after_work(uv_work_t *work, int status)
{
    struct loop_counts *counts = work->data;
    (void)status;
    uv_async_send(&counts->async);
}

static void on_timer(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, NULL);
}

static void loop_body(struct fixture *f)
{
    struct loop_counts counts = {0};
    uv_loop_t loop;
    uv_timer_t timer;
    uv_work_t work = {.data = &counts};
    (void)f;
    EXPECT(uv_loop_init(&loop) == 0);
    EXPECT(uv_async_init(&loop, &counts.async, on_async) == 0);
    counts.async.data = &counts;
    EXPECT(uv_timer_init(&loop, &timer) == 0);
    EXPECT(uv_timer_start(&timer, on_timer, 1, 0) == 0);
    EXPECT(uv_queue_work(&loop, &work, do_work, after_work) == 0);
    EXPECT(uv_run(&loop, UV_RUN_DEFAULT) == 0);
    EXPECT(counts.asyncs == 1 && counts.works == 1);
    EXPECT(uv_loop_close(&loop) == 0);
    uv_library_shutdown(); /* the pool's threads */
}

static void test_loop(void **state)
{
    assert_fine(*state, WITH_ALL, loop_body);
}

static int client = -1;

static void sockets_body(struct fixture *f)
{
    char data[8192];
    struct iovec iov = {data, 5};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    int one = 1;
    int fd = accept4(f->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    EXPECT(fd >= 0);
    EXPECT(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)) == 0);
    memcpy(data, "hello", 5);
    EXPECT(sendmsg(fd, &msg, MSG_NOSIGNAL) == 5);
    EXPECT(writev(fd, &iov, 1) == 5);
    EXPECT(recv(client, data, sizeof(data), 0) > 0);
    EXPECT(shutdown(fd, SHUT_WR) == 0);

    struct {
        struct nlmsghdr head;
        struct ifinfomsg link;
    } ask = {.head = {.nlmsg_len = sizeof(ask),
                      .nlmsg_type = RTM_GETLINK,
                      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
    fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    EXPECT(fd >= 0);
    EXPECT(send(fd, &ask, sizeof(ask), 0) == (ssize_t)sizeof(ask));
    EXPECT(recv(fd, data, sizeof(data), 0) > 0);
}

static void test_sockets(void **state)
{
    struct fixture *f = *state;
    client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&f->address, sizeof(f->address)), 0);
    assert_fine(f, WITH_ALL, sockets_body);
    close(client);
}

static void keeper_case(struct fixture *f)
{
    const struct sandbox_paths paths = {.data_dir = f->data};
    const struct keeper_settings settings = {.capabilities = UINT64_C(1) << CAP_NET_ADMIN};
    struct keeper *k = NULL;
    struct keeper_status status;
    int fd;
    EXPECT(keeper_start(&settings, &k) == 0);
    privileges_drop(&paths, &f->report);
    EXPECT(keeper_open_netlink(k, NETLINK_ROUTE, RTMGRP_LINK, 4 << 20, &fd) == 0);
    keeper_status(k, &status);
    EXPECT(status.alive);
    keeper_stop(k);
    EXPECT(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD); /* it ended and was reaped */
}

/* The keeper can still do what this process cannot any more. */
static void test_keeper(void **state)
{
    int status;
    struct keeper *k = NULL;
    const struct keeper_settings settings = {.capabilities = UINT64_C(1) << CAP_NET_ADMIN};
    if (keeper_start(&settings, &k) == -EPERM)
        skip(); /* nothing to keep */
    keeper_stop(k);
    pid_t pid = fork();
    if (pid == 0) {
        keeper_case(*state);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_status),           CASE(test_bounding_set),
        CASE(test_missing_data_dir), CASE(test_files_outside),
        CASE(test_documents),        CASE(test_landlock_tcp),
        CASE(test_landlock_signals), CASE(test_landlock_execve),
        CASE(test_refused_calls),    CASE(test_counted_calls),
        CASE(test_deadly_calls),     CASE(test_bpf),
        CASE(test_reading),          CASE(test_sqlite),
        CASE(test_threads),          CASE(test_loop),
        CASE(test_sockets),          CASE(test_keeper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
