/*
 * listener.c: a set of listening sockets, and what happens when there are too many clients.
 *
 * Bound early (before the sandbox), watched late (on a loop). The sockets carry the options that
 * accepted ones inherit: TCP_NODELAY, since a frame is written whole and must leave at once, and
 * TCP_NOTSENT_LOWAT, which keeps the backlog of a slow client in our queue, where it can still be
 * replaced by something newer, instead of in the kernel's, where it cannot.
 *
 * No descriptor left: the client waits in the backlog and the socket stays readable, which would
 * spin the loop. A spare descriptor is given up to accept the client and turn him away; where even
 * that fails, listening pauses for a moment.
 */
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/net_internal.h"

#define BACKLOG 4096          /* the kernel cuts it to net.core.somaxconn */
#define NOT_SENT_BYTES 131072 /* TCP_NOTSENT_LOWAT */
#define ACCEPTS_PER_TURN 64   /* so that clients who are here get their turn too */
#define BACK_OFF_MS 100

struct listener {
    uv_poll_t poll;
    struct listeners *set;
    struct net_address address;
    char *name;
    int fd;
};

struct listeners {
    struct listener **list;
    size_t count;
    bool share_port;
    struct net *net;
    void (*accepted)(struct conn *conn, void *user);
    void *user;
    uv_timer_t back_off;
    int spare; /* a descriptor to give up, -1 = none */
    bool started, stopped;
};

struct listeners *listeners_new(bool share_port)
{
    struct listeners *l = mem_alloc(sizeof(*l));
    l->share_port = share_port;
    l->spare = -1;
    return l;
}

/* ---- binding ---- */

/* Splits "host:port"; brackets are taken off. False when it is not of that form. */
static bool split_spec(const char *spec, char **ret_host, char **ret_port)
{
    const char *colon = strrchr(spec, ':');
    uint64_t port;
    if (!colon || text_u64(colon + 1, &port) != 0 || port > 65535)
        return false;
    size_t len = (size_t)(colon - spec);
    bool brackets = len >= 2 && spec[0] == '[' && spec[len - 1] == ']';
    if (!brackets && memchr(spec, ':', len)) /* an IPv6 address wants brackets */
        return false;
    *ret_host = brackets ? mem_string_n(spec + 1, len - 2) : mem_string_n(spec, len);
    *ret_port = mem_string(colon + 1);
    return true;
}

static int set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0 ? 0 : -errno;
}

enum sharing { ALONE, SHARED };

/* A listening socket for one address: the descriptor or a negative errno. */
static int open_socket(const struct sockaddr *address, socklen_t len, enum sharing sharing)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (fd < 0)
        return -errno;
    int error = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (!error && sharing == SHARED)
        error = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (!error && address->sa_family == AF_INET6)
        error = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (!error)
        error = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (!error)
        error = set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, NOT_SENT_BYTES);
    if (!error && bind(fd, address, len) != 0)
        error = -errno;
    if (!error && listen(fd, BACKLOG) != 0)
        error = -errno;
    if (error)
        close(fd);
    return error ? error : fd;
}

/* Another program of the same user that shares its ports, too, would get a part of our clients
 * without anybody noticing: only who listens alone is told that the port is in use. */
static int open_first(const struct addrinfo *at, bool share_port)
{
    int fd = open_socket(at->ai_addr, at->ai_addrlen, ALONE);
    if (fd < 0 || !share_port)
        return fd;
    struct sockaddr_storage bound = {0}; /* with the port that the kernel chose, if it had to */
    socklen_t len = sizeof(bound);
    int error = getsockname(fd, (struct sockaddr *)&bound, &len) == 0 ? 0 : -errno;
    close(fd);
    return error ? error : open_socket((struct sockaddr *)&bound, len, SHARED);
}

static void add_socket(struct listeners *l, int fd, const char *name)
{
    struct listener *one = mem_alloc(sizeof(*one));
    struct sockaddr_storage bound;
    socklen_t len = sizeof(bound);
    CHECK(getsockname(fd, (struct sockaddr *)&bound, &len) == 0);
    one->address = net_address_from(&bound);
    one->name = mem_string(name);
    one->set = l;
    one->fd = fd;
    l->list = mem_resize(l->list, l->count + 1, sizeof(struct listener *));
    l->list[l->count++] = one;
}

