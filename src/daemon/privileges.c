/*
 * privileges.c: the order matters: capabilities first (dropping the bounding set needs one), then
 * no_new_privs, which Landlock and seccomp require, then the files, then the system calls, because
 * the last filter would stop the steps before it. The process keeps its user: for root without
 * capabilities that is a user that owns many files, which is what Landlock is for.
 */
#include "daemon/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "base/log.h"
#include "daemon/sandbox.h"

static int drop_capabilities(void)
{
    bool may_bound =
        capng_get_caps_process() == 0 && capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) > 0;
    capng_clear(CAPNG_SELECT_ALL);
    /* Without that right the bounding set stays; after no_new_privs it gives nothing any more. */
    if (may_bound && capng_apply(CAPNG_SELECT_BOUNDS) < 0)
        return -EPERM;
    return capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) < 0 ? -EPERM : 0;
}

/* What the kernel says this process has now: not what was asked for. */
static void describe_capabilities(char *out, size_t size)
{
    size_t len = 0;
    if (capng_get_caps_process() < 0) {
        snprintf(out, size, "unknown: they cannot be read");
        return;
    }
    for (unsigned cap = 0; cap <= CAP_LAST_CAP && len < size; cap++) {
        const char *name = capng_capability_to_name(cap);
        if (name && capng_have_capability(CAPNG_PERMITTED, cap) > 0)
            len += (size_t)snprintf(out + len, size - len, "%s%s", len ? " " : "", name);
    }
    if (!len)
        snprintf(out, size, "none");
}

void privileges_held(uint64_t *ret_permitted, uint64_t *ret_bounding)
{
    *ret_permitted = *ret_bounding = 0;
    if (capng_get_caps_process() < 0)
        return;
    for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++) {
        if (capng_have_capability(CAPNG_PERMITTED, cap) > 0)
            *ret_permitted |= UINT64_C(1) << cap;
        if (capng_have_capability(CAPNG_BOUNDING_SET, cap) > 0)
            *ret_bounding |= UINT64_C(1) << cap;
    }
}

void privileges_drop(const struct sandbox_paths *paths, struct sandbox_report *ret)
{
    const struct rlimit none = {0, 0};
    *ret = (struct sandbox_report){0};
    tzset(); /* the C library reads the time zone's file once: while it can */
    /* A dump would hold what viewers see; and no process of the same user may look inside. */
    if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        log_warning("daemon", "core dumps stay possible: %s", strerror(errno));
    if (drop_capabilities() < 0)
        log_warning("daemon", "the capabilities cannot be given up");
    describe_capabilities(ret->capabilities, sizeof(ret->capabilities));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        log_warning("daemon", "no_new_privs cannot be set: %s", strerror(errno));
    ret->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;

    sandbox_landlock(paths, ret);
    if (!ret->landlock_abi)
        log_warning("daemon", "Landlock is %s", ret->landlock);
    sandbox_seccomp(ret);
    if (!ret->seccomp_calls)
        log_warning("daemon", "seccomp is %s", ret->seccomp);
}
