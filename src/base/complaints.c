/*
 * complaints.c: see complaints.h. An array that is searched from its begin: causes are few, and
 * who causes thousands a second causes the same ones. Causes that were not heard of for as long as
 * they may be silent give their place to new ones when all are taken.
 *
 * The lock guards everything; the log is written under it, which happens once a minute per cause.
 */
#include "base/complaints.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/log.h"
#include "base/mem.h"

#define WHO_MAX 64
#define EVERY_NS (COMPLAINTS_EVERY_S * NS_PER_S)

struct cause {
    char *module, *text; /* NULL: a free place */
    uint64_t untold;     /* since the last line */
    int64_t told_ns;     /* when that was */
    char who[WHO_MAX];   /* of the newest untold one; "": unknown */
};

struct complaints {
    pthread_mutex_t lock;
    struct cause causes[COMPLAINTS_CAUSES + 1]; /* the last one: all that found no place */
};

struct complaints *complaints_new(void)
{
    struct complaints *c = mem_alloc(sizeof(*c));
    int err = pthread_mutex_init(&c->lock, NULL);
    CHECK(err == 0);
    return c;
}

static void cause_tell(struct cause *cause, int64_t now_ns, bool first)
{
    char times[64] = "", from[WHO_MAX + 32] = "";
    if (!first)
        snprintf(times, sizeof(times), ": %llu more in the last %lld s",
                 (unsigned long long)cause->untold,
                 (long long)((now_ns - cause->told_ns) / NS_PER_S));
    else if (cause->untold > 1)
        snprintf(times, sizeof(times), " (%llu times)", (unsigned long long)cause->untold);
    if (cause->who[0])
        snprintf(from, sizeof(from), " (%s%s)", first ? "" : "the newest from ", cause->who);
    log_warning(cause->module, "%s%s%s", cause->text, times, from);
    cause->untold = 0;
    cause->told_ns = now_ns;
}

static void cause_forget(struct cause *cause)
{
    free(cause->module);
    free(cause->text);
    *cause = (struct cause){0};
}

/* The place of the cause, or one to use for it: free, or of a cause that has had its say. */
static struct cause *complaints_find(struct complaints *c, const char *module, const char *text,
                                     int64_t now_ns)
{
    struct cause *place = NULL;
    for (size_t i = 0; i < COMPLAINTS_CAUSES; i++) {
        struct cause *cause = &c->causes[i];
        if (!cause->text) {
            place = place && !place->text ? place : cause;
        } else if (strcmp(cause->text, text) == 0 && strcmp(cause->module, module) == 0) {
            return cause;
        } else if (!place && !cause->untold && now_ns - cause->told_ns >= EVERY_NS) {
            place = cause;
        }
    }
    if (!place) {
        place = &c->causes[COMPLAINTS_CAUSES];
        if (place->text)
            return place;
        module = "daemon";
        text = "trouble of more kinds than are told apart";
    }
    cause_forget(place);
    place->module = mem_string(module);
    place->text = mem_string(text);
    return place;
}

void complaints_add(struct complaints *c, const char *module, const char *cause, uint64_t count,
                    const char *who, int64_t now_ns)
{
    if (!c || !count)
        return;
    pthread_mutex_lock(&c->lock);
    struct cause *place = complaints_find(c, module, cause, now_ns);
    bool first = !place->told_ns;
    place->untold += count;
    snprintf(place->who, sizeof(place->who), "%s", who ? who : "");
    if (first || now_ns - place->told_ns >= EVERY_NS)
        cause_tell(place, now_ns, first);
    pthread_mutex_unlock(&c->lock);
}

void complaints_flush(struct complaints *c, int64_t now_ns)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i <= COMPLAINTS_CAUSES; i++) {
        struct cause *cause = &c->causes[i];
        if (cause->untold && now_ns - cause->told_ns >= EVERY_NS)
            cause_tell(cause, now_ns, false);
    }
    pthread_mutex_unlock(&c->lock);
}

void complaints_free(struct complaints *c)
{
    if (!c)
        return;
    for (size_t i = 0; i <= COMPLAINTS_CAUSES; i++) {
        struct cause *cause = &c->causes[i];
        if (cause->untold)
            log_warning(cause->module, "%s: %llu more until the end", cause->text,
                        (unsigned long long)cause->untold);
        cause_forget(cause);
    }
    pthread_mutex_destroy(&c->lock);
    free(c);
}
