/* http_internal.h: what the files of the request parser share; for wire/http*.c only. */
#pragma once

#include "wire/http.h"

/* Why a request is refused: a status and one plain sentence (static text). */
struct http_refusal {
    unsigned status;
    const char *reason;
};

/* What the head says about the body. */
struct http_framing {
    bool chunked;
    uint64_t content_length;
};

/* Reads a complete head: `text` (len bytes, ends with an empty line) is cut into terminated
 * pieces, which `head` points to. *ret_decoded is one more allocation of the head (decoded path and
 * query). False and *ret_refusal when it is refused; `head` may then be half filled but holds no
 * other memory than its arrays. */
bool http_head_read(char *text, size_t len, const struct http_limits *limits,
                    struct http_head *head, struct http_framing *framing, char **ret_decoded,
                    struct http_refusal *ret_refusal);
