/*
 * question.h: a request that is answered by work on the pool, in most cases with what the history
 * says. The question outlives its request when the client leaves first: the work is then given up
 * as soon as possible, and the answer, if there is one, is thrown away. The loop's thread, but
 * `work`.
 */
#pragma once

#include "api/api.h"
#include "api/readers.h"
#include "base/buf.h"
#include "http/request.h"

struct question {
    /* On a pool thread: 0 with the answer's JSON in `body`, or a negative errno with the sentence
     * in `error`. Not called when there is a history that cannot be opened, but for `files`. */
    int (*work)(struct question *q, const struct reading *reading);
    /* The end, in any case: frees what else it owns, and itself. */
    void (*free)(struct question *q);
    const char *about; /* the parameter that a 404 (-ENOENT) is about; NULL: none is expected */
    /* NULL: about the history. Else about files beside it: `work` is called also when the history
     * cannot be opened, and this is the code of a 503. Lives for ever. */
    const char *files;
    unsigned status; /* of the answer when all is well: 0 for 200; 204: without a body */
    struct buf body;
    struct store_error error;

    /* question.c */
    struct job job;
    struct http_request *request; /* NULL: the client has left */
    struct readers *readers;
    int err;
};

/* Takes the question, which was zeroed but for work, free, about, files and status; answers 503 at
 * once when too many wait. */
void question_ask(struct question *q, struct api *api, struct http_request *request);
