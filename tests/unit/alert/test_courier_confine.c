/* What the courier can and cannot do once it is confined, in a child of the test's each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alert/courier_confine.h"

struct place {
    char inside[64], outside[64];
    char log[80], secret[80];
};

/* In the child: 0, or the line that was not as it should be. */
typedef int part(const struct place *p, const struct courier_confined *c);

#define EXPECT(cond)                                                                               \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return __LINE__;                                                                       \
    } while (0)

static void make_places(struct place *p)
{
    snprintf(p->inside, sizeof(p->inside), "/tmp/netsonde-test-XXXXXX");
    snprintf(p->outside, sizeof(p->outside), "/tmp/netsonde-test-XXXXXX");
    assert_non_null(mkdtemp(p->inside));
    assert_non_null(mkdtemp(p->outside));
    snprintf(p->log, sizeof(p->log), "%s/log", p->inside);
    snprintf(p->secret, sizeof(p->secret), "%s/secret", p->outside);
    int fd = open(p->secret, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
}

/* 0: as it should be. 77: this kernel, or who watches, does not confine. */
static int in_child(part *look, enum channel_type type)
{
    struct place p;
    int status;
    char name[] = "a", empty[] = "";
    make_places(&p);
    struct channel_spec spec = {
        .type = type, .name = name, .path = p.log, .secret_file = empty, .ca_file = empty};
    const struct channel_spec *channels[] = {&spec};
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct courier_confined c;
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
            _exit(1);
        courier_confine(channels, 1, &c);
        int line = courier_confine_child(&c) < 0 ? __LINE__ : look(&p, &c);
        if (line && line != 77)
            fprintf(stderr, "line %d: %s\n", line, strerror(errno));
        _exit(line == 77 ? 77 : line != 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    unlink(p.log);
    unlink(p.secret);
    rmdir(p.inside);
    rmdir(p.outside);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void check(part *look, enum channel_type type)
{
    int code = in_child(look, type);
    if (code == 77)
        skip();
    assert_int_equal(code, 0);
}

static int look_at_files(const struct place *p, const struct courier_confined *c)
{
    if (!c->files)
        return 77;
    EXPECT(open(p->secret, O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
    EXPECT(open("/proc/self/maps", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
    EXPECT(open("/etc/netsonde-test", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 && errno == EACCES);
    EXPECT(open("/etc/hosts", O_RDONLY | O_CLOEXEC) >= 0);
    EXPECT(open(p->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) >= 0);
    EXPECT(unlink(p->log) < 0 && errno == EACCES);
    /* A database may lie beside it. */
    EXPECT(open(p->log, O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
    EXPECT(open(p->inside, O_RDONLY | O_DIRECTORY | O_CLOEXEC) < 0 && errno == EACCES);
    return 0;
}

static int look_at_programs(const struct place *p, const struct courier_confined *c)
{
    char path[] = "/bin/true", *const arguments[] = {path, NULL};
    (void)p;
    if (!c->calls)
        return 77;
    execv(path, arguments);
    EXPECT(errno == EPERM || errno == EACCES);
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    EXPECT(pid < 0 && errno == EPERM);
    EXPECT(syscall(SYS_vfork) < 0 && errno == EPERM);
    return 0;
}

static int look_at_sockets(const struct place *p, const struct courier_confined *c)
{
    (void)p;
    if (!c->calls)
        return 77;
    const struct {
        int family, kind, protocol;
        bool ok;
    } kinds[] = {
        {AF_UNIX, SOCK_DGRAM, 0, true},
        {AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, true},
        {AF_INET, SOCK_DGRAM, 0, true},
        {AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE, true},
        {AF_NETLINK, SOCK_RAW, NETLINK_AUDIT, false},
        {AF_INET, SOCK_RAW, 1, false},
        {AF_INET6, SOCK_RAW | SOCK_CLOEXEC, 58, false},
        {AF_PACKET, SOCK_RAW, 0, false},
        {AF_VSOCK, SOCK_STREAM, 0, false},
        {AF_ALG, SOCK_SEQPACKET, 0, false},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        int fd = socket(kinds[i].family, kinds[i].kind, kinds[i].protocol);
        if (kinds[i].ok ? fd < 0 : fd >= 0 || errno != EPERM)
            fprintf(stderr, "kind %zu\n", i);
        EXPECT(kinds[i].ok ? fd >= 0 : fd < 0 && errno == EPERM);
        EXPECT(!kinds[i].ok || listen(fd, 1) < 0);
    }
    EXPECT(unshare(CLONE_NEWUSER) < 0 && errno == EPERM);
    EXPECT(syscall(SYS_bpf, 0, NULL, 0) < 0 && errno == EPERM);
    EXPECT(syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == EPERM);
    return 0;
}

static void *be_thread(void *user)
{
    *(int *)user = 7;
    return NULL;
}

/* What libcurl needs: threads and names. */
static int look_at_needs(const struct place *p, const struct courier_confined *c)
{
    pthread_t thread;
    int seven = 0;
    struct addrinfo *found = NULL;
    (void)p;
    if (!c->calls)
        return 77;
    EXPECT(pthread_create(&thread, NULL, be_thread, &seven) == 0);
    EXPECT(pthread_join(thread, NULL) == 0 && seven == 7);
    EXPECT(getaddrinfo("localhost", "80", NULL, &found) == 0 && found);
    freeaddrinfo(found);
    return 0;
}

/* With programs nothing is taken away that they may need. */
static int look_at_exec(const struct place *p, const struct courier_confined *c)
{
    EXPECT(!c->files && !c->calls);
    EXPECT(open(p->secret, O_RDONLY | O_CLOEXEC) >= 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    EXPECT(pid > 0 && waitpid(pid, NULL, 0) == pid);
    return 0;
}

static void test_files(void **state)
{
    (void)state;
    check(look_at_files, CHANNEL_TYPE_LOG);
}

static void test_programs(void **state)
{
    (void)state;
    check(look_at_programs, CHANNEL_TYPE_WEBHOOK);
}

static void test_sockets(void **state)
{
    (void)state;
    check(look_at_sockets, CHANNEL_TYPE_WEBHOOK);
}

static void test_needs(void **state)
{
    (void)state;
    check(look_at_needs, CHANNEL_TYPE_EMAIL);
}

static void test_exec(void **state)
{
    (void)state;
    check(look_at_exec, CHANNEL_TYPE_EXEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),   cmocka_unit_test(test_programs),
        cmocka_unit_test(test_sockets), cmocka_unit_test(test_needs),
        cmocka_unit_test(test_exec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
