/* message.c: the last holder must see everything the others wrote before they let go. */
#include "model/message.h"

#include "base/check.h"

void message_init(struct message *msg, void (*destroy)(struct message *msg))
{
    atomic_init(&msg->refs, 1);
    msg->destroy = destroy;
}

void message_ref(struct message *msg)
{
    unsigned before = atomic_fetch_add_explicit(&msg->refs, 1, memory_order_relaxed);
    CHECK(before > 0);
}

void message_unref(struct message *msg)
{
    if (!msg)
        return;
    unsigned before = atomic_fetch_sub_explicit(&msg->refs, 1, memory_order_acq_rel);
    CHECK(before > 0);
    if (before == 1)
        msg->destroy(msg);
}
