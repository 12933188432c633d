/*
 * test_ebpf_kernel.c: the programs of bpf/ in the kernel that runs, loaded by a real keeper, read
 * as the engine reads them: what processes here send is known to the byte. In a network namespace
 * of its own. Needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN and a kernel with the attachment points;
 * skips with the reason otherwise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/defs.h"
#include "base/mem.h"
#include "base/watched.h"
#include "collect/ebpf/maps.h"
#include "collect/ebpf/processes.h"
#include "collect/ebpf/records.h"
#include "collect/ebpf/ring.h"
#include "collect/ebpf/support.h"
#include "keeper/keeper.h"

#define PORTABLE (BPF_PART_BIT(BPF_PART_TRAFFIC_PORTABLE) | BPF_PART_BIT(BPF_PART_CONNECTIONS))
#define PARTS                                                                                      \
    (BPF_PART_BIT(BPF_PART_TRAFFIC) | BPF_PART_BIT(BPF_PART_CONNECTIONS) |                         \
     BPF_PART_BIT(BPF_PART_RETRANSMITS) | BPF_PART_BIT(BPF_PART_DROPS) |                           \
     BPF_PART_BIT(BPF_PART_DNS))
#define TOTAL 100000000
#define CHUNK 50000
#define PEOPLE_MAX 8192
#define RECORDS_MAX 8192

struct person {
    uint32_t pid;
    uint64_t rx, tx, local;
    bool ended;
    char command[BPF_COMMAND_MAX];
};

struct stand {
    struct keeper *keeper;
    struct keeper_programs programs;
    struct ring *ring;
    struct processes *processes;
    size_t people_count, records_count;
    struct person people[PEOPLE_MAX];
    struct record records[RECORDS_MAX];
};

static char why_not[256]; /* the programs cannot be loaded here: why */
static struct stand *stand;

/* ---- reading --------------------------------------------------------------------------------- */

static void add_person(void *user, const struct bpf_process_key *key, const struct bpf_process *p)
{
    struct stand *s = user;
    size_t i = 0;
    while (i < s->people_count && s->people[i].pid != key->pid)
        i++;
    if (i == PEOPLE_MAX)
        return;
    if (i == s->people_count)
        s->people[s->people_count++] = (struct person){.pid = key->pid};
    s->people[i].rx += p->rx_bytes + p->rx_local_bytes;
    s->people[i].tx += p->tx_bytes + p->tx_local_bytes;
    s->people[i].local += p->rx_local_bytes + p->tx_local_bytes;
    s->people[i].ended |= p->ended != 0;
    memcpy(s->people[i].command, p->command, sizeof(p->command));
}

static void add_record(void *user, const uint8_t *data, size_t len)
{
    struct stand *s = user;
    if (s->records_count < RECORDS_MAX) {
        int err = record_parse(data, len, &s->records[s->records_count++]);
        assert_int_equal(err, 0);
    }
}

static void look(void)
{
    const struct processes_sink sink = {.traffic = add_person, .user = stand};
    assert_true(ring_map_drain(stand->ring, 1 << 20, add_record, stand) >= 0);
    assert_int_equal(
        processes_read(stand->processes, stand->programs.maps[BPF_MAP_PROCESSES], &sink), 0);
}

static const struct person *person(pid_t pid)
{
    static const struct person nobody;
    for (size_t i = 0; i < stand->people_count; i++) {
        if (stand->people[i].pid == (uint32_t)pid)
            return &stand->people[i];
    }
    return &nobody;
}

static const struct record *record_of(pid_t pid, enum bpf_record_kind kind)
{
    for (size_t i = 0; i < stand->records_count; i++) {
        const struct record *r = &stand->records[i];
        const struct bpf_owner *owner = kind == BPF_RECORD_DNS     ? &r->dns.owner
                                        : kind == BPF_RECORD_OWNER ? &r->owner.owner
                                                                   : &r->socket.owner;
        if (r->kind == kind && owner->process.pid == (uint32_t)pid)
            return r;
    }
    return NULL;
}

