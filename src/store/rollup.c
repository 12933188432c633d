/*
 * rollup.c: see rollup.h.
 *
 * What nearly never differs is stored as a difference that is nearly always zero, for a column of
 * zeros takes a few bytes: increments of gaps beside all increments, and the time without an honest
 * rate beside the time of the row, which is kept once for all series.
 */
#include "store/rollup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

enum counter_field { TOTAL, UNRATED, UNRATED_NS, RATE_MIN, RATE_MAX, RATE_LAST, COUNTER_FIELDS };
enum gauge_field { COUNT, SUM, VALUE_MIN, VALUE_MAX, VALUE_LAST, GAUGE_FIELDS };

static const enum field_type counter_types[COUNTER_FIELDS] = {
    [TOTAL] = FIELD_COUNT,   [UNRATED] = FIELD_COUNT, [UNRATED_NS] = FIELD_SIGNED,
    [RATE_MIN] = FIELD_REAL, [RATE_MAX] = FIELD_REAL, [RATE_LAST] = FIELD_REAL,
};
static const enum field_type gauge_types[GAUGE_FIELDS] = {
    [COUNT] = FIELD_COUNT,    [SUM] = FIELD_REAL,        [VALUE_MIN] = FIELD_REAL,
    [VALUE_MAX] = FIELD_REAL, [VALUE_LAST] = FIELD_REAL,
};

int64_t tier_interval_ms(enum tier tier)
{
    static const int64_t intervals_ms[TIERS] = {0, 60 * MS_PER_S, 3600 * MS_PER_S};
    return intervals_ms[tier];
}

