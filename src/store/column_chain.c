/*
 * column_chain.c: columns beside others of their span, written and read.
 *
 * A packer remembers columns that were written by themselves (a ring of ROOTS) and some that were
 * written beside one of those (a ring of BRANCHES), and looks among them for the one that leaves
 * the least of each new column. Looking is a sum over the bits of all differences; only the best of
 * them, if it promises anything, is then packed in earnest and kept when it is smaller. What is
 * constant, or nearly so, is not worth another chunk to read and is neither looked up nor kept.
 *
 * How far a column is from one that stands by itself is bounded, so reading is: COLUMN_CHAIN.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "store/column_bits.h"
#include "store/column_pack.h"
#include "store/varint.h"

#define ROOTS 32
#define BRANCHES 8
#define LEAST_BYTES 40 /* a column that is smaller by itself stays so */
#define LEAST_GAIN 8   /* bytes: that is what reading another one must be worth */

struct kept {
    uint32_t id; /* 0: none */
    unsigned depth;
    struct column column;
};

struct packer {
    size_t ticks;
    union sample *value; /* of the column at hand; 0 where it has none */
    struct kept kept[ROOTS + BRANCHES];
    size_t next_root, next_branch;
    struct buf alone, beside;
};

struct packer *packer_new(size_t ticks)
{
    struct packer *packer = mem_alloc(sizeof(*packer));
    packer->ticks = ticks;
    packer->value = mem_array(ticks, sizeof(union sample));
    return packer;
}

void packer_free(struct packer *packer)
{
    if (!packer)
        return;
    for (size_t i = 0; i < ARRAY_LEN(packer->kept); i++) {
        free(packer->kept[i].column.state);
        free(packer->kept[i].column.value);
    }
    free(packer->value);
    buf_fini(&packer->alone);
    buf_fini(&packer->beside);
    free(packer);
}

/* About how many bits the differences take. Gauges are compared by their bits, which tells enough:
 * whole numbers that are the same are so there, too. */
static uint64_t distance(const union sample *value, const union sample *other, size_t ticks)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < ticks; i++)
        bits += bits_length(zigzag(value[i].increment - other[i].increment));
    return bits;
}

/* What a column takes by itself, counted in the same way. */
static uint64_t own_distance(const union sample *value, size_t ticks)
{
    uint64_t sum = 0, steps = 0, before = 0;
    for (size_t i = 0; i < ticks; i++) {
        sum += bits_length(value[i].increment);
        steps += bits_length(zigzag(value[i].increment - before));
        before = value[i].increment;
    }
    return MIN(sum, steps);
}

static const struct kept *find_nearest(const struct packer *packer, enum metric_kind kind)
{
    const struct kept *best = NULL;
    uint64_t least = own_distance(packer->value, packer->ticks);
    for (size_t i = 0; i < ARRAY_LEN(packer->kept); i++) {
        const struct kept *kept = &packer->kept[i];
        if (kept->id == 0 || kept->column.kind != kind)
            continue;
        uint64_t bits = distance(packer->value, kept->column.value, packer->ticks);
        if (bits < least) {
            least = bits;
            best = kept;
        }
    }
    return best;
}

static void keep(struct packer *packer, uint32_t id, const struct column *column, unsigned depth)
{
    size_t ticks = packer->ticks;
    struct kept *kept = depth == 0 ? &packer->kept[packer->next_root++ % ROOTS]
                                   : &packer->kept[ROOTS + packer->next_branch++ % BRANCHES];
    if (!kept->column.state) {
        kept->column.state = mem_array(ticks, sizeof(uint8_t));
        kept->column.value = mem_array(ticks, sizeof(union sample));
    }
    kept->id = id;
    kept->depth = depth;
    kept->column.kind = column->kind;
    memcpy(kept->column.state, column->state, ticks * sizeof(uint8_t));
    memcpy(kept->column.value, packer->value, ticks * sizeof(union sample));
}

void packer_add(struct packer *packer, struct codec *codec, uint32_t id,
                const struct column *column, struct buf *out)
{
    CHECK(id != 0);
    buf_clear(&packer->alone);
    buf_clear(&packer->beside);
    column_pack(codec, column, packer->ticks, &packer->alone);
    const struct buf *best = &packer->alone;
    unsigned depth = 0;
    if (packer->alone.len > LEAST_BYTES) {
        for (size_t i = 0; i < packer->ticks; i++)
            packer->value[i] = column->state[i] == SAMPLE_ABSENT ? (union sample){.increment = 0}
                                                                 : column->value[i];
        const struct kept *near = find_nearest(packer, column->kind);
        if (near &&
            column_pack_beside(codec, column, packer->ticks, near->id, &near->column,
                               &packer->beside) &&
            packer->beside.len + LEAST_GAIN < packer->alone.len) {
            best = &packer->beside;
            depth = near->depth + 1;
        }
        if (depth + 1 < COLUMN_CHAIN && best->len > LEAST_BYTES)
            keep(packer, id, column, depth);
    }
    buf_append(out, best->data, best->len);
}

/* ---- reading -------------------------------------------------------------------------------- */

/* The chunks from the one asked for to one that stands by itself; these are copies but the last. */
struct chain {
    struct buf copy[COLUMN_CHAIN];
    size_t count; /* of copies */
    const uint8_t *data;
    size_t len;
};

static int follow(struct chain *chain, column_fetch *fetch, void *context)
{
    uint32_t other;
    while ((other = column_beside(chain->data, chain->len)) != 0) {
        if (chain->count + 1 >= COLUMN_CHAIN)
            return -EBADMSG;
        buf_append(&chain->copy[chain->count++], chain->data, chain->len);
        int error = fetch(context, other, &chain->data, &chain->len);
        if (error)
            return error == -ENOENT ? -EBADMSG : error;
    }
    return 0;
}

/* From the end of the chain back to the column asked for; `other` and `column` take turns. */
static int decode(struct codec *codec, const struct chain *chain, size_t ticks,
                  struct column *column)
{
    struct column other = {.state = mem_array(ticks, sizeof(uint8_t)),
                           .value = mem_array(ticks, sizeof(union sample))};
    struct column *turn[2] = {column, &other};
    size_t left = chain->count;
    int err = column_decode(codec, chain->data, chain->len, ticks, turn[left % 2]);
    while (!err && left-- > 0) {
        const struct buf *copy = &chain->copy[left];
        err = column_unpack(codec, (const uint8_t *)copy->data, copy->len, ticks,
                            turn[(left + 1) % 2], turn[left % 2]);
    }
    free(other.state);
    free(other.value);
    return err;
}

int column_decode_chain(struct codec *codec, const uint8_t *data, size_t len, size_t ticks,
                        column_fetch *fetch, void *context, struct column *column)
{
    if (column_beside(data, len) == 0)
        return column_decode(codec, data, len, ticks, column);
    struct chain chain = {.data = data, .len = len};
    int err = follow(&chain, fetch, context);
    if (!err)
        err = decode(codec, &chain, ticks, column);
    for (size_t i = 0; i < COLUMN_CHAIN; i++)
        buf_fini(&chain.copy[i]);
    return err;
}
