/* admission.c: see admission.h. The total is an atomic number, the addresses are a tally. */
#include "net/admission.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/tally.h"

struct admission {
    unsigned most, most_per_address;
    atomic_uint count;
    struct tally *addresses;
};

struct admission *admission_new(unsigned most, unsigned most_per_address)
{
    struct admission *admission = mem_alloc(sizeof(*admission));
    admission->most = most;
    admission->most_per_address = most_per_address;
    admission->addresses = tally_new();
    return admission;
}

void admission_free(struct admission *admission)
{
    if (!admission)
        return;
    tally_free(admission->addresses);
    free(admission);
}

/* The part of an address that counts as one client, as text. */
static void address_key(const struct net_address *remote, char key[NET_ADDRESS_TEXT_MAX])
{
    struct net_address prefix = *remote;
    if (prefix.family == 6)
        memset(prefix.ip + 8, 0, 8);
    net_address_format_ip(&prefix, key);
}

bool admission_enter(struct admission *admission)
{
    if (atomic_fetch_add_explicit(&admission->count, 1, memory_order_relaxed) < admission->most)
        return true;
    admission_leave(admission);
    return false;
}

void admission_leave(struct admission *admission)
{
    atomic_fetch_sub_explicit(&admission->count, 1, memory_order_relaxed);
}

bool admission_count(struct admission *admission, const struct net_address *client)
{
    char key[NET_ADDRESS_TEXT_MAX];
    address_key(client, key);
    return tally_add(admission->addresses, key, admission->most_per_address);
}

void admission_uncount(struct admission *admission, const struct net_address *client)
{
    char key[NET_ADDRESS_TEXT_MAX];
    address_key(client, key);
    tally_remove(admission->addresses, key);
}
