/* tally.c: see tally.h. The map's pointers are the numbers themselves. */
#include "base/tally.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "base/mem.h"

struct tally {
    pthread_mutex_t lock; /* guards counts */
    struct map counts;
};

struct tally *tally_new(void)
{
    struct tally *t = mem_alloc(sizeof(*t));
    CHECK(pthread_mutex_init(&t->lock, NULL) == 0);
    map_init(&t->counts);
    return t;
}

void tally_free(struct tally *t)
{
    if (!t)
        return;
    pthread_mutex_destroy(&t->lock);
    map_fini(&t->counts);
    free(t);
}

bool tally_add(struct tally *t, const char *name, uint32_t most)
{
    pthread_mutex_lock(&t->lock);
    uintptr_t count = (uintptr_t)map_get(&t->counts, name);
    bool room = count < most;
    if (room)
        map_put(&t->counts, name, (void *)(count + 1));
    pthread_mutex_unlock(&t->lock);
    return room;
}

void tally_remove(struct tally *t, const char *name)
{
    pthread_mutex_lock(&t->lock);
    uintptr_t count = (uintptr_t)map_get(&t->counts, name);
    CHECK(count > 0);
    if (count > 1)
        map_put(&t->counts, name, (void *)(count - 1));
    else
        map_remove(&t->counts, name);
    pthread_mutex_unlock(&t->lock);
}
