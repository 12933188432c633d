/*
 * complaints.h: what goes wrong because of others, said in the log once per cause. A client that
 * sends rubbish, or a thousand of them, must not fill the disk: the first time of a cause is
 * logged at once, what follows at most once a minute, with how often it was.
 *
 * Whoever complains has counted the event already; this is about words only. One object for the
 * whole process: any thread.
 */
#pragma once

#include <stdint.h>

struct complaints;

#define COMPLAINTS_EVERY_S 60
#define COMPLAINTS_CAUSES 64 /* different ones that are kept apart; what is beyond is one cause */

struct complaints *complaints_new(void);
void complaints_free(struct complaints *c); /* NULL allowed; says what was not said yet */

/* `count` more of this cause. module: as in log_write. cause: a sentence without a full stop, the
 * same text for the same cause (copied). who: the newest one's address, or NULL when unknown.
 * now_ns: monotonic. c may be NULL: nothing happens. */
void complaints_add(struct complaints *c, const char *module, const char *cause, uint64_t count,
                    const char *who, int64_t now_ns);

/* Says what has waited for its minute; to be called once in a while (a second, say). */
void complaints_flush(struct complaints *c, int64_t now_ns);
