/*
 * shelf.c: see shelf.h.
 *
 * Items are found by kind and name ("a12", "rdns_slow", "s7") and wait in one of two lists: what is
 * to last, and alerts that are resolved. The second is written after the first, and when there are
 * too many alerts its oldest goes: a resolved alert that nobody reads about is the least loss.
 */
#include "store/shelf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

static const char letters[SHELF_KINDS] = {'a', 'r', 's'};

/* ---- items --------------------------------------------------------------------------------- */

void stored_rule_fini(struct stored_rule *rule)
{
    for (size_t i = 0; i < rule->count; i++) {
        free(rule->keys[i].key);
        free(rule->keys[i].value);
    }
    free(rule->keys);
    free(rule->name);
    *rule = (struct stored_rule){0};
}

static struct stored_rule rule_copy(const char *name, const struct stored_key *keys, size_t count)
{
    struct stored_rule rule = {.name = mem_string(name), .count = count};
    rule.keys = mem_array(MAX(count, (size_t)1), sizeof(*rule.keys));
    for (size_t i = 0; i < count; i++)
        rule.keys[i] = (struct stored_key){mem_string(keys[i].key), mem_string(keys[i].value)};
    return rule;
}

static void item_clear(struct shelf_item *item)
{
    alert_unref(item->alert);
    item->alert = NULL;
    stored_rule_fini(&item->rule);
    free(item->silence);
    item->silence = NULL;
}

static void item_free(struct shelf_item *item)
{
    item_clear(item);
    free(item->key);
    free(item);
}

static bool item_is_over(const struct shelf_item *item)
{
    if (item->kind == SHELF_ALERT)
        return !alert_is_active(item->alert);
    return item->kind == SHELF_RULE && item->rule.count == 0;
}

/* ---- the shelf ----------------------------------------------------------------------------- */

void shelf_init(struct shelf *s)
{
    *s = (struct shelf){0};
    map_init(&s->items);
    list_init(&s->fresh);
    list_init(&s->over);
}

void shelf_fini(struct shelf *s)
{
    const char *key;
    void *item;
    for (size_t at = 0; map_next(&s->items, &at, &key, &item);)
        item_free(item);
    map_fini(&s->items);
}

static void stop_waiting(struct shelf *s, struct shelf_item *item)
{
    if (list_empty(&item->waiting))
        return;
    list_remove(&item->waiting);
    s->waiting--;
}

static void start_waiting(struct shelf *s, struct shelf_item *item)
{
    bool over = item->kind == SHELF_ALERT && item_is_over(item);
    stop_waiting(s, item);
    list_append(over ? &s->over : &s->fresh, &item->waiting);
    s->waiting++;
}

static void forget(struct shelf *s, struct shelf_item *item)
{
    stop_waiting(s, item);
    CHECK(map_remove(&s->items, item->key) == item);
    s->counts[item->kind]--;
    item_free(item);
}

static struct shelf_item *find(const struct shelf *s, enum shelf_kind kind, const char *name)
{
    char *key CLEANUP(mem_freep) = mem_printf("%c%s", letters[kind], name);
    return map_get(&s->items, key);
}

static struct shelf_item *add(struct shelf *s, enum shelf_kind kind, const char *name)
{
    struct shelf_item *item = mem_alloc(sizeof(*item));
    item->key = mem_printf("%c%s", letters[kind], name);
    item->kind = kind;
    list_init(&item->waiting);
    map_put(&s->items, item->key, item);
    s->counts[kind]++;
    return item;
}

/* The item of that name, empty; NULL when there are too many. */
static struct shelf_item *place(struct shelf *s, enum shelf_kind kind, const char *name,
                                size_t most)
{
    struct shelf_item *item = find(s, kind, name);
    if (item)
        item_clear(item);
    else if (s->counts[kind] < most)
        item = add(s, kind, name);
    return item;
}

static void number_name(uint64_t id, char name[24])
{
    snprintf(name, 24, "%llu", (unsigned long long)id);
}

/* Room for one more alert: the oldest of those that are over goes. Returns what was lost by it. */
static unsigned make_room(struct shelf *s)
{
    if (s->counts[SHELF_ALERT] < SHELF_ALERTS_MAX || list_empty(&s->over))
        return 0;
    forget(s, LIST_ENTRY(s->over.next, struct shelf_item, waiting));
    return 1;
}

/* ---- putting ------------------------------------------------------------------------------- */

