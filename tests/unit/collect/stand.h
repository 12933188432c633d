/*
 * stand.h: what a collector needs around it, for tests: a registry, a draft and a clock that moves
 * only when told to. One tick at a time: stand_begin, collect, stand_end, look at stand->tick.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defs.h"
#include "base/mem.h"
#include "collect/engine.h"
#include "collect/procfs/scan.h"
#include "collect/sampler.h"
#include "model/tick.h"

#define STAND_T0_MS INT64_C(1764000000000)

struct stand {
    struct registry *registry;
    struct draft *draft;
    struct sampler sampler;
    struct engine_sink sink;
    uint64_t seq, next_event;
    struct tick *tick; /* the last one sealed */
};

static inline struct stand stand_new(size_t limit)
{
    struct stand s = {.sampler = {.method = "test"}, .next_event = 1};
    s.registry = registry_new(limit, 1);
    s.draft = draft_new(s.registry);
    return s;
}

static inline void stand_free(struct stand *s)
{
    tick_unref(s->tick);
    draft_free(s->draft);
    registry_free(s->registry);
}

/* The next tick, one second after the one before. */
static inline const struct engine_sink *stand_begin(struct stand *s)
{
    s->seq++;
    int64_t mono_ns = (int64_t)s->seq * NS_PER_S;
    s->sink = (struct engine_sink){.registry = s->registry,
                                   .draft = s->draft,
                                   .now_ms = STAND_T0_MS + (int64_t)s->seq * MS_PER_S,
                                   .mono_ns = mono_ns};
    draft_begin(s->draft, s->seq, s->sink.now_ms, s->seq > 1 ? NS_PER_S : 0, mono_ns, 1000);
    return &s->sink;
}

/* The same, soon after it. */
static inline const struct engine_sink *stand_begin_counts_only(struct stand *s)
{
    stand_begin(s);
    s->sink.counts_only = true;
    return &s->sink;
}

static inline void stand_end(struct stand *s)
{
    tick_unref(s->tick);
    s->tick = draft_seal(s->draft, s->sink.mono_ns + 1, &s->next_event);
    assert_non_null(s->tick);
}

/* The slot of a series in the last tick; fails when there is none. */
static inline uint32_t stand_slot(const struct stand *s, const char *key)
{
    for (uint32_t i = 0; i < s->tick->count; i++) {
        if (s->tick->set->slots[i] && strcmp(s->tick->set->slots[i]->key, key) == 0)
            return i;
    }
    fail_msg("no series %s", key);
    return 0;
}

static inline bool stand_has(const struct stand *s, const char *key)
{
    for (uint32_t i = 0; i < s->tick->count; i++) {
        if (s->tick->set->slots[i] && strcmp(s->tick->set->slots[i]->key, key) == 0)
            return s->tick->state[i] != SAMPLE_ABSENT;
    }
    return false;
}

static inline size_t stand_sampled(const struct stand *s)
{
    size_t count = 0;
    for (uint32_t i = 0; i < s->tick->count; i++)
        count += s->tick->state[i] != SAMPLE_ABSENT;
    return count;
}

static inline double stand_gauge(const struct stand *s, const char *key)
{
    uint32_t slot = stand_slot(s, key);
    assert_int_equal(s->tick->set->slots[slot]->kind, METRIC_GAUGE);
    assert_int_equal(s->tick->state[slot], SAMPLE_OK);
    return s->tick->value[slot].gauge;
}

#define assert_counter(s, key, state_, absolute_, increment_)                                      \
    do {                                                                                           \
        uint32_t slot_ = stand_slot((s), (key));                                                   \
        assert_int_equal((s)->tick->set->slots[slot_]->kind, METRIC_COUNTER);                      \
        assert_int_equal((s)->tick->state[slot_], (state_));                                       \
        assert_int_equal((s)->tick->absolute[slot_], (absolute_));                                 \
        assert_int_equal((s)->tick->value[slot_].increment, (increment_));                         \
    } while (0)

#define assert_gauge(s, key, value_) assert_true(stand_gauge((s), (key)) == (double)(value_))

/* Text in an allocation of exactly its size, so that a read behind its end is seen. */
static inline struct scan stand_text(char **ret_copy, const char *text, size_t len)
{
    *ret_copy = malloc(len ? len : 1);
    memcpy(*ret_copy, text, len);
    return scan_text(*ret_copy, len);
}

/* ---- trees of files ------------------------------------------------------------------------ */

/* A new empty directory below the build directory's temporary place; to be removed by
 * stand_remove_tree. */
static inline char *stand_make_tree(void)
{
    const char *tmp = getenv("TMPDIR");
    char *path = mem_printf("%s/netsonde-collect-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(path));
    return path;
}

static inline void stand_remove_tree(char *path)
{
    char *command = mem_printf("rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
    free(command);
    free(path);
}

/* Writes a file with all folders on the way; NULL removes it. */
static inline void stand_write(const char *root, const char *name, const char *text)
{
    char *path = mem_printf("%s/%s", root, name);
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    if (!text) {
        assert_int_equal(unlink(path), 0);
    } else {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        close(fd);
    }
    free(path);
}
