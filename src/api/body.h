/*
 * body.h: the JSON that people send with POST and PUT. Every member is looked at: what is not
 * understood is answered with 400 and the member's name, and nothing is done. The size is bounded
 * by the HTTP server, the depth by wire/json. The loop's thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/request.h"
#include "wire/json.h"

/* The body, which must be an object; none at all counts as {}. Release with json_decref. NULL: it
 * has been answered. The functions below return false when they have answered. */
json_t *body_read(struct http_request *request);

/* Whether it has these members and no others. */
bool body_only(struct http_request *request, const json_t *body, const char *const *names,
               size_t count);

/* One line of text of at most size - 1 bytes; absent or null: *ret stays as it is. */
bool body_text(struct http_request *request, const json_t *body, const char *name, char *ret,
               size_t size);

/* A time in any form of CONTRACT section 1, as text or as whole milliseconds; absent or null: *ret
 * stays as it is. */
bool body_time(struct http_request *request, const json_t *body, const char *name, int64_t now_ms,
               int64_t *ret);

/* A whole number between the two; absent or null: *ret stays as it is. */
bool body_number(struct http_request *request, const json_t *body, const char *name, uint64_t least,
                 uint64_t most, uint64_t *ret);

bool body_has(const json_t *body, const char *name); /* it is there, and not null */
