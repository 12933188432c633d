/*
 * others.c: see others.h.
 *
 * A plan says how many rows each family may have: the largest number for which all families
 * together fit, where those with fewer series than that are left alone (a level that water finds).
 * Of a family above it the largest series stay, by what they have counted so far or by the gauge's
 * value; all others are members of its sum. A sixteenth of the room is left free for what comes.
 *
 * Between plans nobody moves: a series that comes is a member where its family is folded, else it
 * stays for itself. A new plan is made when they no longer fit, but at most every PLAN_LEAST_MS
 * since it sorts all series, and every PLAN_EVERY_MS because large ones grow small. Folding ends
 * when the samples need less than three quarters of the room.
 *
 *   places[slot]   who was there when it was looked at last (ids are never reused), and its sum
 *   sums           by key, kept for good: a family that is folded again counts on from where its
 *                  sum was. There are no more than names of series that were folded ever.
 *   families       folded or not, by name, as the plan left them
 *
 * Gauges whose sum says nothing (an MTU, a flag word) are left out where their family is folded.
 */
#include "model/others.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "model/families.h"
#include "model/series_internal.h"

#define PLAN_EVERY_MS (900 * MS_PER_S)
#define PLAN_LEAST_MS (10 * MS_PER_S)
#define OTHER "other"

struct sum {
    char *key, *family;
    enum metric_kind kind;
    double scale;
    bool fresh; /* made by the plan of this very tick */
    bool seen;  /* a member was sampled in this tick */
    bool listed;
    uint64_t total;
    double gauge;
};

struct family {
    bool folded, is_histogram;
};

struct place {
    uint32_t id;
    bool folded;
    struct sum *sum; /* NULL: not folded, or into nothing */
};

struct others {
    size_t limit;
    bool folding, dirty; /* dirty: places are not what the frozen plan says */
    int64_t planned_ms;
    struct place *places;
    uint32_t places_count;
    struct map sums, families;
    struct sum **list; /* of the plan, in order */
    size_t list_count;
    struct others_plan *frozen;
};

/* A family's rows in the order of families.h; made anew by each plan. */
struct share {
    uint32_t first, end; /* rows */
    uint32_t sampled;    /* rows with a sample in this tick */
    uint32_t group;      /* rows of one set of labels: 1, more for a histogram */
    uint32_t rest;       /* rows that its sums are */
};

struct group {
    uint32_t first, end; /* rows */
    double weight;
    uint32_t id;
};

struct others *others_new(size_t limit)
{
    struct others *o = mem_alloc(sizeof(*o));
    o->limit = limit;
    map_init(&o->sums);
    map_init(&o->families);
    return o;
}

static void others_forget_families(struct others *o)
{
    size_t at = 0;
    const char *name;
    void *family;
    while (map_next(&o->families, &at, &name, &family))
        free(family);
    map_fini(&o->families);
    map_init(&o->families);
}

void others_free(struct others *o)
{
    if (!o)
        return;
    size_t at = 0;
    const char *key;
    void *value;
    while (map_next(&o->sums, &at, &key, &value)) {
        struct sum *sum = value;
        free(sum->key);
        free(sum->family);
        free(sum);
    }
    map_fini(&o->sums);
    others_forget_families(o);
    map_fini(&o->families);
    message_unref(o->frozen ? &o->frozen->msg : NULL);
    free(o->places);
    free(o->list);
    free(o);
}

/* ---- sums ---------------------------------------------------------------------------------- */

/* Has a sum of such series a meaning? */
static bool can_sum(const struct series *s)
{
    static const char *const senseless[] = {
        "node_network_address_assign_type",
        "node_network_device_id",
        "node_network_flags",
        "node_network_iface_id",
        "node_network_iface_link",
        "node_network_iface_link_mode",
        "node_network_info",
        "node_network_mtu_bytes",
        "node_network_name_assign_type",
        "node_network_net_dev_group",
        "node_network_protocol_type",
        "node_network_transmit_queue_length",
    };
    for (size_t i = 0; i < ARRAY_LEN(senseless) && s->kind == METRIC_GAUGE; i++) {
        if (strcmp(s->name, senseless[i]) == 0)
            return false;
    }
    return true;
}

