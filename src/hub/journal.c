/*
 * journal.c: see journal.h.
 *
 * The last messages lie in a ring of frames, bounded by their number and by their bytes, plain and,
 * once a viewer has wanted it, compressed. `lost_seq` is the last number that is not in it any
 * more, or never was: at the beginning the number before this run's first.
 */
#include "hub/journal.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "hub/encode.h"

struct journal_item {
    uint64_t seq;
    struct frame frame;
};

struct journal {
    enum channel channel;
    struct journal_item items[JOURNAL_MESSAGES];
    size_t begin, count; /* of the ring */
    size_t bytes;
    uint64_t before_seq; /* numbers up to this one are of earlier runs */
    uint64_t last_seq, lost_seq;
};

struct journal *journal_new(enum channel channel, int64_t now_ms)
{
    struct journal *j = mem_alloc(sizeof(*j));
    CHECK(channel_is_journal(channel));
    j->channel = channel;
    j->before_seq = j->last_seq = j->lost_seq = (uint64_t)MAX(now_ms, INT64_C(1)) - 1;
    return j;
}

static struct journal_item *journal_at(struct journal *j, size_t index)
{
    return &j->items[(j->begin + index) % JOURNAL_MESSAGES];
}

/* The compressed form is not counted: it is smaller than the plain one, by which it is bounded. */
static void journal_forget_oldest(struct journal *j)
{
    struct journal_item *oldest = journal_at(j, 0);
    j->bytes -= oldest->frame.plain->len;
    j->lost_seq = oldest->seq;
    frame_fini(&oldest->frame);
    j->begin = (j->begin + 1) % JOURNAL_MESSAGES;
    j->count--;
}

static void journal_forget_all(struct journal *j)
{
    while (j->count)
        journal_forget_oldest(j);
}

void journal_free(struct journal *j)
{
    if (j)
        journal_forget_all(j);
    free(j);
}

void journal_add(struct journal *j, int64_t t_ms, const struct bytes *members, struct parcels *out)
{
    uint64_t seq = MAX((uint64_t)MAX(t_ms, INT64_C(0)), j->last_seq + 1);
    struct frame frame = {0};
    if (members->len <= JOURNAL_MESSAGE_BYTES)
        frame.plain = encode_document(channel_name(j->channel), seq, t_ms, members);
    j->last_seq = seq;
    parcels_refer(out, &frame, seq, PARCEL_KEEP, true); /* without a frame it counts as failed */
    if (!frame.plain) {                                 /* whoever comes back is told of a gap */
        journal_forget_all(j);
        j->lost_seq = seq;
        return;
    }
    out->made++;
    out->made_bytes += frame.plain->len;
    while (j->count == JOURNAL_MESSAGES ||
           (j->count && j->bytes + frame.plain->len > JOURNAL_BYTES))
        journal_forget_oldest(j);
    *journal_at(j, j->count++) = (struct journal_item){seq, frame};
    j->bytes += frame.plain->len;
}

void journal_begin(struct journal *j, struct parcels *out)
{
    if (!j->count)
        return;
    struct journal_item *newest = journal_at(j, j->count - 1);
    parcels_refer(out, &newest->frame, newest->seq, PARCEL_KEEP, true);
}

bool journal_repeats(const struct journal *j, uint64_t since)
{
    return since < j->last_seq;
}

void journal_replay(struct journal *j, uint64_t since, struct parcels *out)
{
    if (j->lost_seq > since)
        parcels_add(out,
                    encode_gap(channel_name(j->channel), since + 1, j->lost_seq,
                               since < j->before_seq ? "restart" : "ring"),
                    0, PARCEL_KEEP, true);
    for (size_t i = 0; i < j->count; i++) {
        struct journal_item *item = journal_at(j, i);
        if (item->seq > since)
            parcels_refer(out, &item->frame, item->seq, PARCEL_KEEP, true);
    }
}
