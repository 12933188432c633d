/*
 * ebpf_load.c: traffic on loopback whose speed tells what programs in the kernel cost.
 *
 *   ebpf_load rr SECONDS       one byte to and fro over TCP: the worst case, two calls on each side
 *   ebpf_load udp SECONDS      the same over UDP
 *   ebpf_load stream SECONDS   64 KiB writes over TCP
 *   ebpf_load connect SECONDS  connections that carry one byte
 *
 * Two processes, both on the processors that the caller allows. Prints one line of JSON: what was
 * done in a second, and the processor's time that each took in both processes together.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 65536

static char data[CHUNK];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double used(int who)
{
    struct rusage u;
    getrusage(who, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int bound(int type, struct sockaddr_in *at)
{
    socklen_t len = sizeof(*at);
    int fd = socket(AF_INET, type, 0);
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || bind(fd, (struct sockaddr *)at, len) < 0 ||
        getsockname(fd, (struct sockaddr *)at, &len) < 0)
        fail("bind");
    if (type == SOCK_STREAM && listen(fd, 128) < 0)
        fail("listen");
    return fd;
}

static int connected(int type, const struct sockaddr_in *to)
{
    const int one = 1;
    int fd = socket(AF_INET, type, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
        fail("connect");
    if (type == SOCK_STREAM)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

/* The child's part: answers, swallows or accepts, until it is ended. */
static void serve(const char *mode, int fd)
{
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    if (strcmp(mode, "udp") == 0) {
        for (ssize_t n; (n = recvfrom(fd, data, 1, 0, (struct sockaddr *)&from, &len)) > 0;)
            sendto(fd, data, (size_t)n, 0, (struct sockaddr *)&from, len);
        return;
    }
    for (int c; (c = accept(fd, NULL, NULL)) >= 0; close(c)) {
        ssize_t n;
        const int one = 1;
        setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (strcmp(mode, "stream") == 0)
            while (recv(c, data, sizeof(data), 0) > 0)
                ;
        else
            while ((n = recv(c, data, 1, 0)) > 0 && send(c, data, (size_t)n, MSG_NOSIGNAL) == n)
                ;
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in to;
    if (argc != 3)
        return 2;
    const char *mode = argv[1];
    int type = strcmp(mode, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM, listener = bound(type, &to);
    int connects = strcmp(mode, "connect") == 0, stream = strcmp(mode, "stream") == 0;
    pid_t child = fork();
    if (child == 0) {
        serve(mode, listener);
        _exit(0);
    }
    close(listener);
    int fd = connects ? -1 : connected(type, &to);
    uint64_t count = 0;
    double begin = now(), end = begin + strtod(argv[2], NULL), cpu = used(RUSAGE_SELF), at;
    do {
        for (int i = 0; i < 64; i++, count++) {
            if (connects)
                fd = connected(type, &to);
            if (send(fd, data, stream ? sizeof(data) : 1, MSG_NOSIGNAL) < 0 ||
                (!stream && recv(fd, data, 1, 0) != 1))
                fail("send");
            if (connects)
                close(fd);
        }
        at = now();
    } while (at < end);
    cpu = used(RUSAGE_SELF) - cpu;
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    cpu += used(RUSAGE_CHILDREN);
    printf("{\"per_second\": %.0f, \"cpu_us\": %.4f}\n", (double)count / (at - begin),
           cpu * 1e6 / (double)count);
    return 0;
}
