/* channel.c: one row a channel; a table's channel has the table's name. */
#include "hub/channel.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *name;
    int table; /* enum table_kind, or -1 */
} channels[CHANNELS] = {
    [CHANNEL_METRICS] = {"metrics", -1},
    [CHANNEL_EVENTS] = {"events", -1},
    [CHANNEL_INTERFACES] = {"interfaces", TABLE_INTERFACES},
    [CHANNEL_CONNECTIONS] = {"connections", TABLE_CONNECTIONS},
    [CHANNEL_PROCESSES] = {"processes", TABLE_PROCESSES},
    [CHANNEL_FLOWS] = {"flows", TABLE_FLOWS},
    [CHANNEL_DNS] = {"dns", TABLE_DNS},
    [CHANNEL_PERFORMANCE] = {"performance", -1},
    [CHANNEL_ALERTS] = {"alerts", -1},
    [CHANNEL_ANOMALIES] = {"anomalies", -1},
    [CHANNEL_BASELINE] = {"baseline", -1},
    [CHANNEL_BENCHMARK] = {"benchmark", -1},
};

const char *channel_name(enum channel c)
{
    return channels[c].name;
}

int channel_parse(const char *name, enum channel *ret)
{
    for (int i = 0; i < CHANNELS; i++) {
        if (strcmp(name, channels[i].name) == 0) {
            *ret = (enum channel)i;
            return 0;
        }
    }
    return -ENOENT;
}

bool channel_is_journal(enum channel c)
{
    return c == CHANNEL_BASELINE || c == CHANNEL_BENCHMARK;
}

bool channel_table(enum channel c, enum table_kind *ret)
{
    if (channels[c].table < 0)
        return false;
    *ret = (enum table_kind)channels[c].table;
    return true;
}