static bool is_other(const struct series *s)
{
    size_t others = 0, bounds = 0;
    for (size_t i = 0; i < s->labels_count; i++) {
        bounds += strcmp(s->labels[i].name, "le") == 0;
        others += strcmp(s->labels[i].value, OTHER) == 0;
    }
    return others && others + bounds == s->labels_count;
}

/* The sum that the series belongs to, made when there is none. */
static struct sum *sum_of(struct others *o, const struct series *s, size_t family_len)
{
    struct label labels[SERIES_LABELS_MAX];
    struct buf key = BUF_INIT;
    for (size_t i = 0; i < s->labels_count; i++) {
        labels[i] = s->labels[i];
        if (strcmp(labels[i].name, "le") != 0)
            labels[i].value = OTHER;
    }
    series_key_write(&key, s->name, labels, s->labels_count);
    struct sum *sum = map_get(&o->sums, buf_string(&key));
    if (!sum) {
        sum = mem_alloc(sizeof(*sum));
        sum->key = mem_string(buf_string(&key));
        sum->family = mem_string_n(s->name, family_len);
        sum->kind = s->kind;
        sum->scale = s->scale;
        sum->fresh = true;
        map_put(&o->sums, sum->key, sum);
    }
    buf_fini(&key);
    if (!sum->listed) {
        o->list = mem_resize(o->list, o->list_count + 1, sizeof(*o->list));
        o->list[o->list_count++] = sum;
        sum->listed = true;
    }
    return sum;
}

static void place_fold(struct others *o, uint32_t slot, const struct series *s, size_t family_len)
{
    o->places[slot] = (struct place){
        .id = s->id, .folded = true, .sum = can_sum(s) ? sum_of(o, s, family_len) : NULL};
}

/* ---- a plan -------------------------------------------------------------------------------- */

static double weight_of(const struct tick *t, const struct family_row *row)
{
    double value = fabs(tick_absolute(t, row->slot));
    return is_other(row->series) ? -1 : isnan(value) ? 0 : value;
}

/* The groups of a family that have a sample; a histogram's weight is its count. */
static size_t groups_of(const struct tick *t, const struct family_row *rows, struct share *share,
                        struct group *ret)
{
    size_t count = 0;
    for (uint32_t i = share->first; i < share->end; i++) {
        const struct family_row *row = &rows[i];
        if (t->state[row->slot] == SAMPLE_ABSENT)
            continue;
        share->sampled++;
        if (!count || !row->is_histogram || !family_same_labels(&rows[ret[count - 1].first], row))
            ret[count++] = (struct group){.first = i, .id = row->series->id};
        struct group *g = &ret[count - 1];
        g->end = i + 1;
        if (!row->is_histogram || strcmp(row->series->name + row->family_len, "_count") == 0)
            g->weight = weight_of(t, row);
        share->group = MAX(share->group, g->end - g->first);
    }
    if (count)
        share->rest = can_sum(rows[ret[0].first].series) ? share->group : 0;
    return count;
}

