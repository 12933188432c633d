/*
 * internal.h: the census from inside: what its files share. Survey thread.
 */
#pragma once

#include "base/lookup.h"
#include "collect/census.h"
#include "collect/census/book.h"
#include "collect/census/ledger.h"
#include "collect/census/names.h"
#include "collect/census/news.h"
#include "collect/census/peers.h"
#include "collect/census/people.h"
#include "collect/census/result.h"

struct method {
    const char *name;
    uint32_t known;            /* entries that it has shown and that are still here */
    uint32_t shown;            /* of them in this round */
    uint32_t completed;        /* round of its last complete dump; 0: none yet */
    uint32_t completed_before; /* and of the one before the running round */
};

struct census {
    struct census_settings settings;
    uint32_t round; /* from 1 on */
    int64_t now_ms, mono_ns;
    int64_t before_ms, before_ns; /* of the round before; 0 in the first */
    uint64_t next_id;             /* of rows */
    uint64_t own_netns;           /* inode of this network namespace; 0: not known */
    bool count_sockets;           /* in this round */
    bool make_events;
    bool await_ends;        /* of this round, too */
    const char *counted_by; /* method that counts bytes of processes; NULL: nobody does */
    uint32_t counted_round;
    uint32_t traffic_round; /* in which all bytes of processes were told last */
    struct method methods[METHODS_MAX];
    size_t methods_count;
    uint64_t refused;    /* sockets without a place in this round */
    bool refused_before; /* there were some in the round before: who comes may be old */
    uint32_t tcp_refused[SOCKET_STATES];
    struct book *book;
    struct lookup ports; /* listeners by port, as of ports_round; made when needed */
    uint32_t ports_round;
    struct ledger *ledger;
    struct people *people;
    struct users *users;
    struct owners *owners;
    struct news *news;
    struct peers *peers;
    uint64_t peers_asked; /* peers_learned when unnamed sockets were last looked up */
    struct durations rtt, rtt_now, connect;
    uint32_t round_trips_round; /* when an engine measured one last; 0: never */
    bool has_quality;           /* some engine tells of round trips and retransmissions */
    uint64_t retransmits, lost;
    uint64_t unattributed_id;                  /* its row; 0: none yet */
    uint64_t unattributed_rx, unattributed_tx; /* in the result before */
    uint64_t born;                             /* tells this run's counters from those of another */
};

/* ---- sockets.c ----------------------------------------------------------------------------- */

/* Ends the round for the sockets: directions, owners' bytes, events. */
void sockets_settle(struct census *c);
/* Gives back the names that sockets hold, before the end. */
void sockets_forget_names(struct census *c);
/* ---- entry.c ------------------------------------------------------------------------------- */

/* Whose it is: a number in people; NOBODY: not known, or it was folded. */
uint32_t entry_owner(const struct census *c, const struct entry *e);
/* Are its bytes, round trips and retransmissions of now, or final? Else they are those of an engine
 * that reads them no longer. */
bool entry_is_measured(const struct census *c, const struct entry *e);
/* Who tells of it now: of its numbers where they are measured. */
const char *entry_method(const struct census *c, const struct entry *e);
/* `person` NOBODY: none. */
void entry_own(struct census *c, struct entry *e, uint32_t person);
/* An event of this kind, where the census makes them. */
void entry_tell(struct census *c, const struct entry *e, enum event_kind kind, int64_t t_ms);
/* Looks for the name of its peer, if it has none and the time for it is not over. */
void entry_name(struct census *c, struct entry *e);
void entry_forget_name(struct census *c, struct entry *e);
/* When the round has all sockets: which way, if nobody knows; and whether it stays on loopback. */
void entry_settle_direction(struct census *c, struct entry *e);
void entry_settle_place(struct census *c, struct entry *e);

/* How long an engine without a dump vouches for its sockets, and for their numbers. */
#define SILENT_ROUNDS 3

/* ---- owners.c: inode to process, by /proc -------------------------------------------------- */

struct owners;
struct owners *owners_new(const struct census_settings *settings);
void owners_free(struct owners *o); /* NULL allowed */
/* Looks for owners of sockets that have none, within the bounds of a round. */
void owners_round(struct owners *o, struct census *c);
/* Processes whose descriptors the last pass was not allowed to see. */
uint64_t owners_unreadable(const struct owners *o);

/* ---- result.c ------------------------------------------------------------------------------ */

struct message *result_make(struct census *c);
