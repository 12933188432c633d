/* servers.c: see servers.h. */
#include "daemon/servers.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/tally.h"

struct servers {
    struct tally *places;
    atomic_bool complete;
    size_t count;
    struct server *list[];
};

struct servers *servers_new(const struct server_settings *settings, struct server_lane *lanes,
                            size_t count)
{
    CHECK(count > 0 && count <= SERVERS_MAX);
    struct servers *all = mem_alloc(sizeof(*all) + count * sizeof(struct server *));
    struct server_settings each = *settings;
    all->places = each.api.places = tally_new();
    each.api.complete = &all->complete;
    for (size_t i = 0; i < count; i++) {
        all->list[i] = server_new(&each, &lanes[i]);
        if (!all->list[i])
            return NULL; /* the process ends: see cmd_run.c */
        all->count++;
    }
    return all;
}

int servers_start(struct servers *all)
{
    for (size_t i = 0; i < all->count; i++) {
        int err = server_start(all->list[i]);
        if (err)
            return err;
    }
    return 0;
}

void servers_post_info(struct servers *all, enum api_info_part part, struct bytes *members)
{
    if (!members)
        return;
    for (size_t i = 0; i < all->count; i++)
        server_post_info(all->list[i], part, bytes_ref(members));
    bytes_unref(members);
}

void servers_post_tls(struct servers *all, struct tls *tls)
{
    for (size_t i = 0; i < all->count; i++)
        server_post_tls(all->list[i], tls);
}

/* All members of the two structs are numbers that may be added. */
static void add_net(struct net_counters *to, const struct net_counters *from)
{
    to->accepted += from->accepted;
    to->refused_clients += from->refused_clients;
    to->refused_address += from->refused_address;
    to->refused_descriptors += from->refused_descriptors;
    to->accept_errors += from->accept_errors;
    to->bytes_in += from->bytes_in;
    to->bytes_out += from->bytes_out;
    to->sends += from->sends;
    to->sends_blocked += from->sends_blocked;
    to->queue_full += from->queue_full;
    to->expired_handshake += from->expired_handshake;
    to->expired_keepalive += from->expired_keepalive;
    to->expired_idle += from->expired_idle;
    to->expired_stall += from->expired_stall;
    to->tls_errors += from->tls_errors;
    to->errors += from->errors;
    to->open += from->open;
    to->queued_bytes += from->queued_bytes;
}

static void add_http(struct http_counters *to, const struct http_counters *from)
{
    to->requests += from->requests;
    for (size_t i = 0; i < ARRAY_LEN(to->answers_by_class); i++)
        to->answers_by_class[i] += from->answers_by_class[i];
    to->malformed += from->malformed;
    to->refused_host += from->refused_host;
    to->refused_origin += from->refused_origin;
    to->refused_role += from->refused_role;
    to->refused_type += from->refused_type;
    to->wrong_token += from->wrong_token;
    to->limited_token += from->limited_token;
    to->timed_out += from->timed_out;
    to->gone += from->gone;
    to->cut += from->cut;
}

void servers_stats(struct servers *all, struct server_stats *ret)
{
    *ret = (struct server_stats){0};
    for (size_t i = 0; i < all->count; i++) {
        struct server_stats one;
        server_stats(all->list[i], &one);
        add_net(&ret->net, &one.net);
        add_http(&ret->http, &one.http);
        station_stats_add(&ret->station, &one.station);
    }
}

void servers_stop(struct servers *all)
{
    for (size_t i = 0; i < all->count; i++)
        server_stop(all->list[i]);
}

void servers_join(struct servers *all)
{
    for (size_t i = 0; i < all->count; i++)
        server_join(all->list[i]);
}

void servers_free(struct servers *all)
{
    if (!all)
        return;
    for (size_t i = 0; i < all->count; i++)
        server_free(all->list[i]);
    tally_free(all->places);
    free(all);
}