static uint64_t counter(enum bpf_counter which)
{
    uint32_t place = which;
    uint64_t value = 0;
    assert_int_equal(bpf_map_look_up(stand->programs.maps[BPF_MAP_COUNTERS], &place, &value), 0);
    return value;
}

/* ---- making traffic -------------------------------------------------------------------------- */

#define DO(condition)                                                                              \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: %s (%s)\n", __LINE__, #condition, strerror(errno));          \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
    socklen_t len;
};

static int bound(int family, int type, struct address *ret)
{
    const int one = 1;
    *ret = (struct address){.len = sizeof(ret->v6)};
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (family == AF_INET) {
        ret->v4.sin_family = AF_INET;
        ret->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ret->len = sizeof(ret->v4);
    } else {
        ret->v6.sin6_family = AF_INET6;
        ret->v6.sin6_addr = in6addr_loopback;
    }
    assert_int_equal(bind(fd, &ret->any, ret->len), 0);
    assert_int_equal(getsockname(fd, &ret->any, &ret->len), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 4096), 0);
    return fd;
}

static int connected(const struct address *to, int type)
{
    int fd = socket(to->any.sa_family, type | SOCK_CLOEXEC, 0);
    DO(fd >= 0 && connect(fd, &to->any, to->len) == 0);
    return fd;
}

static void send_all(int fd, size_t bytes)
{
    static char data[CHUNK];
    while (bytes > 0) {
        ssize_t sent = send(fd, data, MIN(bytes, sizeof(data)), MSG_NOSIGNAL);
        DO(sent > 0);
        bytes -= (size_t)sent;
    }
}

static size_t receive_all(int fd)
{
    static char data[1 << 16];
    size_t bytes = 0;
    for (ssize_t len; (len = recv(fd, data, sizeof(data), 0)) > 0;)
        bytes += (size_t)len;
    return bytes;
}

