/* notify.c: see notify.h. A name that begins with '@' is in the abstract namespace. */
#include "daemon/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

struct notify {
    int fd;
};

struct notify *notify_open(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (!path || !*path)
        return NULL;
    size_t len = strlen(path);
    if (len >= sizeof(addr.sun_path) || (path[0] != '/' && path[0] != '@')) {
        log_warning("daemon", "NOTIFY_SOCKET=%s is no socket address; going on without", path);
        return NULL;
    }
    memcpy(addr.sun_path, path, len);
    if (path[0] == '@')
        addr.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, size) < 0) {
        log_warning("daemon", "cannot reach the service manager at %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    struct notify *n = mem_alloc(sizeof(*n));
    n->fd = fd;
    return n;
}

void notify_send(struct notify *n, const char *state)
{
    if (n && send(n->fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        log_warning("daemon", "cannot tell the service manager %s: %s", state, strerror(errno));
}

void notify_close(struct notify *n)
{
    if (!n)
        return;
    close(n->fd);
    free(n);
}
