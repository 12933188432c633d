/* board.c: four slots; see board.h. What is inside never changes, so a look is a counted reference.
 */
#include "alert/board.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/slot.h"

struct board {
    struct slot *alerts, *rules, *silences, *channels;
};

/* All sets begin with their struct message. */
static void *set_ref(void *item)
{
    message_ref(item);
    return item;
}

static void set_unref(void *item)
{
    message_unref(item);
}

static void rule_set_destroy(struct message *msg)
{
    struct rule_set *set = CONTAINER_OF(msg, struct rule_set, msg);
    for (size_t i = 0; i < set->count; i++)
        message_unref((struct message *)set->rules[i].rule); /* its first member */
    free(set);
}

struct rule_set *rule_set_new(size_t count)
{
    struct rule_set *set = mem_alloc(sizeof(*set) + count * sizeof(set->rules[0]));
    message_init(&set->msg, rule_set_destroy);
    set->count = count;
    return set;
}

static void channel_set_destroy(struct message *msg)
{
    free(CONTAINER_OF(msg, struct channel_set, msg));
}

struct channel_set *channel_set_new(size_t count)
{
    struct channel_set *set = mem_alloc(sizeof(*set) + count * sizeof(set->channels[0]));
    message_init(&set->msg, channel_set_destroy);
    set->count = count;
    return set;
}

struct board *board_new(void)
{
    struct board *b = mem_alloc(sizeof(*b));
    b->alerts = slot_new(alert_set_new(0), set_ref, set_unref);
    b->rules = slot_new(rule_set_new(0), set_ref, set_unref);
    b->silences = slot_new(silence_set_new(0), set_ref, set_unref);
    b->channels = slot_new(channel_set_new(0), set_ref, set_unref);
    return b;
}

void board_free(struct board *b)
{
    if (!b)
        return;
    slot_free(b->alerts);
    slot_free(b->rules);
    slot_free(b->silences);
    slot_free(b->channels);
    free(b);
}

struct alert_set *board_alerts(struct board *b)
{
    return slot_get(b->alerts);
}

struct rule_set *board_rules(struct board *b)
{
    return slot_get(b->rules);
}

struct silence_set *board_silences(struct board *b)
{
    return slot_get(b->silences);
}

struct channel_set *board_channels(struct board *b)
{
    return slot_get(b->channels);
}

void board_put_alerts(struct board *b, struct alert_set *set)
{
    slot_set(b->alerts, set);
}

void board_put_rules(struct board *b, struct rule_set *set)
{
    slot_set(b->rules, set);
}

void board_put_silences(struct board *b, struct silence_set *set)
{
    slot_set(b->silences, set);
}

void board_put_channels(struct board *b, struct channel_set *set)
{
    slot_set(b->channels, set);
}
