/*
 * select.h: all collecting behind one door. A collector makes the engines named, gives each
 * capability to the best engine that has it, collects a tick from all of them, and hands what an
 * engine loses to the next one. Main thread up to collector_open, core thread afterwards, but for
 * collector_survey.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/engine.h"
#include "model/message.h"

#define COLLECTOR_ENGINES_MAX 8

struct collector;

/* NULL past the last: "netlink", "procfs", by falling preference. */
const char *collector_engine_name(size_t index);

/*
 * names: engines by name, or none for "auto": those that want to be in it. Only they collect; the
 * others are probed once, so that the status can tell what they would give. 0; -EINVAL for a name
 * that is none, which *ret_bad then points to. Settings are copied with their texts.
 */
int collector_new(struct collector **ret, const struct engine_settings *settings,
                  const char *const *names, size_t names_count, const char **ret_bad);

/* The same with engines of one's own, for tests. */
struct collector *collector_new_with(const struct engine_settings *settings,
                                     const struct engine_class *const *classes, size_t count);
void collector_free(struct collector *c); /* detached or never attached; NULL allowed */

/* Probes, assigns, opens; before privileges are dropped. 0, or -ENODEV when no engine can give
 * anything here, or one that was named cannot: the status tells why. */
int collector_open(struct collector *c);

/* The engine that was named and can give nothing here; NULL: none such. */
const char *collector_refused(const struct collector *c);

int collector_attach(struct collector *c, struct uv_loop_s *loop); /* 0 or -errno */
void collector_detach(struct collector *c, void (*done)(void *user), void *user);

/* One tick into given->draft, which has begun. Never fails as a whole: what fails is a gap, an
 * event, a count. */
void collector_collect(struct collector *c, const struct engine_sink *given);

/* Survey thread: reads the slow sources of the engines in use; `deliver` gets one reference of
 * each result, to be handed to collector_take_survey on the core thread. The result of no engine
 * (NULL) is the census'. */
void collector_survey(struct collector *c,
                      void (*deliver)(void *user, struct engine *e, struct message *result),
                      void *user);
void collector_take_survey(struct collector *c, struct engine *e, struct message *result);

/* ---- what `info` shows: a frozen message ---------------------------------------------------- */

enum engine_state {
    ENGINE_IN_USE,
    ENGINE_SPARE,       /* works, but another one gives all that it could */
    ENGINE_LOST,        /* worked, and failed */
    ENGINE_UNAVAILABLE, /* cannot work here: reason, remedy */
    ENGINE_OFF,         /* not among those that were named */
    ENGINE_STATES
};

const char *engine_state_name(enum engine_state state); /* "in use" … */

/* How a capability fares with one engine, or by and large. */
enum offer_state {
    OFFER_IN_USE,
    OFFER_LIMITED,     /* in use, but something would make it better: reason, remedy */
    OFFER_AVAILABLE,   /* works, another engine gives it */
    OFFER_OFF,         /* by choice */
    OFFER_MISSING,     /* does not work here: reason, remedy */
    OFFER_UNSUPPORTED, /* no engine of this version has it */
    OFFER_STATES
};

const char *offer_state_name(enum offer_state state); /* "in use" … */

struct collector_offer {
    enum capability capability;
    const char *engine;
    enum offer_state state;
    char reason[256]; /* "" where there is nothing to say */
    char remedy[256];
};

struct collector_status {
    struct message msg;
    size_t count;
    struct {
        const char *name;
        enum engine_state state;
        uint32_t capabilities; /* bit set of what it could give */
        uint32_t assigned;     /* and gives */
        char reason[256];      /* why something is missing, "" */
        char remedy[256];      /* what would help, "" */
    } engines[COLLECTOR_ENGINES_MAX];
    const char *providers[CAPABILITIES]; /* engine's name; NULL: nobody */
    /* By capability, then by falling preference of the engines; what is worse than the engine in
     * use and does not work is left out. */
    size_t offers_count;
    struct collector_offer *offers;
};

/* A capability by and large: its best offer's state; *ret_offer is that, or NULL. */
enum offer_state collector_status_of(const struct collector_status *status, enum capability c,
                                     const struct collector_offer **ret_offer);

/* Borrowed; replaced, never changed, when something changes (collector_status_generation grows). */
struct collector_status *collector_status(struct collector *c);
uint64_t collector_status_generation(const struct collector *c);