static int compare_groups(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* Groups that a family of more than `level` rows keeps beside its sums. */
static uint32_t share_kept(const struct share *share, uint32_t level)
{
    return level > share->rest ? (level - share->rest) / share->group : 0;
}

static size_t share_cost(const struct share *share, uint32_t level)
{
    if (share->sampled <= level)
        return share->sampled;
    return share->rest + (size_t)share_kept(share, level) * share->group;
}

/* The highest level at which all of it fits into `room`; 1 when nothing does. */
static uint32_t find_level(const struct share *shares, size_t count, size_t room)
{
    uint32_t low = 1, high = 1;
    for (size_t i = 0; i < count; i++)
        high = MAX(high, shares[i].sampled);
    while (low < high) {
        uint32_t middle = high - (high - low) / 2;
        size_t cost = 0;
        for (size_t i = 0; i < count; i++)
            cost += share_cost(&shares[i], middle);
        if (cost <= room)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static void plan_family(struct others *o, const struct tick *t, const struct family_row *rows,
                        struct share *share, uint32_t level, struct group *groups)
{
    const struct family_row *row = &rows[share->first];
    struct family *family = mem_alloc(sizeof(*family));
    family->is_histogram = row->is_histogram;
    family->folded = share->sampled > level;
    char *name = mem_string_n(row->series->name, row->family_len);
    map_put(&o->families, name, family);
    free(name);

    struct share again = {.first = share->first, .end = share->end};
    size_t count = groups_of(t, rows, &again, groups);
    size_t kept = family->folded ? share_kept(share, level) : count;
    if (kept < count)
        qsort(groups, count, sizeof(*groups), compare_groups);
    for (size_t g = 0; g < count; g++) {
        for (uint32_t i = groups[g].first; i < groups[g].end; i++) {
            const struct series *s = rows[i].series;
            if (t->state[rows[i].slot] == SAMPLE_ABSENT)
                continue;
            if (g < kept)
                o->places[rows[i].slot] = (struct place){.id = s->id};
            else
                place_fold(o, rows[i].slot, s, rows[i].family_len);
        }
    }
}

static void others_plan(struct others *o, const struct tick *t)
{
    uint32_t rows_count;
    struct family_row *rows = families_order(t->set, &rows_count);
    struct share *shares = mem_array(MAX(rows_count, 1U), sizeof(*shares));
    struct group *groups = mem_array(MAX(rows_count, 1U), sizeof(*groups));
    size_t count = 0;
    for (uint32_t i = 0; i < rows_count; i++) {
        if (!i || !family_same(&rows[i - 1], &rows[i]))
            shares[count++].first = i;
        shares[count - 1].end = i + 1;
    }
    for (size_t i = 0; i < count; i++)
        groups_of(t, rows, &shares[i], groups);
    uint32_t level = find_level(shares, count, o->limit - o->limit / 16);

    others_forget_families(o);
    for (size_t i = 0; i < o->list_count; i++)
        o->list[i]->listed = false;
    o->list_count = 0;
    memset(o->places, 0, o->places_count * sizeof(*o->places));
    for (size_t i = 0; i < count; i++)
        plan_family(o, t, rows, &shares[i], level, groups);
    o->folding = o->dirty = true;
    o->planned_ms = t->t_ms;
    free(groups);
    free(shares);
    free(rows);
}

/* ---- between plans ------------------------------------------------------------------------- */

/* False: only a new plan can place it. */
static bool others_place(struct others *o, uint32_t slot, const struct series *s)
{
    static const char *const parts[] = {"_bucket", "_sum", "_count"};
    size_t len = strlen(s->name);
    const struct family *family = map_get(&o->families, s->name);
    o->dirty = true;
    o->places[slot] = (struct place){.id = s->id};
    if (family && family->folded && !family->is_histogram) {
        size_t before = o->list_count;
        place_fold(o, slot, s, len);
        return o->list_count == before; /* else it is not in its order */
    }
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        size_t part = strlen(parts[i]);
        if (len <= part || strcmp(s->name + len - part, parts[i]) != 0)
            continue;
        char *name = mem_string_n(s->name, len - part);
        family = map_get(&o->families, name);
        free(name);
        if (family && family->is_histogram && family->folded)
            return false;
    }
    return true;
}

/* Places who came; false when a plan is needed. */
static bool others_follow(struct others *o, const struct tick *t)
{
    size_t rows = o->list_count;
    bool placed = true;
    for (uint32_t slot = 0; slot < t->count; slot++) {
        if (t->state[slot] == SAMPLE_ABSENT)
            continue;
        const struct series *s = t->set->slots[slot];
        if (o->places[slot].id != s->id && !others_place(o, slot, s))
            placed = false;
        rows += !o->places[slot].folded;
    }
    return placed && rows <= o->limit;
}

/* ---- a tick -------------------------------------------------------------------------------- */

static void plan_destroy(struct message *msg)
{
    struct others_plan *plan = CONTAINER_OF(msg, struct others_plan, msg);
    for (size_t i = 0; i < plan->sums_count; i++) {
        free(plan->sums[i].key);
        free(plan->sums[i].family);
    }
    free(plan->sums);
    free(plan->folded);
    free(plan);
}

static void others_freeze(struct others *o)
{
    struct others_plan *plan = mem_alloc(sizeof(*plan));
    message_init(&plan->msg, plan_destroy);
    plan->slots = o->places_count;
    plan->folded = mem_array(MAX(o->places_count, 1U), sizeof(*plan->folded));
    for (uint32_t slot = 0; slot < o->places_count; slot++)
        plan->folded[slot] = o->places[slot].folded;
    plan->sums_count = o->list_count;
    plan->sums = mem_array(MAX(o->list_count, (size_t)1), sizeof(*plan->sums));
    for (size_t i = 0; i < o->list_count; i++) {
        plan->sums[i].key = mem_string(o->list[i]->key);
        plan->sums[i].family = mem_string(o->list[i]->family);
    }
    message_unref(o->frozen ? &o->frozen->msg : NULL);
    o->frozen = plan;
    o->dirty = false;
}

static void tick_others_destroy(struct message *msg)
{
    struct tick_others *others = CONTAINER_OF(msg, struct tick_others, msg);
    message_unref(&others->plan->msg);
    free(others);
}

static void others_add(struct others *o, struct tick *t)
{
    size_t folded = 0;
    for (size_t i = 0; i < o->list_count; i++) {
        o->list[i]->seen = false;
        o->list[i]->gauge = 0;
    }
    for (uint32_t slot = 0; slot < t->count; slot++) {
        if (t->state[slot] == SAMPLE_ABSENT || !o->places[slot].folded)
            continue;
        folded++;
        struct sum *sum = o->places[slot].sum;
        if (!sum)
            continue;
        sum->seen = true;
        if (sum->kind == METRIC_GAUGE)
            sum->gauge += t->value[slot].gauge;
        else
            sum->total += sum->fresh ? t->absolute[slot] : t->value[slot].increment;
    }
    struct tick_others *others =
        mem_alloc(sizeof(*others) + o->list_count * sizeof(others->values[0]));
    message_init(&others->msg, tick_others_destroy);
    message_ref(&o->frozen->msg);
    others->plan = o->frozen;
    others->folded_count = folded;
    for (size_t i = 0; i < o->list_count; i++) {
        struct sum *sum = o->list[i];
        sum->fresh = false;
        others->values[i] = !sum->seen                  ? NAN
                            : sum->kind == METRIC_GAUGE ? sum->gauge
                                                        : (double)sum->total * sum->scale;
    }
    tick_set_others(t, others);
}

void others_fold(struct others *o, struct tick *t)
{
    size_t sampled = 0;
    for (uint32_t slot = 0; slot < t->count; slot++)
        sampled += t->state[slot] != SAMPLE_ABSENT;
    if (sampled <= (o->folding ? o->limit - o->limit / 4 : o->limit)) {
        o->folding = false;
        return;
    }
    if (t->count > o->places_count) {
        o->places = mem_resize(o->places, t->count, sizeof(*o->places));
        memset(o->places + o->places_count, 0, (t->count - o->places_count) * sizeof(*o->places));
        o->places_count = t->count;
        o->dirty = true;
    }
    int64_t age_ms = o->folding ? t->t_ms - o->planned_ms : PLAN_EVERY_MS;
    if (age_ms < 0 || age_ms >= PLAN_EVERY_MS || (!others_follow(o, t) && age_ms >= PLAN_LEAST_MS))
        others_plan(o, t);
    if (o->dirty)
        others_freeze(o);
    others_add(o, t);
}
