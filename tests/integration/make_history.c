/*
 * make_history.c: writes a history for tests, through the store as the daemon does.
 *
 *   make_history DATA_DIR < TEXT
 *   series counter|gauge NAME UNIT [LABEL=VALUE]…     all of them first
 *   tick T_MS VALUE…                                  one a series; - for none; counters are totals
 *
 * The last line is not needed to be anything; what makes no sense ends the program with 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/mem.h"
#include "model/series.h"
#include "model/tick.h"
#include "store/store.h"

#define SERIES_MAX 256
#define LINE_MAX_BYTES 65536

struct history {
    struct store *store;
    struct registry *registry;
    struct draft *draft;
    struct metric metrics[SERIES_MAX];
    struct series *series[SERIES_MAX];
    size_t count;
    uint64_t seq, next_event;
    int64_t last_ms;
};

static _Noreturn void bad(const char *what, const char *line)
{
    fprintf(stderr, "make_history: %s: %s\n", what, line ? line : "");
    exit(EXIT_FAILURE);
}

static void take_series(struct history *h)
{
    char *kind = strtok(NULL, " \n"), *name = strtok(NULL, " \n"), *unit = strtok(NULL, " \n");
    struct label labels[SERIES_LABELS_MAX];
    size_t labels_count = 0;
    if (!kind || !name || !unit || h->count == SERIES_MAX)
        bad("not a series", kind);
    for (char *word = strtok(NULL, " \n"); word; word = strtok(NULL, " \n")) {
        char *equals = strchr(word, '=');
        if (!equals || labels_count == SERIES_LABELS_MAX)
            bad("not a label", word);
        *equals = '\0';
        labels[labels_count++] = (struct label){word, equals + 1};
    }
    h->metrics[h->count] =
        (struct metric){mem_string(name), mem_string(unit), "Made for a test.",
                        strcmp(kind, "counter") == 0 ? METRIC_COUNTER : METRIC_GAUGE, 1};
    h->series[h->count] =
        registry_get(h->registry, &h->metrics[h->count], labels, labels_count, "procfs");
    if (!h->series[h->count])
        bad("no room for the series", name);
    h->count++;
}

static void take_tick(struct history *h)
{
    char *time = strtok(NULL, " \n");
    int64_t t_ms = time ? strtoll(time, NULL, 10) : 0;
    if (t_ms <= h->last_ms)
        bad("time goes back", time);
    int64_t elapsed_ns = h->last_ms ? (t_ms - h->last_ms) * NS_PER_MS : 0;
    draft_begin(h->draft, h->seq++, t_ms, elapsed_ns, t_ms * NS_PER_MS,
                h->last_ms ? t_ms - h->last_ms : MS_PER_S);
    h->last_ms = t_ms;
    for (size_t i = 0; i < h->count; i++) {
        char *value = strtok(NULL, " \n");
        if (!value)
            bad("a value is missing", time);
        if (strcmp(value, "-") == 0)
            continue;
        if (h->metrics[i].kind == METRIC_COUNTER)
            draft_counter(h->draft, h->series[i], strtoull(value, NULL, 10), 1);
        else
            draft_gauge(h->draft, h->series[i], strtod(value, NULL));
    }
    struct tick *t = draft_seal(h->draft, t_ms * NS_PER_MS + 1, &h->next_event);
    if (!t || store_write(h->store, t) < 0)
        bad("not written", time);
    tick_unref(t);
    while (store_work(h->store)) {
    }
}

int main(int argc, char **argv)
{
    static char line[LINE_MAX_BYTES];
    struct history *h = mem_alloc(sizeof(*h));
    struct store_settings settings = STORE_SETTINGS_DEFAULT;
    struct store_error error;
    /* Whose counters these are is nobody's affair: a daemon that goes on here begins anew. */
    settings.boot_id = "made for a test";
    if (argc != 2)
        bad("usage: make_history DATA_DIR", NULL);
    if (store_open(argv[1], &settings, &h->store, &error) < 0)
        bad(error.text, NULL);
    struct store_numbers next = store_next(h->store);
    h->registry = registry_new(1000, next.series_id);
    h->draft = draft_new(h->registry);
    h->seq = next.tick_seq;
    h->next_event = next.event_seq;
    while (fgets(line, sizeof(line), stdin)) {
        char *word = strtok(line, " \n");
        if (word && strcmp(word, "series") == 0)
            take_series(h);
        else if (word && strcmp(word, "tick") == 0)
            take_tick(h);
        else
            bad("not a line", word);
    }
    next = (struct store_numbers){registry_next_id(h->registry), h->seq, h->next_event};
    store_close(h->store, &next);
    draft_free(h->draft);
    registry_free(h->registry);
    for (size_t i = 0; i < h->count; i++) {
        free((char *)h->metrics[i].name);
        free((char *)h->metrics[i].unit);
    }
    free(h);
    return 0;
}
