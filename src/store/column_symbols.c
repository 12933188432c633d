/*
 * column_symbols.c: symbols by their statistics.
 *
 * An entropy coder of the ANS family, in the form that J. Duda, "Asymmetric numeral systems"
 * (2013), calls rANS: the state is one number; a symbol of frequency f out of 2^L takes it from x
 * to (x / f) << L | x % f + (the frequencies of the symbols before). Decoding runs the other way,
 * so the encoder begins with the last symbol. The state stays within [2^16, 2^32), by 16 bits moved
 * to or from the stream. After the last symbol the decoder must be where the encoder began: 2^16.
 *
 * Symbols of network series are anything but independent: idle seconds come in rows, bursts too,
 * and much happens every few seconds exactly. So each symbol has the frequencies of its context,
 * which is made of the classes of the symbols before it (struct shape). More contexts fit better
 * and take more room for their frequencies; symbols_plan counts both for a number of shapes.
 *
 * On disk, in bits: 0 no contexts, or 1, class bits - 1 (2), order (3), lag (7), and when the
 * alphabet is larger than the number of classes the first symbol of each class but the first (8
 * each); then the width of a weight (3); then per context, when there are several, 1 if it
 * occurs, and per symbol, when there are several contexts, 1 if it occurs in it, and its weight;
 * then, from the next byte on, the state (4 bytes) and the 16-bit words that it takes up, all with
 * the lowest byte first.
 *
 * Weight q stands for a frequency of 2, 3, 4, 6, 8, 12, 16 ... parts (q from 0): half octaves. What
 * that loses against exact frequencies is less than what these would take.
 */
#include "store/column_symbols.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

#define STATE_MIN (UINT32_C(1) << 16)
#define PRECISION_MAX 12
#define WEIGHT_MAX 31
#define CLASS_BITS_MAX 3
#define LAG_MAX 127
#define LAG_TICKS 4096 /* of those looked at for one */

void symbols_room_fini(struct symbols_room *room)
{
    free(room->context);
    free(room->word);
}

static void room_grow(struct symbols_room *room, size_t count)
{
    if (count <= room->capacity)
        return;
    room->context = mem_resize(room->context, count, sizeof(*room->context));
    room->word = mem_resize(room->word, count, sizeof(*room->word));
    room->capacity = count;
}

static unsigned context_bits(const struct shape *shape)
{
    return shape->class_bits * (unsigned)(shape->order + (shape->lag > 0));
}

/* Bits of a frequency: fewer with many contexts, so that all slots fit. */
static unsigned precision(unsigned bits)
{
    return bits > 2 ? PRECISION_MAX + 2 - bits : PRECISION_MAX;
}

/* ---- weights -------------------------------------------------------------------------------- */

static uint32_t weight_value(unsigned weight)
{
    return (2U + (weight & 1)) << weight / 2;
}

/* The nearest weight, by ratio, to a count of which the largest is `most`. */
static unsigned weight_of(uint32_t count, uint32_t most)
{
    unsigned shift = bits_length(most) > 15 ? bits_length(most) - 15 : 0;
    uint64_t n = count >> shift;
    if (n < 2)
        return 0;
    unsigned octave = bits_length(n) - 1;
    uint64_t square = n * n, unit = UINT64_C(1) << 2 * octave; /* 1 <= square / unit < 4 */
    return 2 * octave + (2 * square >= 3 * unit) + (square >= 3 * unit);
}

/* Frequencies that sum up to 2^bits, at least 1 for each that occurs, and the place of each: the
 * sum of those before it. `weight` has -1 for those that do not occur. */
static void share_cells(const int8_t *weight, size_t alphabet, unsigned bits, uint32_t *cell)
{
    uint64_t sum = 0;
    uint32_t total = UINT32_C(1) << bits, occur = 0, given = 0, place = 0;
    size_t most = 0;
    for (size_t s = 0; s < alphabet; s++) {
        cell[s] = 0;
        if (weight[s] < 0)
            continue;
        sum += weight_value((unsigned)weight[s]);
        occur++;
        if (weight[s] > weight[most])
            most = s;
    }
    for (size_t s = 0; s < alphabet; s++) {
        if (weight[s] < 0)
            continue;
        cell[s] =
            (uint32_t)(1 + weight_value((unsigned)weight[s]) * (uint64_t)(total - occur) / sum);
        given += cell[s];
    }
    cell[most] += total - given;
    for (size_t s = 0; s < alphabet; s++) {
        uint32_t frequency = cell[s];
        cell[s] = frequency << 16 | place;
        place += frequency;
    }
}

