/*
 * parcel.h: an encoded message on its way from the core thread to viewers, with what a queue must
 * know about it. Frames are shared: a parcel holds one reference of each.
 *
 * A list with a deflater makes the compressed form of what is put into it, on the core thread and
 * once, however many viewers take it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "wire/deflate.h"

/* A message in its two forms. */
struct frame {
    struct bytes *plain;
    struct bytes *packed; /* NULL: nobody wanted it, or it does not pay */
    bool tried;           /* ... and that is known */
};

enum parcel_urgency {
    PARCEL_KEEP,   /* must arrive: answers, series, events, gaps */
    PARCEL_LATEST, /* only the newest matters: metrics, tables */
};

struct parcel {
    struct frame frame;
    uint64_t seq; /* 0: has none */
    enum parcel_urgency urgency;
    bool complete; /* LATEST: stands alone; false: a change to the parcel before */
};

struct parcels {
    struct parcel *items;
    size_t count, capacity;
    size_t failed;              /* frames that could not be made for lack of memory */
    size_t made, made_bytes;    /* frames that were encoded for this list; others have them, too */
    struct deflater *deflater;  /* NULL: plain only; borrowed */
    size_t packed, tried_bytes; /* frames compressed; bytes that were looked at for it */
};

#define PARCELS_INIT ((struct parcels){0})

/* A new frame: takes it; NULL counts as failed. */
void parcels_add(struct parcels *list, struct bytes *frame, uint64_t seq,
                 enum parcel_urgency urgency, bool complete);
/* A frame that is kept elsewhere: takes references of its own, and leaves the compressed form with
 * it when it makes one; NULL counts as failed. */
void parcels_refer(struct parcels *list, struct frame *frame, uint64_t seq,
                   enum parcel_urgency urgency, bool complete);
/* Makes the compressed form of what is in the list already. */
void parcels_pack(struct parcels *list);
/* Adds all of `from` to `list`, and how many are missing; the frames are shared. */
void parcels_share(struct parcels *list, const struct parcels *from);
void parcels_fini(struct parcels *list);

/* The form for a viewer: compressed where it takes that and there is one. Borrowed. */
struct bytes *parcel_frame(const struct parcel *p, bool deflate);

void frame_fini(struct frame *frame);