const char *tier_name(enum tier tier)
{
    static const char *const names[TIERS] = {"raw", "minute", "hour"};
    return names[tier];
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void add_values(struct rollup *r, double min, double max, double last)
{
    bool first = !rollup_has_values(r);
    r->min = first ? min : MIN(r->min, min);
    r->max = first ? max : MAX(r->max, max);
    r->last = last;
}

void rollup_add_sample(struct rollup *r, enum sample_state state, union sample value,
                       int64_t elapsed_ns)
{
    r->there = true;
    if (r->kind == METRIC_GAUGE) {
        if (isnan(value.gauge))
            return;
        add_values(r, value.gauge, value.gauge, value.gauge);
        r->sum += value.gauge;
        r->count++;
        return;
    }
    r->total += value.increment;
    if (state != SAMPLE_OK || elapsed_ns <= 0) {
        r->unrated += value.increment;
        return;
    }
    double rate = (double)value.increment * (double)NS_PER_S / (double)elapsed_ns;
    add_values(r, rate, rate, rate);
    r->rated_ns += elapsed_ns;
}

void rollup_add(struct rollup *r, const struct rollup *later)
{
    if (!later->there)
        return;
    r->there = true;
    if (rollup_has_values(later))
        add_values(r, later->min, later->max, later->last);
    r->total += later->total;
    r->unrated += later->unrated;
    r->rated_ns += later->rated_ns;
    r->count += later->count;
    r->sum += later->sum;
}

/* ---- columns -------------------------------------------------------------------------------- */

void rollup_column_init(struct rollup_column *c, size_t room)
{
    *c = (struct rollup_column){.room = room};
    c->fields.there = mem_array(room, sizeof(bool));
    for (size_t f = 0; f < COUNTER_FIELDS; f++)
        c->fields.words[f] = mem_array(room, sizeof(uint64_t));
}

void rollup_column_fini(struct rollup_column *c)
{
    free(c->fields.there);
    for (size_t f = 0; f < COUNTER_FIELDS; f++)
        free(c->fields.words[f]);
}

static void set_kind(struct rollup_column *c, enum metric_kind kind)
{
    bool gauge = kind == METRIC_GAUGE;
    c->kind = kind;
    c->fields.tag = gauge;
    c->fields.types = gauge ? gauge_types : counter_types;
    c->fields.fields = gauge ? (size_t)GAUGE_FIELDS : (size_t)COUNTER_FIELDS;
}

void rollup_column_begin(struct rollup_column *c, enum metric_kind kind, size_t rows)
{
    CHECK(rows <= c->room);
    set_kind(c, kind);
    memset(c->fields.there, 0, rows * sizeof(bool));
}

static uint64_t bits_of(double value)
{
    return (union sample){.gauge = value}.increment;
}

static double double_of(uint64_t bits)
{
    return (union sample){.increment = bits}.gauge;
}

/* To the bits of a float: not above `rate`, not below, or to the nearest. */
static double round_down(double rate)
{
    float f = (float)rate;
    return (double)f > rate ? (double)nextafterf(f, -INFINITY) : (double)f;
}

static double round_up(double rate)
{
    float f = (float)rate;
    return (double)f < rate ? (double)nextafterf(f, INFINITY) : (double)f;
}

static double round_near(double rate)
{
    return (double)(float)rate;
}

void rollup_column_put(struct rollup_column *c, size_t row, const struct rollup *r,
                       int64_t elapsed_ns)
{
    uint64_t *const *words = c->fields.words;
    bool valued = rollup_has_values(r); /* the same bits wherever there is no value */
    c->fields.there[row] = r->there;
    if (c->kind == METRIC_GAUGE) {
        words[COUNT][row] = r->count;
        words[SUM][row] = bits_of(r->sum);
        words[VALUE_MIN][row] = valued ? bits_of(r->min) : 0;
        words[VALUE_MAX][row] = valued ? bits_of(r->max) : 0;
        words[VALUE_LAST][row] = valued ? bits_of(r->last) : 0;
    } else {
        words[TOTAL][row] = r->total;
        words[UNRATED][row] = r->unrated;
        words[UNRATED_NS][row] = (uint64_t)elapsed_ns - (uint64_t)r->rated_ns;
        words[RATE_MIN][row] = valued ? bits_of(round_down(r->min)) : 0;
        words[RATE_MAX][row] = valued ? bits_of(round_up(r->max)) : 0;
        words[RATE_LAST][row] = valued ? bits_of(round_near(r->last)) : 0;
    }
}

void rollup_column_get(const struct rollup_column *c, size_t row, int64_t elapsed_ns,
                       struct rollup *ret)
{
    uint64_t *const *words = c->fields.words;
    *ret = (struct rollup){.kind = c->kind, .there = c->fields.there[row]};
    if (!ret->there)
        return;
    if (c->kind == METRIC_GAUGE) {
        ret->count = words[COUNT][row];
        ret->sum = double_of(words[SUM][row]);
        ret->min = double_of(words[VALUE_MIN][row]);
        ret->max = double_of(words[VALUE_MAX][row]);
        ret->last = double_of(words[VALUE_LAST][row]);
    } else {
        ret->total = words[TOTAL][row];
        ret->unrated = words[UNRATED][row];
        ret->rated_ns = (int64_t)((uint64_t)elapsed_ns - words[UNRATED_NS][row]);
        ret->min = double_of(words[RATE_MIN][row]);
        ret->max = double_of(words[RATE_MAX][row]);
        ret->last = double_of(words[RATE_LAST][row]);
    }
}

void rollup_column_encode(struct codec *codec, const struct rollup_column *c, size_t rows,
                          struct buf *out)
{
    field_column_encode(codec, &c->fields, rows, out);
}

/* The fields are in the order in which they are asked for. */
static size_t fields_of(enum rollup_part part, bool gauge)
{
    static const size_t counter[ROLLUP_PARTS] = {TOTAL + 1, UNRATED_NS + 1, RATE_MIN + 1,
                                                 RATE_MAX + 1, COUNTER_FIELDS};
    static const size_t of_gauge[ROLLUP_PARTS] = {COUNT + 1, SUM + 1, VALUE_MIN + 1, VALUE_MAX + 1,
                                                  GAUGE_FIELDS};
    return (gauge ? of_gauge : counter)[part];
}

int rollup_column_decode(struct codec *codec, const uint8_t *data, size_t len, size_t rows,
                         enum rollup_part part, struct rollup_column *c)
{
    uint8_t tag;
    int err = rows <= c->room ? field_column_tag(data, len, &tag) : -EBADMSG;
    if (err)
        return err;
    if (tag > 1)
        return -EBADMSG;
    set_kind(c, tag ? METRIC_GAUGE : METRIC_COUNTER);
    return field_column_decode(codec, data, len, rows, fields_of(part, tag), &c->fields);
}