static void wait_for(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

#define CHILD(pid)                                                                                 \
    pid = fork();                                                                                  \
    if (pid == 0)

/* A listener's process that reads `count` connections to their end. */
static pid_t start_reader(int listener, int count)
{
    pid_t pid;
    CHILD(pid)
    {
        for (int i = 0; i < count; i++) {
            int fd = accept(listener, NULL, NULL);
            DO(fd >= 0);
            receive_all(fd);
            close(fd);
        }
        _exit(0);
    }
    return pid;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static void check_tcp(int family)
{
    struct address to;
    int listener = bound(family, SOCK_STREAM, &to);
    pid_t reader = start_reader(listener, 1), writer;
    CHILD(writer)
    {
        int fd = connected(&to, SOCK_STREAM);
        send_all(fd, TOTAL);
        _exit(0);
    }
    wait_for(writer);
    wait_for(reader);
    close(listener);
    look();
    assert_int_equal(person(writer)->tx, TOTAL);
    assert_int_equal(person(writer)->rx, 0);
    assert_int_equal(person(writer)->local, TOTAL);
    assert_int_equal(person(reader)->rx, TOTAL);
    assert_int_equal(person(reader)->local, TOTAL);
    assert_true(person(writer)->ended && person(reader)->ended);
}

static void test_tcp(void **state)
{
    (void)state;
    check_tcp(AF_INET);
    check_tcp(AF_INET6);
}

static void check_udp(int family, bool connects)
{
    struct address to;
    int receiver = bound(family, SOCK_DGRAM, &to);
    pid_t writer;
    CHILD(writer)
    {
        static char data[CHUNK];
        int fd = connects ? connected(&to, SOCK_DGRAM) : socket(family, SOCK_DGRAM, 0);
        for (size_t sent = 0; sent < TOTAL; sent += CHUNK)
            DO(sendto(fd, data, CHUNK, 0, connects ? NULL : &to.any, connects ? 0 : to.len) ==
               CHUNK);
        _exit(0);
    }
    wait_for(writer);
    look();
    uint64_t mine = person(getpid())->rx, got = 0;
    static char data[1 << 16];
    for (ssize_t len; (len = recv(receiver, data, sizeof(data), MSG_DONTWAIT)) > 0;)
        got += (uint64_t)len;
    close(receiver);
    look();
    assert_int_equal(person(writer)->tx, TOTAL);
    assert_int_equal(person(writer)->local, TOTAL);
    assert_true(got > 0);
    assert_int_equal(person(getpid())->rx - mine, got);
}

static void test_udp(void **state)
{
    (void)state;
    check_udp(AF_INET, true);
    check_udp(AF_INET6, true);
}

/* A socket without a peer does not know where its bytes go: the packets tell. */
static void test_udp_without_peer(void **state)
{
    (void)state;
    check_udp(AF_INET, false);
    check_udp(AF_INET6, false);
}

static void test_short_lives(void **state)
{
    enum { COUNT = 2000 };
    struct address to;
    static pid_t pids[COUNT];
    int listener = bound(AF_INET, SOCK_STREAM, &to);
    uint64_t sum = 0, named = 0, received = 0;
    (void)state;
    pid_t reader = start_reader(listener, COUNT);
    for (int i = 0; i < COUNT; i++) {
        CHILD(pids[i])
        {
            int fd = connected(&to, SOCK_STREAM);
            send_all(fd, TOTAL / COUNT);
            _exit(0);
        }
        wait_for(pids[i]);
        if (i % 256 == 0)
            look();
    }
    wait_for(reader);
    close(listener);
    look();
    for (int i = 0; i < COUNT; i++) {
        sum += person(pids[i])->tx;
        named += person(pids[i])->command[0] != '\0' && person(pids[i])->ended;
    }
    received = person(reader)->rx;
    assert_int_equal(sum, TOTAL);
    assert_int_equal(received, TOTAL);
    assert_int_equal(named, COUNT);
    assert_int_equal(counter(BPF_COUNTER_BYTES_LOST), 0);
    /* And nothing is left of them in the map. */
    look();
    assert_true(processes_count(stand->processes) < COUNT);
}

/* ---- the same from packets ------------------------------------------------------------------- */

/* The last acknowledgement may come after the process has ended: then the connection's end tells.
 */
static void settle(pid_t pid, uint64_t tx)
{
    for (int64_t end_ns = clock_mono_ns() + 10 * NS_PER_S;
         person(pid)->tx < tx && clock_mono_ns() < end_ns;)
        look();
}

static void test_portable_tcp(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct address to;
        int listener = bound(i ? AF_INET6 : AF_INET, SOCK_STREAM, &to);
        pid_t reader = start_reader(listener, 1), writer;
        CHILD(writer)
        {
            int fd = connected(&to, SOCK_STREAM);
            send_all(fd, TOTAL);
            _exit(0);
        }
        wait_for(writer);
        wait_for(reader);
        close(listener);
        uint64_t mine = person(getpid())->rx;
        settle(writer, TOTAL);
        assert_int_equal(person(writer)->tx, TOTAL);
        assert_int_equal(person(writer)->local, TOTAL);
        /* The listener is this process's: it is the best that is known. */
        assert_int_equal(person(getpid())->rx - mine, TOTAL);
    }
}

static bool in_map(pid_t pid)
{
    static struct bpf_process_key keys[256];
    static struct bpf_process values[256];
    struct bpf_walk walk = BPF_WALK_INIT(stand->programs.maps[BPF_MAP_PROCESSES]);
    bool found = false;
    while (!walk.done) {
        uint32_t count;
        assert_int_equal(bpf_walk_next(&walk, keys, values, ARRAY_LEN(keys), &count), 0);
        for (uint32_t i = 0; i < count; i++)
            found |= keys[i].pid == (uint32_t)pid;
    }
    return found;
}

/* The other end takes the bytes when the writer's end was told already: they are its own, and its
 * entry does not stay. */
static void test_portable_late(void **state)
{
    enum { BYTES = 100000 };
    const int small = 4096, large = 4 * BYTES;
    struct address to;
    int listener = bound(AF_INET, SOCK_STREAM, &to);
    (void)state;
    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    pid_t writer;
    CHILD(writer)
    {
        int fd = connected(&to, SOCK_STREAM);
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &large, sizeof(large));
        send_all(fd, BYTES);
        _exit(0);
    }
    wait_for(writer);
    look();
    assert_true(person(writer)->ended);
    assert_true(person(writer)->tx < BYTES);
    assert_false(in_map(writer));
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    assert_int_equal(receive_all(fd), BYTES);
    close(fd);
    close(listener);
    settle(writer, BYTES);
    assert_int_equal(person(writer)->tx, BYTES);
    assert_false(in_map(writer));
}

