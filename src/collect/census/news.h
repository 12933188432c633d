/*
 * news.h: events and losses of a round. Survey thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "collect/census.h"
#include "model/event.h"

#define NEWS_MAX 512 /* events of a round */

struct news;

struct news *news_new(void);
void news_free(struct news *n); /* NULL allowed */

/* Takes it; past NEWS_MAX it is counted and told as one loss. */
void news_event(struct news *n, struct event *e);
bool news_has_room(const struct news *n);
/* One more event that was not even made, because there was no room for it. */
void news_missed(struct news *n);

/* `what` lives for ever. Told as an event with the next news_take, then not again for a while. */
void news_lost(struct news *n, uint64_t count, const char *what);

/* The events of the round, losses last: an array of references to be freed; NULL when *ret_count
 * is 0. */
struct event **news_take(struct news *n, int64_t now_ms, size_t *ret_count);
