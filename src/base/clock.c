/* clock.c: thin over clock_gettime, which the vDSO answers without a system call. */
#include "base/clock.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/defs.h"

int64_t clock_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

int64_t clock_mono_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

void clock_boot_id(char id[CLOCK_BOOT_ID_LEN + 1])
{
    id[0] = '\0';
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t got = read(fd, id, CLOCK_BOOT_ID_LEN);
    close(fd);
    id[got == CLOCK_BOOT_ID_LEN ? CLOCK_BOOT_ID_LEN : 0] = '\0';
}
