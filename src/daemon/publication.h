/* publication.h: a document on its way from any thread to the stream, by the core thread. */
#pragma once

#include "base/bytes.h"
#include "hub/channel.h"

struct core;
struct hub;

/* Whom it passes; set before the threads start, read by all. */
struct publications {
    struct core *core;
    struct hub *hub;
};

/* Any thread. Takes the reference, see hub_publish_document. 0; or -errno: the core's queue is full
 * (counted there) or it has ended, and nobody is told. */
int publications_post(void *publications, enum channel channel, struct bytes *members);
