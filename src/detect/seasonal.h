/*
 * seasonal.h: what is usual at this hour of the week, for one series: 168 cells of the mean and
 * spread of that hour's means, week after week. Hours are UTC's: where clocks are changed twice a
 * year, the pattern moves by an hour and is learned again within weeks. Constant memory, pure, one
 * thread at a time.
 *
 * It does two things. A change that the hour explains (the backup at two every night) is no alarm.
 * And a slow shift, which a window of minutes follows without noticing, is found by holding each
 * hour's mean against what that hour of the week usually has.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "detect/yesterday.h"

#define SEASONAL_CELLS 168
#define SEASONAL_HOURS_MIN (2 * SEASONAL_CELLS) /* two weeks; before that nothing is expected */

struct seasonal_cell {
    float mean, m2; /* of the hours' means */
    float variance; /* within an hour, on average */
};

struct seasonal {
    uint32_t hours;    /* learned, of all cells */
    uint32_t open_n;   /* samples of the hour that is running */
    int64_t open_hour; /* number of the hour since 1970 */
    double open_mean, open_m2;
    float slow[2];    /* CUSUMs of whole hours: down, up; as in detector.h, of hours */
    float highest[2]; /* that they were, fading */
    float peak[2];    /* of each since it was zero */
    float shift;      /* of the newest days against their hours of the week */
    uint32_t judged;  /* hours */
    int8_t alarm;
    float between; /* variance of a cell's hours around their mean, all cells together */
    struct seasonal_cell cells[SEASONAL_CELLS];
    uint8_t weeks[SEASONAL_CELLS]; /* that a cell knows */
    struct yesterday yesterday;
};

/* What is usual now. */
struct expectation {
    double mean, sigma; /* of samples */
    double hour_sigma;  /* of an hour's mean */
};

void seasonal_begin(struct seasonal *s);

/* An hour that is over; any order. Numbers that are not finite are ignored. */
void seasonal_learn(struct seasonal *s, int64_t hour_ms, double mean, double sigma);

/* false: too little is known about this hour. */
bool seasonal_expect(const struct seasonal *s, int64_t t_ms, struct expectation *ret);

struct seasonal_tuning {
    double delta, limit;  /* as detector_tuning's */
    uint32_t samples_min; /* of an hour, for a mean worth having */
};

/* A sample. When it begins another hour, the one before is judged and learned. */
void seasonal_add(struct seasonal *s, int64_t t_ms, double x, const struct seasonal_tuning *t);

/* -1, 1: hours have been below, above what is usual for long enough; 0: no. */
int seasonal_alarm(const struct seasonal *s);
