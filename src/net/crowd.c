/* crowd.c: see crowd.h. The total is an atomic number, the addresses are a tally. */
#include "net/crowd.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/tally.h"

struct crowd {
    unsigned most, most_per_address;
    atomic_uint count;
    struct tally *addresses;
};

struct crowd *crowd_new(unsigned most, unsigned most_per_address)
{
    struct crowd *crowd = mem_alloc(sizeof(*crowd));
    crowd->most = most;
    crowd->most_per_address = most_per_address;
    crowd->addresses = tally_new();
    return crowd;
}

void crowd_free(struct crowd *crowd)
{
    if (!crowd)
        return;
    tally_free(crowd->addresses);
    free(crowd);
}

static bool is_exempt(const struct net_address *remote)
{
    return !remote->family || net_address_is_loopback(remote);
}

/* The part of an address that counts as one client, as text. */
static void address_key(const struct net_address *remote, char key[NET_ADDRESS_TEXT_MAX])
{
    struct net_address prefix = *remote;
    if (prefix.family == 6)
        memset(prefix.ip + 8, 0, 8);
    net_address_format_ip(&prefix, key);
}

enum crowd_answer crowd_enter(struct crowd *crowd, const struct net_address *remote)
{
    if (atomic_fetch_add_explicit(&crowd->count, 1, memory_order_relaxed) >= crowd->most) {
        atomic_fetch_sub_explicit(&crowd->count, 1, memory_order_relaxed);
        return CROWD_FULL;
    }
    char key[NET_ADDRESS_TEXT_MAX];
    if (is_exempt(remote))
        return CROWD_ENTERED;
    address_key(remote, key);
    if (tally_add(crowd->addresses, key, crowd->most_per_address))
        return CROWD_ENTERED;
    atomic_fetch_sub_explicit(&crowd->count, 1, memory_order_relaxed);
    return CROWD_ADDRESS_FULL;
}

void crowd_leave(struct crowd *crowd, const struct net_address *remote)
{
    char key[NET_ADDRESS_TEXT_MAX];
    atomic_fetch_sub_explicit(&crowd->count, 1, memory_order_relaxed);
    if (is_exempt(remote))
        return;
    address_key(remote, key);
    tally_remove(crowd->addresses, key);
}
