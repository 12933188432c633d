/*
 * link_info.h: the series node_network_info{device,...} of an interface: always 1, its labels are
 * the texts that the interface has now. When one of them changes the interface gets another series
 * and the one before falls silent. Core thread.
 */
#pragma once

#include "collect/catalogue.h"
#include "collect/engine.h"
#include "collect/sampler.h"
#include "wire/rtnetlink.h"

/* The texts as an engine read them. */
struct link_texts {
    const struct link_address *address, *broadcast; /* NULL: not known (yet), so no series */
    const char *state;                              /* lives for ever; NULL: not known */
    const char *duplex;                             /* the same */
    const char *alias;                              /* NULL: none */
};

struct link_info { /* all zero: none yet */
    struct series *series;
    bool asked; /* for these texts, perhaps in vain */
    struct link_address address, broadcast;
    const char *state, *duplex;
    char *alias;
};

void link_info_sample(struct link_info *info, struct sampler *sampler,
                      const struct engine_sink *sink, const char *device,
                      const struct link_texts *now);
void link_info_forget(struct link_info *info); /* the series is asked for again; also the end */