static struct shelf_item *place_alert(struct shelf *s, struct alert *a)
{
    char name[24];
    number_name(a->id, name);
    struct shelf_item *item = place(s, SHELF_ALERT, name, SHELF_ALERTS_MAX);
    if (item)
        item->alert = alert_ref(a);
    return item;
}

static struct shelf_item *place_rule(struct shelf *s, const char *name,
                                     const struct stored_key *keys, size_t count)
{
    struct shelf_item *item = place(s, SHELF_RULE, name, SHELF_RULES_MAX);
    if (item)
        item->rule = rule_copy(name, keys, count);
    return item;
}

static struct shelf_item *place_silence(struct shelf *s, const struct silence *silence)
{
    char name[24];
    number_name(silence->id, name);
    struct shelf_item *item = place(s, SHELF_SILENCE, name, SHELF_SILENCES_MAX);
    if (item) {
        item->silence = mem_alloc(sizeof(*item->silence));
        *item->silence = *silence;
    }
    return item;
}

void shelf_load_alert(struct shelf *s, struct alert *a)
{
    struct shelf_item *item = place_alert(s, a);
    if (item)
        item->on_disk = true;
}

void shelf_load_rule(struct shelf *s, const struct stored_rule *rule)
{
    struct shelf_item *item = place_rule(s, rule->name, rule->keys, rule->count);
    if (item)
        item->on_disk = true;
}

void shelf_load_silence(struct shelf *s, const struct silence *silence)
{
    struct shelf_item *item = place_silence(s, silence);
    if (item)
        item->on_disk = true;
}

unsigned shelf_put_alert(struct shelf *s, struct alert *a)
{
    char name[24];
    number_name(a->id, name);
    unsigned lost = find(s, SHELF_ALERT, name) ? 0 : make_room(s);
    struct shelf_item *item = place_alert(s, a);
    if (!item)
        return 1;
    start_waiting(s, item);
    return lost;
}

unsigned shelf_put_rule(struct shelf *s, const char *name, const struct stored_key *keys,
                        size_t count)
{
    struct shelf_item *item = place_rule(s, name, keys, count);
    if (!item)
        return 1;
    if (count == 0 && !item->on_disk)
        forget(s, item); /* the disk never heard of it */
    else
        start_waiting(s, item);
    return 0;
}

unsigned shelf_put_silence(struct shelf *s, const struct silence *silence)
{
    struct shelf_item *item = place_silence(s, silence);
    if (!item)
        return 1;
    start_waiting(s, item);
    return 0;
}

/* ---- writing ------------------------------------------------------------------------------- */

static struct shelf_item *entry(const struct list *node)
{
    return CONTAINER_OF(node, struct shelf_item, waiting);
}

struct shelf_item *shelf_first(const struct shelf *s)
{
    if (!list_empty(&s->fresh))
        return entry(s->fresh.next);
    return list_empty(&s->over) ? NULL : entry(s->over.next);
}

struct shelf_item *shelf_after(const struct shelf *s, const struct shelf_item *item)
{
    const struct list *next = item->waiting.next;
    if (next == &s->fresh)
        next = s->over.next;
    return next == &s->over ? NULL : entry(next);
}

void shelf_written(struct shelf *s, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct shelf_item *item = shelf_first(s);
        CHECK(item);
        stop_waiting(s, item);
        item->on_disk = true;
        if (item_is_over(item))
            forget(s, item);
    }
    s->anew = false;
}

void shelf_begin_anew(struct shelf *s)
{
    const char *key;
    void *found;
    s->anew = true;
    for (size_t at = 0; map_next(&s->items, &at, &key, &found);) {
        struct shelf_item *item = found;
        item->on_disk = false;
        if (list_empty(&item->waiting))
            start_waiting(s, item);
    }
}

void shelf_expire_silences(struct shelf *s, int64_t before_ms)
{
    struct shelf_item *ended[64];
    size_t count;
    do {
        const char *key;
        void *found;
        count = 0;
        for (size_t at = 0; count < ARRAY_LEN(ended) && map_next(&s->items, &at, &key, &found);) {
            struct shelf_item *item = found;
            if (item->kind == SHELF_SILENCE && item->silence->to_ms < before_ms)
                ended[count++] = item;
        }
        for (size_t i = 0; i < count; i++)
            forget(s, ended[i]);
    } while (count == ARRAY_LEN(ended));
}
