/*
 * alerting.h: alerts in the daemon: the state machines of src/alert between the ticks of the core
 * and those who are told: the stream, the daemon's log, the courier, the disk.
 *
 *   core ──tick──► alerts ──changes──► recorder
 *                    │  └───state────► board (HTTP), hub (alert_state)
 *                    └──notices──► hub (websocket) · log · courier (all other channels)
 *
 * Core thread, but for alerting_new and alerting_free (before and after the threads) and where it
 * says otherwise.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "alert/alerts.h"
#include "hub/hub.h"
#include "model/metric.h"
#include "model/sink.h"
#include "store/alerts.h"

struct alerting;
struct api_command;
struct config;
struct core;
struct courier;
struct recorder;
struct timing;

struct alerting_sources {
    const struct config *config; /* borrowed for its life, as all the others */
    struct courier *courier;     /* NULL: no channel needs it */
    struct board *board;
    struct store_alert_numbers next;
    const struct stored_alerts *past; /* borrowed for the call */
};

struct alerting *alerting_new(const struct alerting_sources *sources);
void alerting_free(struct alerting *a); /* NULL allowed */

/* Before the threads start: whose mailbox is used, who is told. `stage` is where each tick's
 * duration is recorded. */
void alerting_connect(struct alerting *a, struct core *core, struct hub *hub,
                      struct recorder *recorder, struct timing *stage);
/* For struct hub_settings: the verdicts of the tick that is being published. */
struct verdicts alerting_verdicts(struct alerting *a);

/* To be added before the hub's: an alert is on its way before the tick's metrics are encoded. */
struct sink *alerting_sink(struct alerting *a);

/* Binds the courier's answers to the core's loop, before it runs; and lets go at its end. */
int alerting_attach(struct alerting *a, uv_loop_t *uv);
void alerting_detach(struct alerting *a);

/* How the daemon detects: of the configuration. */
struct bank_settings alerting_detection(const struct config *config);

/* Any thread, by the core's mailbox: the rules of another configuration, and what somebody asks
 * for. 0 or a negative errno: nothing changes. */
int alerting_post_rules(struct alerting *a, const struct config *config);
int alerting_post_command(void *alerting, struct api_command *cmd);

/* After the core thread has ended: says what was not told any more. The first numbers that nothing
 * of this run has. */
struct store_alert_numbers alerting_end(const struct alerting *a);

/* In each tick: what there is and what was told, as series. */
void alerting_sample(struct alerting *a, struct registry *registry, struct draft *draft);