static void explain(const char *spec, const char *port, int error, char *why, size_t size)
{
    switch (error) {
    case -EADDRINUSE:
        snprintf(why, size,
                 "cannot listen on %s: another program is using it (\"ss -ltnp sport = :%s\" "
                 "shows which). Stop that program, or choose another port with --listen or "
                 "serve.listen",
                 spec, port);
        break;
    case -EACCES:
        snprintf(why, size,
                 "cannot listen on %s: ports below 1024 need CAP_NET_BIND_SERVICE. Choose a "
                 "higher port with --listen or serve.listen",
                 spec);
        break;
    case -EADDRNOTAVAIL:
        snprintf(why, size,
                 "cannot listen on %s: no interface of this host has that address (\"ip address\" "
                 "shows what there is)",
                 spec);
        break;
    case -EAFNOSUPPORT:
        snprintf(why, size, "cannot listen on %s: this host does not speak that IP version", spec);
        break;
    default:
        snprintf(why, size, "cannot listen on %s: %s", spec, strerror(-error));
        break;
    }
}

int listeners_add(struct listeners *l, const char *spec, char *why, size_t why_size)
{
    CLEANUP(mem_freep) char *host = NULL;
    CLEANUP(mem_freep) char *port = NULL;
    CHECK(!l->started);
    if (!split_spec(spec, &host, &port)) {
        snprintf(why, why_size,
                 "\"%s\" is no address to listen on: expected ADDRESS:PORT, for example "
                 "127.0.0.1:7477 or [::1]:7477",
                 spec);
        return -EINVAL;
    }

    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int lookup = getaddrinfo(*host ? host : NULL, port, &hints, &found);
    if (lookup != 0) {
        snprintf(why, why_size, "cannot listen on %s: %s: %s", spec, host, gai_strerror(lookup));
        return -EADDRNOTAVAIL;
    }
    /* A name has several addresses, of which this host may lack e.g. the IPv6 one: that is fine as
     * long as one works. Any other error is not. */
    int error = 0;
    size_t before = l->count;
    for (struct addrinfo *at = found; at && error == 0; at = at->ai_next) {
        int fd = open_first(at, l->share_port);
        if (fd >= 0)
            add_socket(l, fd, host);
        else if ((fd != -EAFNOSUPPORT && fd != -EADDRNOTAVAIL) ||
                 (!at->ai_next && l->count == before))
            error = fd;
    }
    freeaddrinfo(found);
    if (error)
        explain(spec, port, error, why, why_size);
    return error;
}

struct listeners *listeners_again(const struct listeners *l)
{
    CHECK(l->share_port && !l->started);
    struct listeners *again = listeners_new(true);
    for (size_t i = 0; i < l->count; i++) {
        struct sockaddr_storage address;
        socklen_t len = net_address_to(&l->list[i]->address, &address);
        int fd = open_socket((struct sockaddr *)&address, len, SHARED);
        if (fd < 0) {
            listeners_free(again);
            errno = -fd;
            return NULL;
        }
        add_socket(again, fd, l->list[i]->name);
    }
    return again;
}

size_t listeners_count(const struct listeners *l)
{
    return l->count;
}

const struct net_address *listeners_address(const struct listeners *l, size_t index)
{
    CHECK(index < l->count);
    return &l->list[index]->address;
}

const char *listeners_name(const struct listeners *l, size_t index)
{
    CHECK(index < l->count);
    return l->list[index]->name;
}

bool listeners_loopback_only(const struct listeners *l)
{
    for (size_t i = 0; i < l->count; i++) {
        if (!net_address_is_loopback(&l->list[i]->address))
            return false;
    }
    return true;
}

/* ---- accepting ---- */

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_back_off_over(uv_timer_t *timer)
{
    struct listeners *l = timer->data;
    for (size_t i = 0; i < l->count; i++)
        CHECK(uv_poll_start(&l->list[i]->poll, UV_READABLE, on_readable) == 0);
}

