/* silence.c: see silence.h. */
#include "model/silence.h"

#include <stdlib.h>

#include "base/mem.h"

static void silence_set_destroy(struct message *msg)
{
    free(CONTAINER_OF(msg, struct silence_set, msg));
}

struct silence_set *silence_set_new(size_t count)
{
    struct silence_set *set = mem_alloc(sizeof(*set) + count * sizeof(set->silences[0]));
    message_init(&set->msg, silence_set_destroy);
    set->count = count;
    return set;
}

struct silence_set *silence_set_ref(struct silence_set *set)
{
    message_ref(&set->msg);
    return set;
}

void silence_set_unref(struct silence_set *set)
{
    if (set)
        message_unref(&set->msg);
}
