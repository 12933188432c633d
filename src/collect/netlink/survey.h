/*
 * survey.h: what the netlink engine reads on the survey thread: sockets (for the census), queueing
 * disciplines, what network cards count, in which containers links end, and speeds from sysfs. The
 * result is a frozen message.
 *
 * new, probe and open run before the threads, survey_round on the survey thread, and what takes a
 * result on the core thread.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/catalogue.h"
#include "collect/census/units.h"
#include "collect/engine.h"
#include "collect/netlink/diag.h"
#include "collect/sysfs.h"
#include "model/message.h"
#include "wire/ethtool.h"

struct survey_qdisc {
    char device[IF_NAMESIZE], kind[16];
    uint64_t source; /* changes when another one takes its place */
    uint64_t has;    /* bits by enum qdisc_metric */
    uint64_t values[QDISC_METRICS];
};

/* A link whose other end is known to be in a container. */
struct survey_end {
    uint32_t index;
    int32_t nsid; /* that the container's network namespace has from here */
    char container[UNIT_BYTES];
};

struct survey_result {
    struct message msg;
    int64_t began_ns;           /* monotonic: nothing in it was read before */
    struct sysfs_links *speeds; /* a reference; NULL: /sys cannot be read */
    size_t qdiscs_count, nics_count;
    struct survey_qdisc *qdiscs; /* of devices that are not excluded, the root ones */
    struct nic_stats *nics;      /* those that count anything */
    size_t ends_count;
    struct survey_end *ends; /* by index */
    struct diag_counts sockets;
    uint64_t errors; /* sources that could not be read and messages that made no sense */
    uint32_t lost;   /* capabilities whose source failed again and again; bit set */
    int lost_err;    /* and why: -errno */
};

/* The container at the other end of a link, as far as the result knows one; NULL: it does not. */
const char *survey_result_container(const struct survey_result *r, uint32_t index, int32_t nsid);

struct survey;

struct survey *survey_new(const struct engine_settings *settings); /* borrowed */
void survey_free(struct survey *s);                                /* NULL allowed */

/* The capabilities that a survey serves. */
#define SURVEY_CAPABILITIES                                                                        \
    (CAPABILITY_BIT(CAPABILITY_QUEUES) | CAPABILITY_BIT(CAPABILITY_NIC) |                          \
     CAPABILITY_BIT(CAPABILITY_CONNECTIONS) | CAPABILITY_BIT(CAPABILITY_CONNECTION_QUALITY) |      \
     CAPABILITY_BIT(CAPABILITY_CONNECTION_EVENTS) | CAPABILITY_BIT(CAPABILITY_PROCESS_TRAFFIC))

/* Adds what works and what falls short. What is open already is not tried again, so on the core
 * thread this costs little. */
void survey_probe(struct survey *s, struct engine_probe *ret);

/* Opens all that works here, because another engine's part may fall to this one when no socket can
 * be opened any more. 0, or -errno when one of the capabilities cannot be had. */
int survey_open(struct survey *s, uint32_t capabilities);

/* The speeds alone, for the first tick; one reference, or NULL. */
struct sysfs_links *survey_speeds(struct survey *s);

/* One round: tells the census, returns one reference. census may be NULL. */
struct survey_result *survey_round(struct survey *s, uint32_t capabilities, struct census *census);