/* ---- planning ------------------------------------------------------------------------------- */

static double entropy_term(uint32_t count)
{
    return count > 1 ? count * log2(count) : 0;
}

/* Bits for the symbols, and for telling which there are how often. */
static double table_cost(const uint32_t *count, size_t alphabet, bool listed)
{
    uint32_t total = 0;
    double terms = 0, header = 0;
    for (size_t s = 0; s < alphabet; s++) {
        total += count[s];
        terms += entropy_term(count[s]);
        header += (listed ? 1 : 0) + (count[s] ? 4.5 : 0);
    }
    return total ? entropy_term(total) - terms + header : 0;
}

/* The context of each symbol, which goes to room->context, and how often there is what in each. */
static void count_cells(struct symbols_room *room, const struct shape *shape,
                        const uint8_t *symbols, size_t count, size_t alphabet)
{
    size_t contexts = (size_t)1 << context_bits(shape);
    uint32_t mask = (UINT32_C(1) << shape->class_bits * shape->order) - 1, before = 0;
    memset(room->cell, 0, contexts * alphabet * sizeof(*room->cell));
    if (shape->lag == 0) {
        for (size_t i = 0; i < count; i++) {
            room->context[i] = (uint8_t)before;
            room->cell[before * alphabet + symbols[i]]++;
            before = (before << shape->class_bits | shape->class_of[symbols[i]]) & mask;
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t then = i >= shape->lag ? shape->class_of[symbols[i - shape->lag]] : 0;
        uint32_t context = before << shape->class_bits | then;
        room->context[i] = (uint8_t)context;
        room->cell[context * alphabet + symbols[i]]++;
        before = (before << shape->class_bits | shape->class_of[symbols[i]]) & mask;
    }
}

/* Classes of about the same number of symbols each; one that is frequent has its own. */
static void set_classes(const uint32_t *counts, size_t alphabet, size_t count, struct shape *shape)
{
    size_t classes = (size_t)1 << shape->class_bits, class = 0;
    uint64_t sum = 0;
    for (size_t s = 0; s < alphabet; s++) {
        shape->class_of[s] = (uint8_t) class;
        sum += counts[s];
        if (alphabet <= classes)
            class = s + 1;
        else if (class + 1 < classes && sum * classes >= (class + 1) * (uint64_t)count)
            class ++;
    }
}

static double shape_cost(struct symbols_room *room, const uint8_t *symbols, size_t count,
                         size_t alphabet, const struct shape *shape)
{
    size_t contexts = (size_t)1 << context_bits(shape);
    count_cells(room, shape, symbols, count, alphabet);
    size_t classes = (size_t)1 << shape->class_bits;
    double cost = 12 + (alphabet > classes ? 8 * (double)(classes - 1) : 0);
    for (size_t c = 0; c < contexts; c++)
        cost += 1 + table_cost(room->cell + c * alphabet, alphabet, true);
    return cost;
}

/* After how many symbols those that are not the most frequent one come again, if they do so more
 * often than by chance; else 0. */
static uint8_t find_lag(const uint8_t *symbols, size_t count, uint8_t most)
{
    uint64_t bits[LAG_TICKS / 64 + 3] = {0};
    size_t looked = MIN(count, LAG_TICKS), rare = 0;
    for (size_t i = 0; i < looked; i++) {
        uint64_t is = symbols[i] != most;
        bits[i / 64] |= is << i % 64;
        rare += is;
    }
    size_t best = 0, best_hits = 2 * rare * rare / looked + 4;
    for (size_t lag = 2; lag <= LAG_MAX && lag < looked / 4; lag++) {
        const uint64_t *late = bits + lag / 64;
        size_t hits = 0;
        for (size_t i = 0; i <= looked / 64; i++) {
            uint64_t shifted =
                late[i] >> lag % 64 | (lag % 64 ? late[i + 1] << (64 - lag % 64) : 0);
            hits += (size_t)__builtin_popcountll(bits[i] & shifted);
        }
        if (hits > best_hits) {
            best = lag;
            best_hits = hits;
        }
    }
    return (uint8_t)best;
}

double symbols_plan(struct symbols_room *room, const uint8_t *symbols, size_t count,
                    size_t alphabet, struct shape *ret)
{
    static const struct {
        uint8_t class_bits, order;
        bool lag;
    } tries[] = {
        {1, 1, false}, {2, 1, false}, {3, 1, false}, /* if none of these helps, no others do */
        {1, 2, false}, {1, 3, false}, {1, 4, false}, {1, 6, false}, {2, 2, false},
        {2, 3, false}, {3, 2, false}, {1, 0, true},  {1, 1, true},  {1, 3, true},
        {2, 0, true},  {2, 1, true},  {3, 0, true},  {3, 1, true},
    };
    *ret = (struct shape){0};
    if (alphabet < 2)
        return 0;
    room_grow(room, count);
    uint32_t counts[SYMBOLS_ALPHABET_MAX] = {0};
    for (size_t i = 0; i < count; i++)
        counts[symbols[i]]++;
    size_t most = 0;
    for (size_t s = 0; s < alphabet; s++)
        most = counts[s] > counts[most] ? s : most;
    double alone = 1 + table_cost(counts, alphabet, false), best = alone;
    uint8_t lag = find_lag(symbols, count, (uint8_t)most);
    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        struct shape shape = {tries[i].class_bits, tries[i].order, tries[i].lag ? lag : 0, {0}};
        size_t classes = (size_t)1 << shape.class_bits;
        size_t contexts = (size_t)1 << context_bits(&shape);
        bool helpless = shape.order > 1 && best > alone * 0.995;
        if (contexts * alphabet > SYMBOLS_CELLS_MAX || (tries[i].lag && lag == 0) || helpless ||
            (shape.class_bits > 1 && alphabet <= classes / 2))
            continue;
        set_classes(counts, alphabet, count, &shape);
        double cost = shape_cost(room, symbols, count, alphabet, &shape);
        if (cost < best) {
            best = cost;
            *ret = shape;
        }
    }
    return best + 32 + 3;
}

