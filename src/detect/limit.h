/*
 * limit.h: how high a CUSUM may climb before it is an alarm, from how often all watched series
 * together may be wrong. Pure; any thread.
 */
#pragma once

#include <stddef.h>

/* Samples until a one-sided CUSUM with reference value k (in sigma: half the shift that it is made
 * for) and limit h (in sigma) is wrong for the first time, on average, on independent Gaussian
 * noise. Siegmund's approximation (D. Siegmund, Sequential Analysis, Springer 1985, section 2.6;
 * D. C. Montgomery, Introduction to Statistical Quality Control, section 9.1): with b = h + 1.166
 * and Delta = -k, ARL = (exp(2kb) - 2kb - 1) / 2k². */
double limit_run_length(double k, double h);

/* The h with this run length, at least 0. */
double limit_for_run_length(double k, double samples);

/* The h with which `watched` series that are sampled every interval_s, each looked at in both
 * directions, are wrong false_alarms_per_s times a second altogether. No budget (0 or less) is one
 * false alarm in a hundred years. */
double limit_for_budget(double k, double false_alarms_per_s, size_t watched, double interval_s);
