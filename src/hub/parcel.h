/*
 * parcel.h: an encoded message on its way from the core thread to viewers, with what a queue must
 * know about it. Frames are shared: a parcel holds one reference.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum parcel_urgency {
    PARCEL_KEEP,   /* must arrive: answers, series, events, gaps */
    PARCEL_LATEST, /* only the newest matters: metrics, tables */
};

struct parcel {
    struct bytes *frame;
    uint64_t seq; /* 0: has none */
    enum parcel_urgency urgency;
    bool complete; /* LATEST: stands alone; false: a change to the parcel before */
};

struct parcels {
    struct parcel *items;
    size_t count, capacity;
    size_t failed;           /* frames that could not be made for lack of memory */
    size_t made, made_bytes; /* frames that were encoded for this list; others have them, too */
};

#define PARCELS_INIT ((struct parcels){0})

/* A new frame: takes it; NULL counts as failed. */
void parcels_add(struct parcels *list, struct bytes *frame, uint64_t seq,
                 enum parcel_urgency urgency, bool complete);
/* A frame that is kept elsewhere: takes a reference of its own; NULL counts as failed. */
void parcels_refer(struct parcels *list, struct bytes *frame, uint64_t seq,
                   enum parcel_urgency urgency, bool complete);
/* Adds all of `from` to `list`; the frames are shared. */
void parcels_share(struct parcels *list, const struct parcels *from);
void parcels_fini(struct parcels *list);
