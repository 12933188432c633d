/*
 * fan_bare.c: the floor: a server that does nothing but epoll and send(). It believes every client,
 * knows no limits, no time-outs and no queue: a client that is behind misses messages, and one that
 * gets half a message is cut off. See fan_args.h.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/defs.h"
#include "bench/message.h"
#include "bench/usage.h"
#include "fan_args.h"
#include "wire/websocket.h"

#define CLIENTS_MAX 200000

struct server {
    struct fan_args args;
    int epoll, listener, timer;
    bool open[CLIENTS_MAX]; /* by descriptor: has upgraded */
    int clients[CLIENTS_MAX];
    unsigned count;
    uint64_t seq;
};

static struct server server;

static void watch(int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(server.epoll, EPOLL_CTL_ADD, fd, &event);
}

static void client_gone(int fd)
{
    for (unsigned i = 0; server.open[fd] && i < server.count; i++) {
        if (server.clients[i] == fd) {
            server.clients[i] = server.clients[--server.count];
            break;
        }
    }
    server.open[fd] = false;
    close(fd);
}

static void tick(void)
{
    uint64_t expired;
    if (read(server.timer, &expired, sizeof(expired)) != sizeof(expired))
        return;
    struct bytes *frame = message_frame(server.args.size, ++server.seq, clock_mono_ns());
    if (!frame)
        return;
    for (unsigned i = 0; i < server.count; i++) {
        ssize_t sent =
            send(server.clients[i], frame->data, frame->len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0 && (size_t)sent < frame->len)
            shutdown(server.clients[i], SHUT_RDWR);
    }
    bytes_unref(frame);
}

static void go(void)
{
    int64_t every_ns = NS_PER_S / server.args.rate;
    struct itimerspec timer = {
        .it_interval = {.tv_sec = every_ns / NS_PER_S, .tv_nsec = every_ns % NS_PER_S}};
    timer.it_value = timer.it_interval;
    if (server.seq == 0)
        timerfd_settime(server.timer, 0, &timer, NULL);
}

static void accept_clients(void)
{
    for (int fd; (fd = accept4(server.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        if (fd >= CLIENTS_MAX)
            close(fd);
        else
            watch(fd);
    }
}

/* The request, which is there as a whole since the crowd sends it so; or a frame: "go". */
static void client_readable(int fd)
{
    static const char name[] = "Sec-WebSocket-Key: ";
    char data[4096], accept[WS_ACCEPT_LEN + 1], answer[256];
    ssize_t len = recv(fd, data, sizeof(data) - 1, 0);
    if (len < 0 && errno == EAGAIN)
        return;
    if (len <= 0) {
        client_gone(fd);
        return;
    }
    if (server.open[fd]) {
        go();
        return;
    }
    data[len] = '\0';
    char *key = strstr(data, name);
    if (!key) {
        client_gone(fd);
        return;
    }
    key += sizeof(name) - 1;
    key[strcspn(key, "\r")] = '\0';
    ws_accept(key, accept);
    len = snprintf(answer, sizeof(answer),
                   "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                   "Upgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                   accept);
    if (send(fd, answer, (size_t)len, MSG_NOSIGNAL) != len) {
        client_gone(fd);
        return;
    }
    server.open[fd] = true;
    server.clients[server.count++] = fd;
}

int main(int argc, char **argv)
{
    static const int on = 1;
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof(at);
    fan_args_read(&server.args, argc, argv);
    usage_want_descriptors((uint64_t)server.args.clients + 64);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.epoll = epoll_create1(EPOLL_CLOEXEC);
    server.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (setsockopt(server.listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
        bind(server.listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
        listen(server.listener, 4096) < 0 ||
        getsockname(server.listener, (struct sockaddr *)&at, &size) < 0) {
        perror("fan_bare");
        return 1;
    }
    watch(server.listener);
    watch(server.timer);
    fan_args_listening(ntohs(at.sin_port));
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(server.epoll, events, (int)ARRAY_LEN(events), -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == server.listener)
                accept_clients();
            else if (fd == server.timer)
                tick();
            else
                client_readable(fd);
        }
    }
}