static void test_portable_udp(void **state)
{
    struct address to;
    int receiver = bound(AF_INET6, SOCK_DGRAM, &to);
    (void)state;
    pid_t writer;
    CHILD(writer)
    {
        static char data[1000];
        int fd = socket(AF_INET6, SOCK_DGRAM, 0);
        for (int i = 0; i < 1000; i++)
            DO(sendto(fd, data, sizeof(data), 0, &to.any, to.len) == sizeof(data));
        _exit(0);
    }
    wait_for(writer);
    look();
    close(receiver);
    assert_int_equal(person(writer)->tx, 1000 * 1000);
    assert_int_equal(person(getpid())->rx, 1000 * 1000);
    assert_int_equal(person(writer)->local, 1000 * 1000);
}

static void test_portable_short_lives(void **state)
{
    enum { COUNT = 500 };
    struct address to;
    static pid_t pids[COUNT];
    int listener = bound(AF_INET, SOCK_STREAM, &to);
    uint64_t sum = 0;
    (void)state;
    pid_t reader = start_reader(listener, COUNT);
    for (int i = 0; i < COUNT; i++) {
        CHILD(pids[i])
        {
            int fd = connected(&to, SOCK_STREAM);
            send_all(fd, CHUNK);
            _exit(0);
        }
        wait_for(pids[i]);
    }
    wait_for(reader);
    close(listener);
    for (int i = 0; i < COUNT; i++) {
        settle(pids[i], CHUNK);
        sum += person(pids[i])->tx;
    }
    assert_int_equal(sum, (uint64_t)COUNT * CHUNK);
}

/* ---- ways to send and to receive ------------------------------------------------------------- */

static void test_ways(void **state)
{
    struct address to;
    int listener = bound(AF_INET, SOCK_STREAM, &to);
    (void)state;
    pid_t writer, reader;
    CHILD(reader)
    {
        char data[1000];
        int fd = accept(listener, NULL, NULL);
        DO(fd >= 0);
        for (int i = 0; i < 10; i++) /* looks at 1000 bytes ten times, takes them once */
            DO(recv(fd, data, sizeof(data), MSG_PEEK | MSG_WAITALL) == sizeof(data));
        DO(recv(fd, data, sizeof(data), MSG_WAITALL) == sizeof(data));
        DO(receive_all(fd) == 1000 + 4096 + 7);
        _exit(0);
    }
    CHILD(writer)
    {
        char data[1000] = "";
        int fd = connected(&to, SOCK_STREAM), pipes[2];
        FILE *file = tmpfile();
        struct iovec parts[] = {{data, 3}, {data, 4}};
        DO(file && ftruncate(fileno(file), 4096) == 0 && pipe(pipes) == 0);
        DO(write(fd, data, sizeof(data)) == sizeof(data));
        DO(sendfile(fd, fileno(file), NULL, 4096) == 4096);
        DO(write(pipes[1], data, sizeof(data)) == sizeof(data));
        DO(splice(pipes[0], NULL, fd, NULL, sizeof(data), 0) == sizeof(data));
        DO(writev(fd, parts, 2) == 7);
        DO(shutdown(fd, SHUT_WR) == 0);
        DO(recv(fd, data, sizeof(data), 0) == 0);
        _exit(0);
    }
    wait_for(writer);
    wait_for(reader);
    close(listener);
    look();
    assert_int_equal(person(writer)->tx, 1000 + 4096 + 1000 + 7);
    assert_int_equal(person(reader)->rx, 1000 + 4096 + 1000 + 7);
}

