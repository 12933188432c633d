/*
 * pairs.c: see pairs.h. A listener of its own; each connection is accepted before the next is made,
 * so no backlog is needed. Closed with a reset: thousands of ends in TIME-WAIT would be
 * in the way of what is measured next.
 */
#include "bench/pairs.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/usage.h"

#define OWN_DESCRIPTORS 256 /* those of engines and the like */

struct pairs {
    unsigned count;
    int fd[][2];
};

static int loopback_listener(struct sockaddr_in *ret)
{
    socklen_t len = sizeof(*ret);
    *ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)ret, len) < 0 || listen(fd, 16) < 0 ||
        getsockname(fd, (struct sockaddr *)ret, &len) < 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

static int make_pair(int listener, const struct sockaddr_in *address, int ret[2])
{
    int err = 0;
    ret[1] = -1;
    ret[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (ret[0] < 0)
        return -errno;
    if (connect(ret[0], (const struct sockaddr *)address, sizeof(*address)) < 0)
        err = -errno;
    while (!err && ret[1] < 0) {
        ret[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (ret[1] < 0 && errno != EINTR)
            err = -errno;
    }
    if (err)
        close(ret[0]);
    return err;
}

int pairs_open(unsigned count, struct pairs **ret)
{
    struct sockaddr_in address;
    *ret = NULL;
    if (!count)
        return 0;
    if (usage_want_descriptors(OWN_DESCRIPTORS + 2ULL * count) < OWN_DESCRIPTORS + 2ULL * count)
        return -EMFILE;
    int listener = loopback_listener(&address);
    if (listener < 0)
        return listener;
    struct pairs *p = mem_alloc(sizeof(*p) + count * sizeof(p->fd[0]));
    int err = 0;
    while (!err && p->count < count) {
        err = make_pair(listener, &address, p->fd[p->count]);
        p->count += !err;
    }
    close(listener);
    if (err)
        pairs_close(p);
    else
        *ret = p;
    return err;
}

void pairs_close(struct pairs *p)
{
    const struct linger reset = {.l_onoff = 1};
    for (unsigned i = 0; p && i < p->count; i++) {
        setsockopt(p->fd[i][0], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        close(p->fd[i][0]);
        close(p->fd[i][1]);
    }
    free(p);
}
