/*
 * window.h: means over the last while in constant memory: time is cut into slices, the oldest of
 * which leaves as a whole, so that the window covers between 15/16 and all of its span. One owner.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct window;

struct window *window_new(int64_t span_ms);
void window_free(struct window *w); /* NULL allowed */

/* A sample that stands for the last elapsed_ns, and what it is divided by (1: nothing). */
void window_add(struct window *w, double value, double per, int64_t elapsed_ns);

/* So long nothing was sampled. */
void window_gap(struct window *w, int64_t elapsed_ns);

/* Whether at least half of the span has samples; then the mean of the value and of the divisor over
 * the time that has. */
bool window_means(const struct window *w, double *ret_value, double *ret_per);