/* All of the data, submission by submission; `worker`: not in the call that submits it. */
static void by_ring(struct io_uring *ring, int op, int fd, char *data, unsigned bytes, bool worker)
{
    while (bytes > 0) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
        struct io_uring_cqe *cqe;
        DO(sqe != NULL);
        io_uring_prep_rw(op, sqe, fd, data, bytes, 0);
        sqe->flags = worker ? IOSQE_ASYNC : 0;
        DO(io_uring_submit_and_wait(ring, 1) == 1 && io_uring_wait_cqe(ring, &cqe) == 0);
        DO(cqe->res > 0);
        bytes -= (unsigned)cqe->res;
        io_uring_cqe_seen(ring, cqe);
    }
}

/* io_uring, within the call and by the threads that the kernel gives a process for it. */
static void test_ring(void **state)
{
    struct io_uring probe;
    int err = io_uring_queue_init(2, &probe, 0);
    (void)state;
    if (err) {
        print_message("no io_uring here: %s\n", strerror(-err));
        skip();
    }
    io_uring_queue_exit(&probe);
    struct address to;
    int listener = bound(AF_INET, SOCK_STREAM, &to);
    pid_t writer, reader;
    CHILD(reader)
    {
        static char data[5000];
        struct io_uring ring;
        int fd = accept(listener, NULL, NULL);
        DO(fd >= 0 && io_uring_queue_init(2, &ring, 0) == 0);
        by_ring(&ring, IORING_OP_RECV, fd, data, 1000, false);
        by_ring(&ring, IORING_OP_RECV, fd, data, 5000, true);
        io_uring_queue_exit(&ring);
        _exit(0);
    }
    CHILD(writer)
    {
        static char data[5000];
        struct io_uring ring;
        int fd = connected(&to, SOCK_STREAM);
        DO(io_uring_queue_init(2, &ring, 0) == 0);
        by_ring(&ring, IORING_OP_SEND, fd, data, 1000, false);
        by_ring(&ring, IORING_OP_SEND, fd, data, 5000, true);
        DO(recv(fd, data, sizeof(data), 0) == 0);
        io_uring_queue_exit(&ring);
        _exit(0);
    }
    wait_for(writer);
    wait_for(reader);
    close(listener);
    look();
    assert_int_equal(person(writer)->tx, 6000);
    assert_int_equal(person(reader)->rx, 6000);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void test_connection(void **state)
{
    struct address to;
    int listener = bound(AF_INET, SOCK_STREAM, &to);
    int64_t began_ns = clock_mono_ns();
    (void)state;
    pid_t server, client;
    CHILD(server)
    {
        char data[3000];
        int fd = accept(listener, NULL, NULL);
        DO(fd >= 0 && recv(fd, data, 1000, MSG_WAITALL) == 1000);
        DO(send(fd, data, sizeof(data), 0) == sizeof(data));
        close(fd);
        _exit(0);
    }
    CHILD(client)
    {
        char data[3001];
        int fd = connected(&to, SOCK_STREAM);
        send_all(fd, 1000);
        DO(recv(fd, data, sizeof(data), MSG_WAITALL) == 3000);
        close(fd);
        _exit(0);
    }
    wait_for(server);
    wait_for(client);
    close(listener);
    look();
    int64_t ended_ns = clock_mono_ns();
    const struct record *r = record_of(client, BPF_RECORD_CLOSED);
    assert_non_null(r);
    assert_int_equal(r->socket.direction, BPF_DIRECTION_OUT);
    assert_int_equal(r->socket.tx_bytes, 1000);
    assert_int_equal(r->socket.rx_bytes, 3000);
    assert_int_equal(r->socket.remote_port, ntohs(to.v4.sin_port));
    assert_memory_equal(r->socket.remote, &to.v4.sin_addr, 4);
    assert_true(r->socket.established && r->socket.srtt_us > 0);
    assert_in_range(r->socket.opened_ns, began_ns, ended_ns);
    assert_in_range(r->socket.head.time_ns, r->socket.opened_ns, ended_ns);
    assert_true(r->socket.connect_us <= (r->socket.head.time_ns - r->socket.opened_ns) / 1000);
    assert_string_equal(r->socket.owner.command, "test_ebpf_kerne");
    uint64_t cookie = r->socket.cookie;
    assert_true(cookie != 0);
    r = record_of(client, BPF_RECORD_OPENED);
    assert_non_null(r);
    assert_int_equal(r->socket.cookie, cookie);
    r = record_of(server, BPF_RECORD_CLOSED);
    assert_non_null(r);
    assert_int_equal(r->socket.direction, BPF_DIRECTION_IN);
    assert_int_equal(r->socket.tx_bytes, 3000);
    assert_int_equal(r->socket.rx_bytes, 1000);
    assert_int_equal(r->socket.local_port, ntohs(to.v4.sin_port));
    assert_non_null(record_of(server, BPF_RECORD_OWNER));
}

/* Nobody listens there: told with whoever wanted it. */
static void test_refused(void **state)
{
    struct address to;
    int listener = bound(AF_INET6, SOCK_STREAM, &to);
    (void)state;
    close(listener);
    pid_t client;
    CHILD(client)
    {
        int fd = socket(AF_INET6, SOCK_STREAM, 0);
        DO(connect(fd, &to.any, to.len) < 0 && errno == ECONNREFUSED);
        _exit(0);
    }
    wait_for(client);
    look();
    const struct record *r = record_of(client, BPF_RECORD_CLOSED);
    assert_non_null(r);
    assert_false(r->socket.established);
    assert_int_equal(r->socket.tx_bytes, 0);
    assert_int_equal(r->socket.family, AF_INET6);
    assert_memory_equal(r->socket.remote, &in6addr_loopback, 16);
}

/* A listener with no room left for whoever comes does not answer: told while the client still
 * tries, and who it is. */
static void test_resent(void **state)
{
    struct address to;
    int listener = bound(AF_INET, SOCK_STREAM, &to), fds[8];
    (void)state;
    assert_int_equal(listen(listener, 0), 0);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_true(fds[i] >= 0);
        assert_true(connect(fds[i], &to.any, to.len) == 0 || errno == EINPROGRESS);
    }
    const struct record *r = NULL;
    const struct timespec moment = {.tv_nsec = NS_PER_S / 100};
    /* The kernel waits for a second before it tries again. */
    for (int64_t end_ns = clock_mono_ns() + 10 * NS_PER_S; !r && clock_mono_ns() < end_ns;) {
        nanosleep(&moment, NULL);
        look();
        r = record_of(getpid(), BPF_RECORD_RESENT);
    }
    assert_non_null(r);
    assert_int_equal(r->socket.state, 2); /* TCP_SYN_SENT */
    assert_int_equal(r->socket.direction, BPF_DIRECTION_OUT);
    assert_int_equal(r->socket.remote_port, ntohs(to.v4.sin_port));
    assert_int_equal(r->socket.retransmits, 1);
    assert_false(r->socket.established);
    assert_string_equal(r->socket.owner.command, "test_ebpf_kerne");
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
    close(listener);
}

