/*
 * tokens.c: any bytes as the file of tokens. What is taken has the form it should have, can be
 * written and read again as the same; what is refused names a line of the file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "http/tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_refusal(const char *why, const uint8_t *data, size_t size)
{
    size_t lines = 1, line = 0;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    CHECK(sscanf(why, "%zu: ", &line) == 1 && line >= 1 && line <= lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tokens *tokens = NULL, *again = NULL;
    char why[160] = "";
    if (tokens_parse((const char *)data, size, &tokens, why, sizeof(why)) < 0) {
        CHECK(!tokens);
        check_refusal(why, data, size);
        return 0;
    }
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    size_t count = tokens_count(tokens);
    CHECK(count <= TOKENS_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct token *t = tokens_at(tokens, i);
        CHECK(strlen(t->id) == TOKEN_ID_LEN && token_note_ok(t->note));
        CHECK(t->role == ACCESS_VIEWER || t->role == ACCESS_ADMIN);
        CHECK(tokens_by_id(tokens, t->id) == t);
        CHECK(t->expires_ms == 0 || tokens_find(tokens, t->kind, t->digest, 0) == t);
    }
    tokens_format(count ? tokens_at(tokens, 0) : NULL, count, &text);
    CHECK(tokens_parse(text.data, text.len, &again, why, sizeof(why)) == 0);
    CHECK(tokens_count(again) == count);
    for (size_t i = 0; i < count; i++)
        CHECK(memcmp(tokens_at(tokens, i), tokens_at(again, i), sizeof(struct token)) == 0);
    tokens_unref(again);
    tokens_unref(tokens);
    return 0;
}
