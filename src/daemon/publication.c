/* publication.c: see publication.h. */
#include "daemon/publication.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "daemon/core.h"
#include "hub/hub.h"

struct publication {
    enum channel channel;
    struct bytes *members;
};

static void publication_free(void *item)
{
    struct publication *p = item;
    bytes_unref(p->members);
    free(p);
}

/* Core thread. */
static void publication_run(void *user, void *item)
{
    const struct publications *all = user;
    struct publication *p = item;
    hub_publish_document(all->hub, p->channel, clock_wall_ms(), TAKE(p->members));
    publication_free(p);
}

int publications_post(void *publications, enum channel channel, struct bytes *members)
{
    struct publications *all = publications;
    struct publication *p = mem_alloc(sizeof(*p));
    *p = (struct publication){channel, members};
    int err = core_post_call(all->core, publication_run, all, publication_free, p);
    if (err)
        publication_free(p);
    return err;
}