static void back_off(struct listeners *l)
{
    for (size_t i = 0; i < l->count; i++)
        uv_poll_stop(&l->list[i]->poll);
    CHECK(uv_timer_start(&l->back_off, on_back_off_over, BACK_OFF_MS, 0) == 0);
}

static void take_spare(struct listeners *l)
{
    if (l->spare < 0)
        l->spare = fcntl(l->list[0]->fd, F_DUPFD_CLOEXEC, 0);
}

/* Turns a client away; the text leaves if the kernel takes it at once. */
static void turn_away(const struct net *net, int fd)
{
    if (net->refusal && !net->tls) /* before a handshake nothing can be said */
        (void)!send(fd, net->refusal, strlen(net->refusal), MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
}

/* No descriptor for a client. Returns whether accepting may go on. The kernel says so before it
 * looks whether there is a client at all: only giving up the spare one shows it. */
static bool out_of_descriptors(struct listener *one, int error)
{
    struct listeners *l = one->set;
    if (error == EMFILE && l->spare >= 0) {
        close(l->spare);
        l->spare = -1;
        int fd = accept4(one->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        error = errno;
        if (fd >= 0) {
            l->net->counters.refused_descriptors++;
            turn_away(l->net, fd);
        }
        take_spare(l);
        if (fd >= 0 || error == EAGAIN)
            return fd >= 0;
    }
    l->net->counters.refused_descriptors++;
    back_off(l);
    return false;
}

/* Accepts one client. False when there is nobody, or no going on. */
static bool accept_one(struct listener *one)
{
    struct listeners *l = one->set;
    struct sockaddr_storage from;
    socklen_t len = sizeof(from);
    int fd = accept4(one->fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        switch (errno) {
        case EAGAIN:
            return false;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            return out_of_descriptors(one, errno);
        default: /* of that one client, e.g. gone again: accept(2) */
            l->net->counters.accept_errors++;
            return true;
        }
    }
    struct net_address remote = net_address_from(&from);
    if (!net_admit(l->net, &remote)) {
        turn_away(l->net, fd);
        return true;
    }
    struct conn *conn = conn_accept(l->net, fd, &remote);
    if (!conn) {
        l->net->counters.accept_errors++;
        return true;
    }
    l->net->counters.accepted++;
    l->accepted(conn, l->user);
    return true;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct listener *one = CONTAINER_OF(poll, struct listener, poll);
    (void)status; /* an error of the socket shows in accept */
    (void)events;
    take_spare(one->set);
    for (int i = 0; i < ACCEPTS_PER_TURN && !one->set->stopped; i++) {
        if (!accept_one(one))
            return;
    }
}

int listeners_start(struct listeners *l, struct net *net,
                    void (*accepted)(struct conn *conn, void *user), void *user)
{
    CHECK(!l->started && l->count > 0);
    l->net = net;
    l->accepted = accepted;
    l->user = user;
    l->started = true;
    CHECK(uv_timer_init(net_loop(net), &l->back_off) == 0);
    l->back_off.data = l;
    take_spare(l);
    for (size_t i = 0; i < l->count; i++) {
        struct listener *one = l->list[i];
        int error = uv_poll_init(net_loop(net), &one->poll, one->fd);
        CHECK(error == 0); /* the descriptor is a fresh socket of ours, watched by nobody else */
        error = uv_poll_start(&one->poll, UV_READABLE, on_readable);
        if (error)
            return error;
    }
    return 0;
}

void listeners_stop(struct listeners *l)
{
    if (l->stopped)
        return;
    l->stopped = true;
    if (l->started)
        uv_close((uv_handle_t *)&l->back_off, NULL);
    for (size_t i = 0; i < l->count; i++) {
        if (l->started)
            uv_close((uv_handle_t *)&l->list[i]->poll, NULL);
        close(l->list[i]->fd);
    }
    if (l->spare >= 0)
        close(l->spare);
    l->spare = -1;
}

void listeners_free(struct listeners *l)
{
    if (!l)
        return;
    listeners_stop(l);
    for (size_t i = 0; i < l->count; i++) {
        free(l->list[i]->name);
        free(l->list[i]);
    }
    free(l->list);
    free(l);
}
