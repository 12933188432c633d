/* heard.c: see heard.h. A ring; `first` is the number of the oldest that waits. */
#include "collect/packet/heard.h"

#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/mem.h"

struct heard {
    uint64_t first, next;
    struct heard_name ring[HEARD_MAX];
};

struct heard *heard_new(void)
{
    return mem_alloc(sizeof(struct heard));
}

void heard_free(struct heard *h)
{
    free(h);
}

void heard_add(struct heard *h, const struct dns_address *address, const char *name)
{
    struct heard_name *into = &h->ring[h->next % HEARD_MAX];
    size_t len = strnlen(name, HEARD_NAME_MAX - 1);
    *into = (struct heard_name){.family = address->family, .ttl_s = address->ttl_s};
    memcpy(into->address, address->address, address->family == 4 ? 4 : 16);
    memcpy(into->name, name, len);
    h->next++;
    if (h->next - h->first > HEARD_MAX)
        h->first = h->next - HEARD_MAX; /* whoever takes the rest sees that numbers are missing */
}

void heard_forget(struct heard *h, uint64_t before)
{
    h->first = MAX(h->first, MIN(before, h->next));
}

static void heard_destroy(struct message *msg)
{
    free(CONTAINER_OF(msg, struct heard_names, msg));
}

struct heard_names *heard_freeze(const struct heard *h)
{
    uint64_t count = h->next - h->first;
    if (!count)
        return NULL;
    struct heard_names *names = mem_alloc(sizeof(*names) + count * sizeof(names->names[0]));
    message_init(&names->msg, heard_destroy);
    names->first = h->first;
    names->count = count;
    for (uint64_t i = 0; i < count; i++)
        names->names[i] = h->ring[(h->first + i) % HEARD_MAX];
    return names;
}
