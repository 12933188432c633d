/*
 * text.h: reading what people write: numbers, durations, sizes, rates, times, globs.
 * All return 0 or -EINVAL (not of the form) / -ERANGE (does not fit) and leave *ret untouched on
 * failure. The whole text must be used up. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int text_u64(const char *text, uint64_t *ret);
int text_double(const char *text, double *ret); /* finite; "." as decimal point always */

/* "100ms" "5s" "1.5m" "2h" "14d" "2w" "5y"; the unit is required except for 0. Milliseconds. */
int text_duration_ms(const char *text, int64_t *ret_ms);

/* "512" "64KiB" "2GiB" "10MB"; binary and decimal prefixes. Bytes. */
int text_size_bytes(const char *text, uint64_t *ret_bytes);

/* "10Mbit" "1Gbit" (bits per second) or "125kB" (bytes per second), result bytes per second. */
int text_rate_bytes(const char *text, double *ret_bytes_per_s);

/* A point in time in any form that CONTRACT section 1 names: epoch ms, RFC 3339, "-60" (seconds
 * before now), "now", "now-15m". Epoch ms. */
int text_time_ms(const char *text, int64_t now_ms, int64_t *ret_ms);

/* RFC 3339 in UTC with milliseconds: "2025-11-24T16:00:00.000Z". */
void text_format_time(int64_t t_ms, char *out, size_t size);

/* Writes a duration or size in its shortest exact form, e.g. "90s" as "90s", 60000 ms as "1m". */
void text_format_duration(int64_t ms, char *out, size_t size);
void text_format_size(uint64_t bytes, char *out, size_t size);

/* `*` any run, `?` one character, `[a-z]` `[!a-z]` classes, `\` quotes; the whole text must match.
 * A class that is not closed matches nothing.
 * Linear in len(glob) * len(text): hostile patterns cannot make it slow. */
bool text_glob(const char *glob, const char *text);

/* 1-64 characters of [A-Za-z0-9._-]: the form of every name a user may choose. */
bool text_is_name(const char *text);

/* Length of valid UTF-8 at the start of the text; equals len when all of it is valid. */
size_t text_utf8_valid(const char *text, size_t len);

/* The least number of characters to insert, delete, replace or swap with a neighbour that makes
 * one word the other; 99 when a word is longer than any of ours. For "did you mean". */
size_t text_slips(const char *a, const char *b);
