/*
 * news.c: see news.h.
 *
 * Losses are added up by what was lost (the literal's address tells them apart) and told at most
 * once in TELL_EVERY_MS each: a table that is full stays full, and one line a second would bury the
 * other events.
 */
#include "collect/census/news.h"

#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/mem.h"

#define LOSSES_MAX 16
#define TELL_EVERY_MS 10000

struct loss {
    const char *what;
    uint64_t count; /* not told yet */
    int64_t told_ms;
    bool told;
};

struct news {
    struct event *events[NEWS_MAX];
    size_t count;
    uint64_t missed;
    struct loss losses[LOSSES_MAX];
    size_t losses_count;
};

struct news *news_new(void)
{
    return mem_alloc(sizeof(struct news));
}

void news_free(struct news *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->count; i++)
        event_unref(n->events[i]);
    free(n);
}

bool news_has_room(const struct news *n)
{
    return n->count < NEWS_MAX;
}

void news_event(struct news *n, struct event *e)
{
    if (news_has_room(n)) {
        n->events[n->count++] = e;
    } else {
        event_unref(e);
        n->missed++;
    }
}

void news_missed(struct news *n)
{
    n->missed++;
}

void news_lost(struct news *n, uint64_t count, const char *what)
{
    size_t at = 0;
    while (at < n->losses_count && strcmp(n->losses[at].what, what) != 0)
        at++;
    if (at == LOSSES_MAX)
        at--; /* more kinds of loss than there are in the program: told under the last one's name */
    else if (at == n->losses_count)
        n->losses[n->losses_count++] = (struct loss){.what = what};
    n->losses[at].count += count;
}

static struct event *loss_event(const char *what, uint64_t count, int64_t now_ms)
{
    struct event *e = event_new(EVENT_LOSS, now_ms);
    event_text(e, "what", what);
    event_number(e, "count", (double)count);
    return e;
}

struct event **news_take(struct news *n, int64_t now_ms, size_t *ret_count)
{
    size_t count = 0;
    struct event **events = mem_array(n->count + n->losses_count + 1, sizeof(struct event *));
    for (size_t i = 0; i < n->count; i++)
        events[count++] = n->events[i];
    if (n->missed)
        events[count++] = loss_event("connection events", n->missed, now_ms);
    for (size_t i = 0; i < n->losses_count; i++) {
        struct loss *l = &n->losses[i];
        int64_t since_ms = now_ms - l->told_ms;
        if (!l->count || (l->told && since_ms >= 0 && since_ms < TELL_EVERY_MS))
            continue;
        events[count++] = loss_event(l->what, l->count, now_ms);
        l->count = 0;
        l->told = true;
        l->told_ms = now_ms;
    }
    n->count = 0;
    n->missed = 0;
    *ret_count = count;
    if (!count) {
        free(events);
        events = NULL;
    }
    return events;
}