/* ---- encoding ------------------------------------------------------------------------------- */

size_t symbols_bound(size_t count)
{
    size_t weights = SYMBOLS_CELLS_MAX * 6 / 8 + SYMBOLS_CONTEXTS_MAX / 8;
    return 64 + weights + sizeof(uint32_t) + 2 * count;
}

static void put_shape(const struct shape *shape, size_t alphabet, struct bit_writer *w)
{
    bits_put(w, shape->class_bits > 0, 1);
    if (shape->class_bits == 0)
        return;
    bits_put(w, shape->class_bits - 1U, 2);
    bits_put(w, shape->order, 3);
    bits_put(w, shape->lag, 7);
    size_t classes = (size_t)1 << shape->class_bits;
    size_t s = 0;
    for (size_t class = 1; class < classes && alphabet > classes; class ++) {
        while (s < alphabet && shape->class_of[s] < class)
            s++;
        bits_put(w, s < alphabet ? s : 0, 8); /* 0: there is no such class */
    }
}

/* Writes the weights and turns the counts into frequency << 16 | place. */
static void put_tables(struct symbols_room *room, size_t alphabet, unsigned bits,
                       struct bit_writer *w)
{
    size_t contexts = (size_t)1 << bits;
    uint32_t most = 0;
    for (size_t i = 0; i < contexts * alphabet; i++)
        most = room->cell[i] > most ? room->cell[i] : most;
    unsigned width = bits_length(weight_of(most, most));
    bits_put(w, width, 3);
    for (size_t c = 0; c < contexts; c++) {
        uint32_t *cell = room->cell + c * alphabet;
        int8_t weight[SYMBOLS_ALPHABET_MAX];
        bool occurs = false;
        for (size_t s = 0; s < alphabet; s++) {
            weight[s] = cell[s] ? (int8_t)weight_of(cell[s], most) : -1;
            occurs = occurs || cell[s];
        }
        if (contexts > 1)
            bits_put(w, occurs, 1);
        if (!occurs)
            continue;
        for (size_t s = 0; s < alphabet; s++) {
            if (contexts > 1)
                bits_put(w, weight[s] >= 0, 1);
            if (weight[s] >= 0)
                bits_put(w, (uint64_t)weight[s], width);
        }
        share_cells(weight, alphabet, precision(bits), cell);
    }
}

void symbols_put(struct symbols_room *room, const uint8_t *symbols, size_t count, size_t alphabet,
                 const struct shape *shape, struct bit_writer *w)
{
    room_grow(room, count);
    unsigned bits = context_bits(shape), parts = precision(bits);
    count_cells(room, shape, symbols, count, alphabet);
    put_shape(shape, alphabet, w);
    put_tables(room, alphabet, bits, w);
    uint8_t *at = bits_flush(w);

    uint32_t state = STATE_MIN;
    size_t words = 0;
    for (size_t i = count; i-- > 0;) {
        uint32_t cell = room->cell[room->context[i] * alphabet + symbols[i]];
        uint32_t frequency = cell >> 16, place = cell & 0xffff;
        if (state >= (uint64_t)frequency << (32 - parts)) {
            room->word[words++] = (uint16_t)state;
            state >>= 16;
        }
        state = (state / frequency << parts) + state % frequency + place;
    }
    for (int i = 0; i < 4; i++)
        *at++ = (uint8_t)(state >> (8 * i));
    while (words-- > 0) {
        *at++ = (uint8_t)room->word[words];
        *at++ = (uint8_t)(room->word[words] >> 8);
    }
    w->at = at;
}

