/* parcel.c: see parcel.h. */
#include "hub/parcel.h"

#include <stdlib.h>

#include "base/mem.h"

void parcels_add(struct parcels *list, struct bytes *frame, uint64_t seq,
                 enum parcel_urgency urgency, bool complete)
{
    if (!frame) {
        list->failed++;
        return;
    }
    if (list->count == list->capacity) {
        list->capacity = MAX(list->capacity * 2, (size_t)4);
        list->items = mem_resize(list->items, list->capacity, sizeof(*list->items));
    }
    list->items[list->count++] =
        (struct parcel){.frame = frame, .seq = seq, .urgency = urgency, .complete = complete};
}

void parcels_share(struct parcels *list, const struct parcels *from)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct parcel *p = &from->items[i];
        parcels_add(list, bytes_ref(p->frame), p->seq, p->urgency, p->complete);
    }
}

void parcels_fini(struct parcels *list)
{
    for (size_t i = 0; i < list->count; i++)
        bytes_unref(list->items[i].frame);
    free(list->items);
    *list = PARCELS_INIT;
}
