/*
 * origin.c: boot id and network namespace as one text.
 *
 * The namespace's cookie is never given to another one in the same boot. The inode of the
 * namespace's file, which stands in for it on kernels before 5.14, is: the next namespace may get
 * the number of the last one that went.
 */
#include "daemon/origin.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

static uint64_t namespace_cookie(void)
{
    uint64_t cookie = 0;
#ifdef SO_NETNS_COOKIE
    socklen_t len = sizeof(cookie);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0)
        cookie = 0;
    if (fd >= 0)
        close(fd);
#endif
    return cookie;
}

static uint64_t namespace_inode(void)
{
    struct stat st;
    return stat("/proc/self/ns/net", &st) < 0 ? 0 : (uint64_t)st.st_ino;
}

void origin_of_counters(char out[ORIGIN_MAX])
{
    char boot[CLOCK_BOOT_ID_LEN + 1];
    clock_boot_id(boot);
    out[0] = '\0';
    if (!boot[0])
        return;
    uint64_t cookie = namespace_cookie();
    if (cookie)
        snprintf(out, ORIGIN_MAX, "%s net:%" PRIu64, boot, cookie);
    else
        snprintf(out, ORIGIN_MAX, "%s ns:%" PRIu64, boot, namespace_inode());
}