/* ---- decoding ------------------------------------------------------------------------------- */

static bool get_shape(struct bit_reader *r, size_t alphabet, struct shape *shape)
{
    *shape = (struct shape){0};
    if (!bits_get(r, 1))
        return true;
    shape->class_bits = (uint8_t)(1 + bits_get(r, 2));
    shape->order = (uint8_t)bits_get(r, 3);
    shape->lag = (uint8_t)bits_get(r, 7);
    size_t contexts = (size_t)1 << context_bits(shape);
    if (shape->class_bits > CLASS_BITS_MAX || contexts > SYMBOLS_CONTEXTS_MAX ||
        contexts * alphabet > SYMBOLS_CELLS_MAX)
        return false;
    size_t classes = (size_t)1 << shape->class_bits;
    if (alphabet <= classes) {
        for (size_t s = 0; s < alphabet; s++)
            shape->class_of[s] = (uint8_t)s;
        return true;
    }
    size_t first = 0;
    for (size_t class = 1; class < classes; class ++) {
        size_t next = (size_t)bits_get(r, 8);
        if (next == 0)
            continue;
        if (next < first || next >= alphabet)
            return false;
        first = next;
        memset(shape->class_of + first, (int)class, alphabet - first);
    }
    return true;
}

static bool get_tables(struct symbols_room *room, struct bit_reader *r, size_t alphabet,
                       unsigned bits)
{
    size_t contexts = (size_t)1 << bits;
    unsigned width = (unsigned)bits_get(r, 3), parts = precision(bits);
    if (width > 5 || alphabet > (size_t)1 << (parts - 1))
        return false;
    for (size_t c = 0; c < contexts; c++) {
        int8_t weight[SYMBOLS_ALPHABET_MAX];
        bool occurs = contexts == 1 || bits_get(r, 1), any = false;
        for (size_t s = 0; s < alphabet; s++) {
            bool here = occurs && (contexts == 1 || bits_get(r, 1));
            weight[s] = here ? (int8_t)bits_get(r, width) : -1;
            any = any || here;
        }
        if (!any)
            weight[0] = 0; /* never comes up in what was encoded */
        share_cells(weight, alphabet, parts, room->cell + c * alphabet);
    }
    return !r->bad;
}

/*
 * What a state stands for is looked up in slots, one for each value that its lowest bits can have,
 * or searched for in the cells. Filling the slots takes as long as searching for SLOTS_A_SEARCH
 * times fewer symbols: a column of an hour's minutes is never worth it.
 *
 * A slot holds the symbol (8 bits), its frequency - 1 (12) and how far into it the slot is (12).
 */
#define SLOTS_A_SEARCH 16

static void fill_slots(struct symbols_room *room, size_t contexts, size_t alphabet)
{
    uint32_t *slot = room->slot;
    const uint32_t *cell = room->cell;
    for (size_t c = 0; c < contexts; c++) {
        for (uint32_t s = 0; s < alphabet; s++) {
            uint32_t frequency = *cell++ >> 16, entry = s | (frequency - 1) << 8;
            for (uint32_t i = 0; i < frequency; i++)
                *slot++ = entry | i << 20;
        }
    }
}

/* The state of a decoder. `at` never passes `end`. */
struct decoder {
    const uint8_t *at, *end;
    uint32_t state;
    bool bad;
};

static inline void decoder_refill(struct decoder *d)
{
    if (d->state >= STATE_MIN)
        return;
    if (d->end - d->at < 2) {
        d->bad = true; /* and so on with zeros, which does no harm */
        d->state <<= 16;
    } else {
        d->state = d->state << 16 | (uint32_t)d->at[0] | (uint32_t)d->at[1] << 8;
        d->at += 2;
    }
}

/* One symbol, by the slots of its context. */
static inline uint8_t decode_slot(struct decoder *d, const uint32_t *slot, unsigned parts)
{
    uint32_t entry = slot[d->state & ((UINT32_C(1) << parts) - 1)];
    d->state = ((entry >> 8 & 0xfff) + 1) * (d->state >> parts) + (entry >> 20);
    decoder_refill(d);
    return (uint8_t)entry;
}

