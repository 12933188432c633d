/*
 * extension.c: offers of extensions, read with a cursor over the header's text.
 *
 *     extension-list = 1#( token *( ";" token [ "=" ( token | quoted-string ) ] ) )
 *
 * Two things are kept apart: a text that breaks the grammar fails the handshake (RFC 6455, 9.1),
 * while an offer that makes sense to somebody else, or demands what we do not do, is declined and
 * the next one looked at: clients list fallbacks in the order they like them.
 *
 * We take what costs no memory for a connection: no context takeover in either direction, which the
 * answer may demand of a client that has not said so itself, and the window of 32 KiB that the one
 * compression for all uses. Who asks for a smaller one cannot have the shared frame.
 */
#include "wire/extension.h"

#include <errno.h>
#include <string.h>

#include "base/defs.h"

#define WINDOW_BITS_MIN 8
#define WINDOW_BITS_MAX 15
#define VALUE_MAX 64 /* longer ones are cut: no parameter of ours has one */

struct text {
    const char *data;
    size_t len;
};

struct param {
    struct text name;
    bool has_value;
    char value[VALUE_MAX];
};

/* ---- the grammar ---- */

static bool is_token_char(char c)
{
    return c > ' ' && c < 0x7f && !strchr("()<>@,;:\\\"/[]?={}", c);
}

static void skip_space(const char **at)
{
    *at += strspn(*at, " \t");
}

/* A token and the space behind it. False: there is none. */
static bool take_token(const char **at, struct text *ret)
{
    ret->data = *at;
    while (is_token_char(**at))
        (*at)++;
    ret->len = (size_t)(*at - ret->data);
    skip_space(at);
    return ret->len > 0;
}

/* What stands in the quotes must be a token, too, once it is unescaped. */
static bool take_quoted(const char **at, char value[VALUE_MAX])
{
    size_t len = 0;
    for ((*at)++; **at != '"'; (*at)++) {
        if (**at == '\\')
            (*at)++;
        if (!is_token_char(**at)) /* the text's end, too */
            return false;
        if (len < VALUE_MAX - 1)
            value[len++] = **at;
    }
    value[len] = '\0';
    (*at)++;
    skip_space(at);
    return len > 0;
}

static bool take_value(const char **at, char value[VALUE_MAX])
{
    if (**at == '"')
        return take_quoted(at, value);
    struct text token;
    if (!take_token(at, &token))
        return false;
    size_t len = MIN(token.len, (size_t)VALUE_MAX - 1);
    memcpy(value, token.data, len);
    value[len] = '\0';
    return true;
}

static bool take_param(const char **at, struct param *ret)
{
    skip_space(at);
    if (!take_token(at, &ret->name))
        return false;
    ret->has_value = **at == '=';
    if (!ret->has_value)
        return true;
    (*at)++;
    skip_space(at);
    return take_value(at, ret->value);
}

/* ---- permessage-deflate ---- */

static bool is(struct text text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

/* 8 to 15 in decimal without a zero in front; 0: something else. */
static unsigned window_bits(const char *value)
{
    unsigned bits = 0;
    size_t len = strlen(value);
    if (len < 1 || len > 2 || strspn(value, "0123456789") != len || value[0] == '0')
        return 0;
    for (size_t i = 0; i < len; i++)
        bits = bits * 10 + (unsigned)(value[i] - '0');
    return bits >= WINDOW_BITS_MIN && bits <= WINDOW_BITS_MAX ? bits : 0;
}

enum parameter {
    SERVER_NO_CONTEXT_TAKEOVER = 1,
    CLIENT_NO_CONTEXT_TAKEOVER = 2,
    SERVER_MAX_WINDOW_BITS = 4,
    CLIENT_MAX_WINDOW_BITS = 8,
};

/* Can we do what the parameter says? *seen: the ones before it, each may stand there once. */
static bool deflate_param(const struct param *p, unsigned *seen)
{
    unsigned which;
    bool good;
    if (is(p->name, "server_no_context_takeover")) {
        which = SERVER_NO_CONTEXT_TAKEOVER;
        good = !p->has_value;
    } else if (is(p->name, "client_no_context_takeover")) {
        which = CLIENT_NO_CONTEXT_TAKEOVER;
        good = !p->has_value;
    } else if (is(p->name, "server_max_window_bits")) {
        which = SERVER_MAX_WINDOW_BITS;
        good = p->has_value && window_bits(p->value) == WINDOW_BITS_MAX;
    } else if (is(p->name, "client_max_window_bits")) {
        which = CLIENT_MAX_WINDOW_BITS; /* says what the client could be asked for; we do not */
        good = !p->has_value || window_bits(p->value);
    } else {
        return false;
    }
    good = good && !(*seen & which);
    *seen |= which;
    return good;
}

/* One extension with its parameters. */
static bool take_offer(const char **at, struct ws_offers *offers)
{
    struct text name;
    unsigned seen = 0;
    if (!take_token(at, &name))
        return false;
    bool good = is(name, "permessage-deflate");
    while (**at == ';') {
        struct param param;
        (*at)++;
        if (!take_param(at, &param))
            return false;
        good = good && deflate_param(&param, &seen);
    }
    offers->any = true;
    if (good && !offers->deflate) {
        offers->deflate = true;
        offers->window = seen & SERVER_MAX_WINDOW_BITS;
    }
    return true;
}

int ws_offers_read(struct ws_offers *offers, const char *list)
{
    const char *at = list;
    for (;;) {
        at += strspn(at, ", \t"); /* empty elements mean nothing */
        if (!*at)
            break;
        if (!take_offer(&at, offers) || (*at && *at != ','))
            return -EBADMSG;
    }
    return offers->any ? 0 : -EBADMSG;
}

const char *ws_offers_answer(const struct ws_offers *offers)
{
    if (!offers->deflate)
        return NULL;
    return offers->window ? "permessage-deflate; server_no_context_takeover; "
                            "client_no_context_takeover; server_max_window_bits=15"
                          : "permessage-deflate; server_no_context_takeover; "
                            "client_no_context_takeover";
}
