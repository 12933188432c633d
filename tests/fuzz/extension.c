/*
 * extension.c: any text as Sec-WebSocket-Extensions, a line of the input a line of the header. What
 * is taken line by line is taken as one list, with the same answer; and the answer would be taken
 * as an offer.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "wire/extension.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ws_offers lines = {0}, list = {0};
    int error = 0;
    char *text = malloc(size + 1);
    CHECK(text);
    memcpy(text, data, size);
    text[size] = '\0';
    size_t end = strlen(text); /* a header has no NUL */
    for (size_t at = 0; at <= end && !error;) {
        size_t len = strcspn(text + at, "\n");
        char *line = strndup(text + at, len); /* of its exact size */
        CHECK(line);
        error = ws_offers_read(&lines, line);
        free(line);
        at += len + 1;
    }
    for (char *p = text; *p; p++)
        *p = *p == '\n' ? ',' : *p;
    int error_list = ws_offers_read(&list, text);
    CHECK(error || !error_list);
    if (!error) {
        const char *answer = ws_offers_answer(&lines);
        CHECK(answer == ws_offers_answer(&list));
        struct ws_offers again = {0};
        CHECK(!answer || (ws_offers_read(&again, answer) == 0 && again.deflate));
    }
    free(text);
    return 0;
}