/* The same by its cells: the last one that begins at or below the state's place. One that does not
 * occur begins where the next one does, or behind all places, so it is never that. */
static inline uint8_t decode_cell(struct decoder *d, const uint32_t *cell, size_t alphabet,
                                  unsigned parts)
{
    uint32_t place = d->state & ((UINT32_C(1) << parts) - 1);
    size_t at = 0;
    for (size_t left = alphabet; left > 1;) {
        size_t half = left / 2;
        at = (cell[at + half] & 0xffff) <= place ? at + half : at;
        left -= half;
    }
    d->state = (cell[at] >> 16) * (d->state >> parts) + place - (cell[at] & 0xffff);
    decoder_refill(d);
    return (uint8_t)at;
}

static void decode_plain(struct decoder *d, const uint32_t *slot, uint8_t *symbols, size_t count)
{
    for (size_t i = 0; i < count; i++)
        symbols[i] = decode_slot(d, slot, PRECISION_MAX);
}

static void decode_after(struct decoder *d, const uint32_t *slot, uint8_t *symbols, size_t count,
                         const struct shape *shape)
{
    unsigned parts = precision(context_bits(shape)), class_bits = shape->class_bits;
    uint32_t mask = (UINT32_C(1) << class_bits * shape->order) - 1, before = 0;
    for (size_t i = 0; i < count; i++) {
        symbols[i] = decode_slot(d, slot + ((size_t)before << parts), parts);
        before = (before << class_bits | shape->class_of[symbols[i]]) & mask;
    }
}

static void decode_lagged(struct decoder *d, const uint32_t *slot, uint8_t *symbols, size_t count,
                          const struct shape *shape)
{
    unsigned parts = precision(context_bits(shape)), class_bits = shape->class_bits;
    uint32_t mask = (UINT32_C(1) << class_bits * shape->order) - 1, before = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t then = i >= shape->lag ? shape->class_of[symbols[i - shape->lag]] : 0;
        size_t context = (size_t)before << class_bits | then;
        symbols[i] = decode_slot(d, slot + (context << parts), parts);
        before = (before << class_bits | shape->class_of[symbols[i]]) & mask;
    }
}

/* Of any shape. */
static void decode_few(struct decoder *d, const uint32_t *cell, size_t alphabet, uint8_t *symbols,
                       size_t count, const struct shape *shape)
{
    unsigned parts = precision(context_bits(shape)), class_bits = shape->class_bits;
    uint32_t mask = (UINT32_C(1) << class_bits * shape->order) - 1, before = 0;
    for (size_t i = 0; i < count; i++) {
        size_t context = before;
        if (shape->lag)
            context = context << class_bits |
                      (i >= shape->lag ? shape->class_of[symbols[i - shape->lag]] : 0);
        symbols[i] = decode_cell(d, cell + context * alphabet, alphabet, parts);
        before = (before << class_bits | shape->class_of[symbols[i]]) & mask;
    }
}

static void decode_many(struct decoder *d, struct symbols_room *room, size_t alphabet,
                        uint8_t *symbols, size_t count, const struct shape *shape)
{
    unsigned bits = context_bits(shape);
    fill_slots(room, (size_t)1 << bits, alphabet);
    if (bits == 0)
        decode_plain(d, room->slot, symbols, count);
    else if (shape->lag)
        decode_lagged(d, room->slot, symbols, count, shape);
    else
        decode_after(d, room->slot, symbols, count, shape);
}

bool symbols_get(struct symbols_room *room, struct bit_reader *r, uint8_t *symbols, size_t count,
                 size_t alphabet)
{
    struct shape shape;
    if (!get_shape(r, alphabet, &shape) || !get_tables(room, r, alphabet, context_bits(&shape)))
        return false;
    struct decoder d = {.at = r->data + bits_bytes(r), .end = r->data + r->end / 8};
    if (d.end - d.at < 4)
        return false;
    for (int i = 0; i < 4; i++)
        d.state |= (uint32_t)*d.at++ << (8 * i);
    unsigned bits = context_bits(&shape);
    if (count * SLOTS_A_SEARCH < (size_t)1 << (bits + precision(bits)))
        decode_few(&d, room->cell, alphabet, symbols, count, &shape);
    else
        decode_many(&d, room, alphabet, symbols, count, &shape);
    r->at = 8 * (uint64_t)(d.at - r->data);
    return !d.bad && d.state == STATE_MIN;
}
