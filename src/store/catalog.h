/*
 * catalog.h: which spans a database has and which ticks are in its log, in memory: where to look
 * for a question is decided here, not by a dozen questions to SQLite. One reader's; one thread.
 *
 * As long as nobody writes it stays good. After a commit what is new of the log is read, and the
 * indexes of the spans when one of these has come, changed or gone (SPANS_CHANGED of database.h).
 * It has a place for as many as fit into some 100 MB: with more the file is not one of ours.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/rollup.h"

struct recent;
struct store_reader;

struct catalog_span {
    uint32_t id;
    enum tier tier;
    bool folded; /* a coarser tier has it, too */
    uint64_t first_seq, last_seq;
    int64_t min_ms, max_ms, interval_ms;
};

struct catalog_tick {
    uint64_t seq;
    int64_t t_ms, interval_ms;
};

struct catalog {
    int64_t state; /* of the database when it was read, see reader.h */
    bool is_known;
    int64_t moved;       /* CHUNKS_MOVED of reader.h */
    int64_t changed;     /* SPANS_CHANGED when the spans were read */
    int64_t spans_state; /* of the database when they were */
    bool has_spans;
    size_t impossible;          /* rows of spans that were left out */
    struct catalog_span *spans; /* by growing id */
    size_t spans_count, spans_room;
    struct catalog_tick *ticks; /* by growing number */
    size_t ticks_count, ticks_room;
};

void catalog_fini(struct catalog *c); /* also makes it begin anew */

/* The reader's, brought up to date and good until reader_end; an empty one without a reader.
 * Inside reader_begin/reader_end. 0 or -errno. */
int catalog_of(struct store_reader *reader, const struct catalog **ret);

/* A span that it has is not in the table. 0 when somebody else than the writer may have taken it
 * away since: the spans are read anew as soon as anybody writes. -EBADMSG: the indexes are wrong.
 */
int catalog_missed(struct catalog *c);

/* What no checksum covers is at least possible: whatever is added to, multiplied with or divided by
 * these numbers fits. */
bool catalog_is_possible(int64_t min_ms, int64_t max_ms, int64_t interval_ms);

static inline bool catalog_overlaps(const struct catalog_span *span, int64_t from_ms, int64_t to_ms)
{
    return span->max_ms >= from_ms && span->min_ms <= to_ms;
}

/* The largest interval of samples in a range, in memory, too; 0: there are none. */
int64_t catalog_interval(const struct catalog *c, const struct recent *recent, int64_t from_ms,
                         int64_t to_ms);

/* The one in use last, for a range in which there are none. */
int64_t catalog_newest_interval(const struct catalog *c, const struct recent *recent);

/*
 * What was counted in ticks that were lost is in the next row on disk: summed from memory as well,
 * it would be there twice. Only the first row of all has nothing of what was before it: another
 * database had that, until it was removed or set aside. So of ticks that only memory has, those
 * between these numbers are spoken for.
 */
struct claim {
    uint64_t after, before; /* the oldest and the newest tick on disk; before is 0: there is none */
};

/* For an answer from this tier and those below: what has expired there is in no row of it. */
struct claim catalog_claim(const struct catalog *c, enum tier tier);

/* Ticks of the log one behind the other, all of them in a range. */
struct tick_run {
    uint64_t first, last; /* numbers */
    size_t count;
    size_t next; /* of `ticks`: where the run after it may begin */
};

/* What their rows hold, ?1 and ?2 as in a tick_run. */
#define SAMPLES_OF_RUN "SELECT samples FROM tick WHERE seq BETWEEN ?1 AND ?2"

/* The first run in the range from `ticks[run->next]` on; false: there is none. Start with a zeroed
 * one. The clock may have jumped, so there may be several. */
bool catalog_next_run(const struct catalog *c, int64_t from_ms, int64_t to_ms,
                      struct tick_run *run);
