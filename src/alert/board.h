/*
 * board.h: the newest state of alerting for whoever shows it: frozen things behind slots. The core
 * thread (alerts, courier) puts, any thread looks. Each get returns one reference, never NULL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alert/rule.h"
#include "model/alert.h"
#include "model/message.h"
#include "model/silence.h"

/* A rule and how it fares. */
struct rule_status {
    struct rule *rule; /* one reference */
    uint32_t matched;  /* series that it watches now */
    uint32_t active;   /* alerts of it that are pending, firing, acknowledged or silenced */
    char note[160];    /* "": it works; else why it says nothing: "no engine here gives node_x" */
};

struct rule_set {
    struct message msg;
    uint64_t generation; /* grows with every change of the rules themselves */
    size_t count;
    struct rule_status rules[]; /* by name */
};

struct channel_status {
    char name[65], type[16], fallback[65];
    char target[160]; /* where it goes, without secrets: "https://hooks.example.net/…" */
    bool by_default;  /* in alerting.channels: told of rules that name no channels */
    uint64_t sent, failed, retried, fell_back, dropped, held_back;
    uint64_t merged; /* notices that found the queue full and became part of another one */
    uint32_t queued;
    int64_t last_ms;      /* of the last success or failure; 0: none yet */
    char last_error[160]; /* "": the last one arrived */
};

struct channel_set {
    struct message msg;
    size_t count;
    struct channel_status channels[]; /* in order of configuration */
};

struct board;

struct board *board_new(void); /* with empty sets */
void board_free(struct board *b);

struct alert_set *board_alerts(struct board *b);
struct rule_set *board_rules(struct board *b);
struct silence_set *board_silences(struct board *b);
struct channel_set *board_channels(struct board *b);

/* Take the reference. */
void board_put_alerts(struct board *b, struct alert_set *set);
void board_put_rules(struct board *b, struct rule_set *set);
void board_put_silences(struct board *b, struct silence_set *set);
void board_put_channels(struct board *b, struct channel_set *set);

struct rule_set *rule_set_new(size_t count);
struct channel_set *channel_set_new(size_t count);
