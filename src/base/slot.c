/* slot.c: see slot.h. The lock is held for a count and a pointer; what leaves is given back after.
 */
#include "base/slot.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"

struct slot {
    pthread_mutex_t lock; /* guards item */
    void *item;
    void *(*ref)(void *item);
    void (*unref)(void *item);
};

struct slot *slot_new(void *item, void *(*ref)(void *item), void (*unref)(void *item))
{
    struct slot *s = mem_alloc(sizeof(*s));
    CHECK(pthread_mutex_init(&s->lock, NULL) == 0);
    s->item = item;
    s->ref = ref;
    s->unref = unref;
    return s;
}

void slot_free(struct slot *s)
{
    if (!s)
        return;
    s->unref(s->item);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void slot_set(struct slot *s, void *item)
{
    CHECK(pthread_mutex_lock(&s->lock) == 0);
    void *old = s->item;
    s->item = item;
    CHECK(pthread_mutex_unlock(&s->lock) == 0);
    s->unref(old);
}

void *slot_get(struct slot *s)
{
    CHECK(pthread_mutex_lock(&s->lock) == 0);
    void *item = s->ref(s->item);
    CHECK(pthread_mutex_unlock(&s->lock) == 0);
    return item;
}
