/*
 * describe.h: what /api/v1/info and `netsonde doctor` say about engines and sandbox, as JSON
 * members. Pure.
 */
#pragma once

#include "base/bytes.h"

struct buf;
struct collector_status;
struct config;
struct finder_status;
struct keeper_status;
struct sandbox_report;

/* "engines":[…],"capabilities":[…]; one reference, NULL without memory. */
struct bytes *describe_engines(const struct collector_status *status);

/* A line for each table, empty when somebody provides it: see API_INFO_TABLES; likewise. */
struct bytes *describe_tables(const struct collector_status *status);

/* "sandbox":{…}: what holds this process in, and how its helpers are doing; likewise. */
struct bytes *describe_sandbox(const struct sandbox_report *report,
                               const struct keeper_status *keeper,
                               const struct finder_status *finder);

/* The configuration as /api/v1/config shows it, see config_put_shown; likewise. */
struct bytes *describe_config(const struct config *config);

/* The same into an object that is open. */
void describe_put_engines(struct buf *b, const struct collector_status *status);
void describe_put_sandbox(struct buf *b, const struct sandbox_report *report,
                          const struct keeper_status *keeper, const struct finder_status *finder);
