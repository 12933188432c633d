/*
 * bulletin.c: see bulletin.h.
 *
 * The last messages lie in a ring of frames, plain and, once a viewer has wanted it, compressed.
 * The ring is bounded by their number and by their bytes; `lost_seq` is the last number that it had
 * and has not any more. Of what came before this run only the numbers are known: `first_seq`.
 *
 * An alert_state goes out without a number for the queues (parcel.seq 0): it is complete, so a
 * newer one replaces it without a loss that had to be told; a gap would claim that messages `alert`
 * of the same numbers were missing.
 */
#include "hub/bulletin.h"

#include <stdlib.h>

#include "base/mem.h"
#include "hub/channel.h"
#include "hub/encode.h"
#include "hub/encode_alert.h"

struct bulletin_item {
    uint64_t seq;
    struct frame frame;
};

struct bulletin {
    struct bulletin_item items[BULLETIN_MESSAGES];
    size_t begin, count; /* of the ring */
    size_t bytes;
    uint64_t first_seq; /* of this run; 0: not known yet */
    uint64_t last_seq;  /* of anything that was said */
    uint64_t lost_seq;
    struct alert_set *set; /* one reference; NULL: nothing is known yet */
    struct frame state;    /* of it; empty: not made yet */
    uint64_t state_seq;
};

struct bulletin *bulletin_new(uint64_t next_seq)
{
    struct bulletin *b = mem_alloc(sizeof(*b));
    b->first_seq = next_seq;
    b->last_seq = next_seq ? next_seq - 1 : 0;
    return b;
}

static struct bulletin_item *bulletin_at(struct bulletin *b, size_t index)
{
    return &b->items[(b->begin + index) % BULLETIN_MESSAGES];
}

/* The compressed form is not counted: it is smaller than the plain one, by which it is bounded. */
static void bulletin_forget_oldest(struct bulletin *b)
{
    struct bulletin_item *oldest = bulletin_at(b, 0);
    b->bytes -= oldest->frame.plain->len;
    b->lost_seq = oldest->seq;
    frame_fini(&oldest->frame);
    b->begin = (b->begin + 1) % BULLETIN_MESSAGES;
    b->count--;
}

void bulletin_free(struct bulletin *b)
{
    if (!b)
        return;
    while (b->count)
        bulletin_forget_oldest(b);
    frame_fini(&b->state);
    alert_set_unref(b->set);
    free(b);
}

/* Counts the frame as made for `out`, which will refer to it. */
static void bulletin_count_made(struct parcels *out, const struct bytes *frame)
{
    out->made += frame != NULL;
    out->made_bytes += frame ? frame->len : 0;
}

void bulletin_add(struct bulletin *b, const struct notice *n, struct parcels *out)
{
    uint64_t seq = MAX(n->seq, b->last_seq + 1);
    struct frame frame = {.plain = encode_notice(n, seq)};
    b->last_seq = seq;
    if (!b->first_seq)
        b->first_seq = seq;
    bulletin_count_made(out, frame.plain);
    parcels_refer(out, &frame, seq, PARCEL_KEEP, true);
    if (!frame.plain) { /* no memory: whoever comes back is told of a gap */
        while (b->count)
            bulletin_forget_oldest(b);
        b->lost_seq = seq;
        return;
    }
    while (b->count == BULLETIN_MESSAGES ||
           (b->count && b->bytes + frame.plain->len > BULLETIN_BYTES))
        bulletin_forget_oldest(b);
    *bulletin_at(b, b->count++) = (struct bulletin_item){seq, frame};
    b->bytes += frame.plain->len;
}

void bulletin_begin(struct bulletin *b, struct parcels *out)
{
    if (!b->set)
        return;
    if (!b->state.plain || b->state_seq != b->last_seq) { /* messages have been told since */
        frame_fini(&b->state);
        b->state.plain = encode_alert_state(b->set, b->last_seq);
        b->state_seq = b->last_seq;
        bulletin_count_made(out, b->state.plain);
    }
    parcels_refer(out, &b->state, 0, PARCEL_LATEST, true); /* without memory it counts as failed */
}

void bulletin_state(struct bulletin *b, struct alert_set *set, struct parcels *out)
{
    b->last_seq = MAX(b->last_seq, set->seq);
    if (!b->first_seq)
        b->first_seq = b->last_seq + 1;
    alert_set_unref(b->set);
    b->set = alert_set_ref(set);
    frame_fini(&b->state);
    bulletin_begin(b, out);
}

/* The first number that a viewer who has `since` cannot get any more and the last, or 0. */
static uint64_t bulletin_missing(const struct bulletin *b, uint64_t since)
{
    uint64_t last = MAX(b->lost_seq, b->first_seq ? b->first_seq - 1 : 0);
    return last > since ? last : 0;
}

bool bulletin_repeats(const struct bulletin *b, uint64_t since)
{
    return since < b->last_seq || bulletin_missing(b, since);
}

void bulletin_replay(struct bulletin *b, uint64_t since, struct parcels *out)
{
    uint64_t missing = bulletin_missing(b, since);
    if (missing)
        parcels_add(out,
                    encode_gap(channel_name(CHANNEL_ALERTS), since + 1, missing,
                               since + 1 < b->first_seq ? "restart" : "ring"),
                    0, PARCEL_KEEP, true);
    for (size_t i = 0; i < b->count; i++) {
        struct bulletin_item *item = bulletin_at(b, i);
        if (item->seq > since)
            parcels_refer(out, &item->frame, item->seq, PARCEL_KEEP, true);
    }
    bulletin_begin(b, out);
}

uint64_t bulletin_next_seq(const struct bulletin *b)
{
    return b->last_seq + 1;
}
