/* engines.c: see engines.h. */
#include "daemon/engines.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "collect/select.h"
#include "daemon/config.h"
#include "daemon/privileges.h"
#include "keeper/finder.h"
#include "keeper/keeper.h"

struct keeper *engines_start_keeper(void)
{
    const struct keeper_settings settings = {.capabilities = UINT64_C(1) << CAP_NET_ADMIN |
                                                             UINT64_C(1) << CAP_BPF |
                                                             UINT64_C(1) << CAP_PERFMON};
    struct keeper *keeper = NULL;
    int err = keeper_start(&settings, &keeper);
    if (err && err != -EPERM)
        log_warning("keeper", "cannot be started (%s): ebpf and closed connections will be missing",
                    strerror(-err));
    return keeper;
}

struct finder *engines_start_finder(void)
{
    struct finder *finder = NULL;
    int err = finder_start(&finder);
    if (err)
        log_warning("finder", "cannot be started (%s): owners of sockets will be missing",
                    strerror(-err));
    return finder;
}

int engines_new(const struct config *config, struct keeper *keeper, struct finder *finder,
                struct collector **ret)
{
    char program[4096];
    ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
    program[len > 0 ? len : 0] = '\0';
    struct engine_settings settings = {
        .proc_root = "/proc",
        .sys_root = "/sys",
        .exclude_devices = (const char *const *)config->collect.exclude_devices.items,
        .exclude_devices_count = config->collect.exclude_devices.count,
        .interval_ms = config->collect.interval_ms,
        .process_series_limit = config->collect.process_series_limit,
        .nameless = config->collect.resolve == CONFIG_RESOLVE_OFF,
        .program = *program ? program : NULL,
        .packet = {.devices = (const char *const *)config->packet.devices.items,
                   .devices_count = config->packet.devices.count,
                   .filter = config->packet.filter,
                   .snaplen = (uint32_t)config->packet.snaplen_bytes,
                   .file = *config->read ? config->read : NULL},
        .finder = finder,
        .keeper = keeper,
    };
    privileges_held(&settings.permitted, &settings.bounding);
    const struct config_list *names = &config->collect.engines;
    bool automatic = names->count == 1 && strcmp(names->items[0], "auto") == 0;
    const char *bad = NULL;
    int err = collector_new(ret, &settings, (const char *const *)names->items,
                            automatic ? 0 : names->count, &bad);
    if (err == -EINVAL && bad)
        log_error("collect", "there is no engine \"%s\" in collect.engines", bad);
    return err;
}

void engines_complain(struct collector *c)
{
    const struct collector_status *status = collector_status(c);
    const char *refused = collector_refused(c);
    if (!refused)
        log_error("collect", "no engine can work here; see netsonde doctor");
    for (size_t i = 0; refused && i < status->count; i++) {
        const char *remedy = status->engines[i].remedy;
        if (strcmp(status->engines[i].name, refused) == 0)
            log_error("collect", "collect.engines names %s, which can give nothing here: %s%s%s",
                      refused, status->engines[i].reason, *remedy ? " What would help: " : "",
                      remedy);
    }
}
