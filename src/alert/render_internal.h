/* render_internal.h: what the files of render.h share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/notice.h"

/* Appends valid UTF-8 without control characters: those become blanks, bad bytes U+FFFD. */
void render_clean(struct buf *out, const char *text);

#define RENDER_NUMBER_MAX 48

/* Six digits; "" for what is not finite. */
const char *render_number(double value, char out[RENDER_NUMBER_MAX]);

int64_t render_clamp_ms(int64_t t_ms); /* to what can be written with four digits of a year */

/* RFC 3339. */
#define RENDER_TIME_MAX 32
const char *render_time(int64_t t_ms, char out[RENDER_TIME_MAX]);

bool render_is_over(const struct alert *a);
const char *render_status(const struct notice *n); /* "firing" | "resolved" */
int64_t render_begin_ms(const struct alert *a);    /* when it began, or what is closest to it */
