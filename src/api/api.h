/*
 * api.h: the routes of CONTRACT section 4: where requests meet ticks, history and the stream.
 *
 * One struct api per loop thread, beside its HTTP server and its station; everything here runs on
 * that thread. History is read on libuv's pool; the answer comes back to the loop.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "detect/bank.h"
#include "http/server.h"
#include "hub/hub.h"

struct api;
struct api_command;
struct board;
struct keyring;
struct store_reader;
struct tally;

struct api_settings {
    const char *version, *host;
    const char *data_dir;
    int64_t interval_ms;
    int64_t started_ms; /* wall time */
    size_t metrics_series_limit;
    struct keyring *keyring; /* borrowed; NULL: there are no tokens, and no login */
    /* The loop's thread: the file `tokens` was written, it is to be read again. May be NULL. */
    void (*tokens_changed)(void *user);
    /* The loop's thread: a reader met a damaged database (-EBADMSG), or damaged chunks in one that
     * it can read (0). May be NULL. */
    void (*history_damaged)(void *user, struct store_reader *reader, int error);
    void *user;
    struct board *board; /* borrowed; NULL: there is no alerting, and none of its routes */
    /* The loop's thread: takes the command to the core thread, see api/command.h. 0, or a negative
     * errno: not now, it was not taken. NULL: nothing can be changed. */
    int (*command)(void *user, struct api_command *cmd);
    void *command_user;
    /* The loop's thread: what a channel of documents is to tell (hub_publish_document). Takes the
     * reference. 0, or a negative errno: not now, and nobody is told. NULL: nobody ever is. */
    int (*publish)(void *user, enum channel channel, struct bytes *members);
    void *publish_user;
    struct bank_settings detect; /* as the daemon detects; for back-tests */
    /* Of all loops; borrowed. NULL: of this one alone. */
    struct tally *places;  /* exports and runs under way */
    atomic_bool *complete; /* false; true when no table is awaited any more, see /readyz */
};

/* Texts are borrowed for the life of the api. The station and the server are the loop's own. */
struct api *api_new(const struct api_settings *settings, struct station *station, uv_loop_t *uv);

/* Adds every route. Before the server serves. */
void api_routes(struct api *api, struct http_server *server);

/* Parts of /api/v1/info that others know and that may change while the daemon runs. */
enum api_info_part {
    API_INFO_ENGINES,
    API_INFO_SANDBOX,
    API_INFO_MEMBERS,
    /* Not shown there, but said by whoever asks for a table that nobody provides: a line for each
     * enum table_kind, empty when somebody does. */
    API_INFO_TABLES = API_INFO_MEMBERS,
    /* Of /api/v1/config, for admins only: "\"config\":[...]", without secrets. */
    API_INFO_CONFIG,
    API_INFO_PARTS
};

/* A part as it is from now on: JSON members, e.g. "\"engines\":[...]". Takes the reference. */
void api_set_info(struct api *api, enum api_info_part part, struct bytes *members);

/* Ends the streams (1008) whose token or session is not good any more. To be called every second;
 * nearly always there is nothing to be done. */
void api_look_at_streams(struct api *api);

/* A command that is back, with its outcome. Takes it. */
void api_take_reply(struct api *api, struct api_command *cmd);

/* Cancels what runs; late answers find nobody, and clients that wait for one are told so. */
void api_close(struct api *api);

/* After the loop has ended. NULL allowed. */
void api_free(struct api *api);
