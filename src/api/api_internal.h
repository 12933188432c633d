/* api_internal.h: what the files of src/api share. */
#pragma once

#include "alert/board.h"
#include "api/api.h"
#include "api/command.h"
#include "api/readers.h"
#include "base/list.h"
#include "http/keyring.h"
#include "model/families.h"
#include "model/query.h"
#include "model/tick.h"
#include "model/view.h"

struct table_route {
    struct api *api;
    enum table_kind kind;
};

struct api {
    struct api_settings settings;
    struct station *station;
    struct readers *readers;
    uv_loop_t *uv;
    int64_t born_mono_ns; /* when api_new made it: how long tables may be on their way */
    struct bytes *info[API_INFO_PARTS]; /* NULL: not told yet */
    struct table_route tables[TABLE_KINDS];
    /* Streams that were opened by a token or a session, and when they are looked at next. */
    struct pass *passes;
    size_t passes_count, passes_room;
    int64_t look_ms;
    uint64_t looked_changes;
    /* /metrics: the series of one set in the order of their families, kept while the set is the
     * same. The series are borrowed: looked at only beside a tick that has this set. */
    uint64_t order_generation;
    struct family_row *order;
    uint32_t order_count;
    struct list commands; /* under way */
    size_t commands_count;
    bool closing;
    unsigned errands;                  /* of benchmarks.c, under way */
    struct tally *places, *own_places; /* what is under way; NULL: it is not our own */
    atomic_bool *complete, own_complete;
};

/* The newest tick this loop has heard of; NULL in the first instant. Borrowed. */
struct tick *api_tick(const struct api *api);

/* Reads the parameters metric= and match= into *ret, which it initialises. False: an error has
 * been answered, *ret holds nothing. */
bool api_selector(struct http_request *request, struct selector *ret);

/* Reads a time or a number. False: an error that names the parameter has been answered. */
bool api_time(struct http_request *request, const char *name, int64_t fallback_ms, int64_t *ret);
bool api_number(struct http_request *request, const char *name, uint64_t fallback, uint64_t most,
                uint64_t *ret);

/* Reads from= and to=; the range ends now and is `range_ms` long when they are absent. */
bool api_range(struct http_request *request, int64_t range_ms, int64_t *ret_from_ms,
               int64_t *ret_to_ms);

/* Who asks for a change, in a word for people: the role, and the id of the token. */
void api_author(struct http_request *request, char *ret, size_t size);

/* Runs over the history take a pool thread longer than other questions: so many may be under way at
 * once, of all loops together, which is half of the pool. True: one has begun, api_leave_run is its
 * end. False: 503 has been answered. */
#define RUNS_MAX 2
bool api_take_run(struct api *api, struct http_request *request);
void api_leave_run(struct api *api);

/* Why nobody provides the table, a line of what the daemon told, and its length; 0: somebody does,
 * or that is not known yet. Borrowed. */
size_t api_table_absence(const struct api *api, enum table_kind kind, const char **ret);

/* Somebody wants a table that no engine has delivered: answers 503 with the reason. */
void api_refuse_table(struct http_request *request, const struct api *api, enum table_kind kind);

#define EXPORTS_MAX 4 /* of all loops together */

#define ANOMALIES_SERIES_MAX 50
#define ANOMALIES_POINTS_MAX 2000 /* of each */

/* command.c: nobody has run it yet. Then: takes the command, and answers, now or when it is back.
 */
struct api_command *command_new(enum command_kind kind);
void command_ask(struct api_command *cmd, struct api *api, struct http_request *request);
void api_close_commands(struct api *api);

/* One file each. `user` is the struct api. */
void api_get_metrics(struct http_request *request, void *user);
void api_get_info(struct http_request *request, void *user);
void api_get_performance(struct http_request *request, void *user);
void api_get_series(struct http_request *request, void *user);
void api_get_query(struct http_request *request, void *user);
void api_get_export(struct http_request *request, void *user);
void api_get_events(struct http_request *request, void *user);

/* GET /api/v1/TABLE: `user` is the struct table_route. */
void api_get_table(struct http_request *request, void *user);
/* history.c: the table as it was at that time. Takes the spec. */
void api_table_of_past(struct http_request *request, const struct table_route *route,
                       struct view_spec *spec, size_t limit, size_t offset, int64_t at_ms);
void api_get_alerts(struct http_request *request, void *user);
void api_acknowledge(struct http_request *request, void *user);
void api_get_anomalies(struct http_request *request, void *user);
void api_get_benchmarks(struct http_request *request, void *user);
void api_post_benchmark(struct http_request *request, void *user);
void api_get_silences(struct http_request *request, void *user);
void api_post_silence(struct http_request *request, void *user);
void api_delete_silence(struct http_request *request, void *user);
void api_get_baselines(struct http_request *request, void *user);
void api_post_baseline(struct http_request *request, void *user);
void api_get_baseline(struct http_request *request, void *user);
void api_delete_baseline(struct http_request *request, void *user);
void api_get_comparison(struct http_request *request, void *user);
void api_get_comparisons(struct http_request *request, void *user);
void api_get_dashboards(struct http_request *request, void *user);
void api_get_dashboard(struct http_request *request, void *user);
void api_put_dashboard(struct http_request *request, void *user);
void api_delete_dashboard(struct http_request *request, void *user);
void api_get_channels(struct http_request *request, void *user);
void api_test_channel(struct http_request *request, void *user);
void api_get_rules(struct http_request *request, void *user);
void api_post_rule(struct http_request *request, void *user);
void api_test_rule(struct http_request *request, void *user);
void api_get_config(struct http_request *request, void *user);
void api_put_rule(struct http_request *request, void *user);
void api_delete_rule(struct http_request *request, void *user);
void api_get_stream(struct http_request *request, void *user);
void api_post_login(struct http_request *request, void *user);
void api_post_logout(struct http_request *request, void *user);

/* The stream ends when what it was opened by does. */
void api_note_stream(struct api *api, uint64_t viewer, const struct identity *identity);
