/* parcel.c: see parcel.h. */
#include "hub/parcel.h"

#include <stdlib.h>

#include "base/mem.h"

static void parcels_append(struct parcels *list, struct parcel p)
{
    if (!p.frame) {
        list->failed++;
        return;
    }
    if (list->count == list->capacity) {
        list->capacity = MAX(list->capacity * 2, (size_t)4);
        list->items = mem_resize(list->items, list->capacity, sizeof(*list->items));
    }
    list->items[list->count++] = p;
}

void parcels_add(struct parcels *list, struct bytes *frame, uint64_t seq,
                 enum parcel_urgency urgency, bool complete)
{
    list->made += frame != NULL;
    list->made_bytes += frame ? frame->len : 0;
    parcels_append(list, (struct parcel){frame, seq, urgency, complete});
}

void parcels_refer(struct parcels *list, struct bytes *frame, uint64_t seq,
                   enum parcel_urgency urgency, bool complete)
{
    parcels_append(list, (struct parcel){frame ? bytes_ref(frame) : NULL, seq, urgency, complete});
}

void parcels_share(struct parcels *list, const struct parcels *from)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct parcel *p = &from->items[i];
        parcels_refer(list, p->frame, p->seq, p->urgency, p->complete);
    }
}

void parcels_fini(struct parcels *list)
{
    for (size_t i = 0; i < list->count; i++)
        bytes_unref(list->items[i].frame);
    free(list->items);
    *list = PARCELS_INIT;
}