/* ---- DNS and drops --------------------------------------------------------------------------- */

static const uint8_t question[] = {0x12, 0x34, 1, 0,   0,   1,   0,   0, 0, 0, 0, 0,
                                   1,    'a',  4, 't', 'e', 's', 't', 0, 0, 1, 0, 1};

static void test_dns(void **state)
{
    struct address to = {.len = sizeof(to.v4)};
    (void)state;
    int server = socket(AF_INET, SOCK_DGRAM, 0);
    to.v4 = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(server, &to.any, to.len), 0);
    pid_t client;
    CHILD(client)
    {
        char data[512];
        int fd = socket(AF_INET, SOCK_DGRAM, 0);
        DO(sendto(fd, question, sizeof(question), 0, &to.any, to.len) == sizeof(question));
        DO(recv(fd, data, sizeof(data), 0) == sizeof(question));
        _exit(0);
    }
    struct address from = {.len = sizeof(from.v6)};
    uint8_t data[512];
    assert_int_equal(recvfrom(server, data, sizeof(data), 0, &from.any, &from.len),
                     sizeof(question));
    data[2] |= 0x80;
    assert_int_equal(sendto(server, data, sizeof(question), 0, &from.any, from.len),
                     sizeof(question));
    wait_for(client);
    close(server);
    look();
    size_t asked = 0, answered = 0;
    for (size_t i = 0; i < stand->records_count; i++) {
        const struct bpf_record_dns *r = &stand->records[i].dns;
        uint16_t port = r->answer ? ntohs(from.v4.sin_port) : r->local_port;
        if (stand->records[i].kind != BPF_RECORD_DNS || r->remote_port != 53 ||
            r->local_port != port || r->kept_bytes != sizeof(question) ||
            memcmp(r->message, r->answer ? data : question, sizeof(question)) != 0)
            continue;
        assert_int_equal(r->message_bytes, sizeof(question));
        assert_memory_equal(r->remote, &to.v4.sin_addr, 4);
        assert_memory_equal(r->local, &to.v4.sin_addr, 4);
        if (!r->answer) {
            assert_int_equal(r->owner.process.pid, client);
            assert_string_equal(r->owner.command, "test_ebpf_kerne");
        }
        asked += !r->answer;
        answered += r->answer;
    }
    assert_int_equal(asked, 1);
    assert_int_equal(answered, 1);
}

