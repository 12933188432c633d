/* parcel.c: see parcel.h. */
#include "hub/parcel.h"

#include <stdlib.h>

#include "base/mem.h"

static void parcels_append(struct parcels *list, struct parcel p)
{
    if (!p.frame.plain) {
        list->failed++;
        return;
    }
    if (list->count == list->capacity) {
        list->capacity = MAX(list->capacity * 2, (size_t)4);
        list->items = mem_resize(list->items, list->capacity, sizeof(*list->items));
    }
    list->items[list->count++] = p;
}

static void parcels_pack_frame(struct parcels *list, struct frame *frame)
{
    if (!list->deflater || frame->tried || !frame->plain)
        return;
    frame->packed = deflater_pack(list->deflater, frame->plain);
    frame->tried = true;
    list->packed += frame->packed != NULL;
    list->tried_bytes += frame->plain->len;
}

void parcels_add(struct parcels *list, struct bytes *frame, uint64_t seq,
                 enum parcel_urgency urgency, bool complete)
{
    struct frame made = {.plain = frame};
    list->made += frame != NULL;
    list->made_bytes += frame ? frame->len : 0;
    parcels_pack_frame(list, &made);
    parcels_append(list, (struct parcel){made, seq, urgency, complete});
}

static struct frame frame_ref(const struct frame *frame)
{
    struct frame copy = *frame;
    if (copy.plain)
        bytes_ref(copy.plain);
    if (copy.packed)
        bytes_ref(copy.packed);
    return copy;
}

void parcels_refer(struct parcels *list, struct frame *frame, uint64_t seq,
                   enum parcel_urgency urgency, bool complete)
{
    parcels_pack_frame(list, frame);
    parcels_append(list, (struct parcel){frame_ref(frame), seq, urgency, complete});
}

void parcels_pack(struct parcels *list)
{
    for (size_t i = 0; i < list->count; i++)
        parcels_pack_frame(list, &list->items[i].frame);
}

void parcels_share(struct parcels *list, const struct parcels *from)
{
    for (size_t i = 0; i < from->count; i++) {
        struct parcel p = from->items[i];
        p.frame = frame_ref(&p.frame);
        parcels_append(list, p);
    }
    list->failed += from->failed;
}

void parcels_fini(struct parcels *list)
{
    for (size_t i = 0; i < list->count; i++)
        frame_fini(&list->items[i].frame);
    free(list->items);
    *list = PARCELS_INIT;
}

struct bytes *parcel_frame(const struct parcel *p, bool deflate)
{
    return deflate && p->frame.packed ? p->frame.packed : p->frame.plain;
}

void frame_fini(struct frame *frame)
{
    bytes_unref(frame->plain);
    bytes_unref(frame->packed);
    *frame = (struct frame){0};
}
