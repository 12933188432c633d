/*
 * json.h: writing JSON straight into a buffer, and reading JSON that strangers send.
 *
 * Writing needs no memory but the buffer's and no state: every function looks at the last byte of
 * the buffer and sets a comma when a value stands there. So
 *     json_open(b, '{'); json_put_key(b, "a"); json_put_u64(b, 1);
 *     json_put_key(b, "b"); json_put_double(b, 0.25); json_close(b, '}');
 * gives {"a":1,"b":0.25}. A buffer may hold other text before, as long as that does not end in the
 * middle of a line: a newline begins afresh. Failed growth shows in buf_ok.
 *
 * Reading is jansson's, behind limits of our own. Any thread.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

void json_open(struct buf *b, char bracket);  /* '{' or '[' */
void json_close(struct buf *b, char bracket); /* '}' or ']' */

/* Both escape what JSON demands. Invalid UTF-8 becomes U+FFFD, byte by byte: names of devices and
 * processes are bytes, and one bad name must not spoil a message for all. */
void json_put_key(struct buf *b, const char *name);
void json_put_string(struct buf *b, const char *text); /* NULL gives null */
void json_put_string_n(struct buf *b, const char *text, size_t len);

void json_put_u64(struct buf *b, uint64_t value);
void json_put_i64(struct buf *b, int64_t value);
void json_put_bool(struct buf *b, bool value);
void json_put_null(struct buf *b);

/* The shortest decimal number that reads back as exactly `value`. NaN and infinity give null. */
void json_put_double(struct buf *b, double value);

/* The same rounded to `digits` (1-15) significant digits, several times faster for values that
 * come out of a division. Whole numbers up to 2^53 stay exact whatever `digits` says, so that
 * byte counts are never rounded. For streams of measured rates: digits = 6 is one in a million. */
void json_put_rounded(struct buf *b, double value, unsigned digits);

/* A number alone into memory with room for JSON_NUMBER_MAX bytes; they return its end. For the
 * message that is made of thousands of them every second. */
#define JSON_NUMBER_MAX 40
char *json_write_u64(char *at, uint64_t value);
char *json_write_rounded(char *at, double value, unsigned digits);
char *json_write_double(char *at, double value); /* as json_put_double */

/* Puts text that already is JSON, e.g. an encoded label set, as one value. */
void json_put_raw(struct buf *b, const char *json, size_t len);

/* Reads one JSON value out of exactly `len` bytes. NULL when it is none, is deeper than
 * JSON_DEPTH_MAX, has a key twice or NUL in a string; `why` then holds one plain sentence.
 * The size is limited by who received the bytes. Release with json_decref. */
#define JSON_DEPTH_MAX 32
json_t *json_parse(const char *text, size_t len, char *why, size_t why_size);

/* Seeds jansson's hash table from the kernel. Once, before the first thread and the sandbox:
 * left alone jansson opens /dev/urandom at its first object. */
void json_setup(void);