static uint64_t drops_at(uint16_t port, const char *wanted)
{
    struct bpf_drop_key keys[256];
    uint64_t values[256], found = 0;
    struct bpf_walk walk = BPF_WALK_INIT(stand->programs.maps[BPF_MAP_DROP_PORTS]);
    while (!walk.done) {
        uint32_t count;
        assert_int_equal(bpf_walk_next(&walk, keys, values, 256, &count), 0);
        for (uint32_t i = 0; i < count; i++) {
            char name[BPF_REASON_NAME_MAX] = "";
            uint32_t reason = keys[i].reason;
            bpf_map_look_up(stand->programs.maps[BPF_MAP_REASONS], &reason, name);
            if (keys[i].port == port && keys[i].protocol == IPPROTO_UDP &&
                strcmp(name, wanted) == 0)
                found += values[i];
        }
    }
    return found;
}

static void test_drops(void **state)
{
    struct address to = {.len = sizeof(to.v4)};
    const uint16_t port = 7; /* nobody listens there in a network of our own */
    (void)state;
    to.v4 = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    uint64_t before = drops_at(port, "SKB_DROP_REASON_NO_SOCKET");
    for (int i = 0; i < 17; i++)
        assert_int_equal(sendto(fd, "x", 1, 0, &to.any, to.len), 1);
    close(fd);
    assert_int_equal(drops_at(port, "SKB_DROP_REASON_NO_SOCKET") - before, 17);
}

/* ---- the keeper ------------------------------------------------------------------------------ */

/* What it loaded goes on without it. */
static void test_keeper_dies(void **state)
{
    struct keeper_status status;
    (void)state;
    keeper_status(stand->keeper, &status);
    assert_int_equal(kill(status.pid, SIGKILL), 0);
    while (kill(status.pid, 0) == 0) /* until its nurse has reaped it */
        continue;
    check_tcp(AF_INET);
}

