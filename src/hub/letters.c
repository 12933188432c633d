/* letters.c: the end of a letter that nobody will read. */
#include "hub/letters.h"

#include <stdlib.h>

void hub_request_free(struct request *r)
{
    feed_spec_fini(&r->spec);
    report_free(r->report);
    free(r);
}

void delivery_free(struct delivery *d)
{
    tick_unref(d->tick);
    bytes_unref(d->answer);
    parcels_fini(&d->parcels);
    bytes_unref(d->bodies[0]);
    bytes_unref(d->bodies[1]);
    free(d);
}
