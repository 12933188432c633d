/*
 * bench_publish.h: sends the documents of a run to a daemon while the run goes on. A process of its
 * own does it, so that neither a slow network nor libcurl's memory is in what is measured; of
 * progress only the newest counts, and what comes while one is under way is left out. Of a run that
 * is killed it tells as of one that failed. Main thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define PUBLISH_WHY_MAX 400

struct publish_settings {
    const char *url;     /* the daemon's, without /api/v1: http://127.0.0.1:7477 */
    const char *token;   /* NULL: none */
    const char *ca_file; /* NULL: the system's */
    /* The daemon's own certificate, given as ca_file, is not one for the address that we use. */
    bool any_name;
};

struct publisher;

/* Before threads begin. NULL: no process can be made, which `why` says. The texts are copied by
 * being there when the process begins. */
struct publisher *publisher_start(const struct publish_settings *settings, char *why,
                                  size_t why_size);

/* The document as it is now; returns at once. */
void publisher_tell(struct publisher *p, const struct buf *document);

/* The last one, and waits for its answer, 20 s at most. 0; or a negative errno, and `why` says in a
 * sentence what the daemon did not take. Ends the process. Takes the publisher. */
int publisher_end(struct publisher *p, const struct buf *document, char *why, size_t why_size);

/* Ends the process without a word; NULL allowed. */
void publisher_stop(struct publisher *p);