/* Sealed: nothing can be loaded any more, and the rights that it takes are gone. */
static void test_sealed(void **state)
{
    struct keeper_programs programs;
    struct keeper_status status;
    (void)state;
    assert_int_equal(keeper_seal(stand->keeper), 0);
    assert_false(keeper_can_load(stand->keeper));
    assert_int_equal(keeper_load_bpf(stand->keeper, PARTS, &programs), -EPERM);
    keeper_status(stand->keeper, &status);
    assert_true(status.alive);
    assert_true(status.capabilities == UINT64_C(1) << CAP_NET_ADMIN);
    assert_int_equal(keeper_seal(stand->keeper), 0); /* again changes nothing */
}

/* ---- stand ----------------------------------------------------------------------------------- */

static void own_network(void)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    if (unshare(CLONE_NEWNET) < 0) {
        snprintf(why_not, sizeof(why_not), "no network namespace: %s", strerror(errno));
        return;
    }
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
        snprintf(why_not, sizeof(why_not), "no loopback device: %s", strerror(errno));
    close(fd);
}

static int start(uint32_t parts)
{
    const struct keeper_settings settings = {.capabilities = UINT64_C(1) << CAP_NET_ADMIN |
                                                             UINT64_C(1) << CAP_BPF |
                                                             UINT64_C(1) << CAP_PERFMON};
    struct bpf_support support;
    struct utsname name;
    stand = mem_alloc(sizeof(*stand));
    uname(&name);
    bpf_support_read("/proc", "/sys", name.release, &support);
    if ((support.parts & parts) != parts) {
        snprintf(why_not, sizeof(why_not), "%s", support.reason);
        return 0;
    }
    int err = keeper_start(&settings, &stand->keeper);
    if (!err)
        err = keeper_load_bpf(stand->keeper, parts, &stand->programs);
    if (err == -EPERM || err == -ENOSYS) {
        snprintf(why_not, sizeof(why_not), "programs cannot be loaded: %s", strerror(-err));
        return 0;
    }
    if (err || stand->programs.parts != parts) {
        fprintf(stderr, "programs: %s, parts %x\n", strerror(-err), stand->programs.parts);
        return -1;
    }
    stand->processes = processes_new();
    return ring_map_new(stand->programs.maps[BPF_MAP_RING], BPF_RING_BYTES, &stand->ring);
}

static void stop(void)
{
    ring_map_free(stand->ring);
    processes_free(stand->processes);
    keeper_programs_close(&stand->programs);
    keeper_stop(stand->keeper);
    free(stand);
}

static int before(void **state)
{
    (void)state;
    stand->people_count = stand->records_count = 0;
    if (!*why_not)
        look(); /* what others did before */
    stand->people_count = stand->records_count = 0;
    return 0;
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup(f, before)
    const struct CMUnitTest tests[] = {
        CASE(test_tcp),         CASE(test_udp),     CASE(test_udp_without_peer),
        CASE(test_short_lives), CASE(test_ways),    CASE(test_ring),
        CASE(test_connection),  CASE(test_refused), CASE(test_resent),
        CASE(test_dns),         CASE(test_drops),   CASE(test_sealed),
        CASE(test_keeper_dies),
    };
    /* As kernels before 6.3 do it; there is no need for one. */
    const struct CMUnitTest portable[] = {
        CASE(test_portable_tcp),         CASE(test_portable_late), CASE(test_portable_udp),
        CASE(test_portable_short_lives), CASE(test_refused),
    };
    const char *watcher = watched_by();
    if (watcher && strcmp(watcher, "valgrind") == 0) {
        printf("valgrind does not know what bpf() writes into memory\n");
        return 77;
    }
    own_network();
    if (!*why_not && start(PARTS) < 0)
        return 1;
    if (*why_not) {
        printf("%s\n", why_not);
        return 77;
    }
    int failed = cmocka_run_group_tests_name("ebpf_kernel", tests, NULL, NULL);
    stop();
    if (start(PORTABLE) < 0)
        return 1;
    if (*why_not) {
        printf("# the portable part was skipped: %s\n", why_not);
        return failed;
    }
    failed += cmocka_run_group_tests_name("ebpf_portable", portable, NULL, NULL);
    stop();
    return failed;
}
