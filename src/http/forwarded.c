/*
 * forwarded.c: each proxy appends whom it was asked by, so the list is read from its right end:
 * the first address that is not one of our proxies' is the client. What stands left of it was
 * written by the client and means nothing.
 *
 * Most proxies write one of the two headers and pass on the other as the client sent it. So when
 * both are there they must agree, otherwise nobody is believed. Lists are as long as a head may be;
 * the last HOPS_MAX places are looked at, which is more than there are proxies in a row.
 */
#include "http/forwarded.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/defs.h"
#include "base/text.h"

#define HOPS_MAX 16

/* ---- addresses --------------------------------------------------------------------------- */

/* An IPv4 address that IPv6 carries is the IPv4 address. */
static void unmap(struct net_address *a)
{
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (a->family != 6 || memcmp(a->ip, prefix, sizeof(prefix)) != 0)
        return;
    memmove(a->ip, a->ip + 12, 4);
    memset(a->ip + 4, 0, 12);
    a->family = 4;
}

/* The leading bits of `a` are those of `b`. */
static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return !rest || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

bool address_range_parse(const char *text, struct address_range *ret)
{
    char ip[NET_ADDRESS_TEXT_MAX];
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    uint64_t bits = UINT64_MAX;
    if (len >= sizeof(ip) || text[0] == '[' || strchr(text, '%'))
        return false;
    memcpy(ip, text, len);
    ip[len] = '\0';
    struct address_range range = {0};
    if (!net_address_parse_ip(ip, &range.ip))
        return false;
    unsigned most = range.ip.family == 4 ? 32 : 128;
    if (slash && (text_u64(slash + 1, &bits) < 0 || bits > most))
        return false;
    range.bits = slash ? (unsigned)bits : most;
    for (unsigned i = range.bits; i < most; i++) {
        if (range.ip.ip[i / 8] >> (7 - i % 8) & 1)
            return false; /* 10.0.0.1/8: which of the two is meant? */
    }
    unmap(&range.ip);
    if (most == 128 && range.ip.family == 4)
        range.bits -= 96; /* at least so many: the last of them is set */
    *ret = range;
    return true;
}

bool address_range_has(const struct address_range *range, const struct net_address *a)
{
    struct net_address plain = *a;
    unmap(&plain);
    return range->ip.family == plain.family && same_bits(range->ip.ip, plain.ip, range->bits);
}

bool proxies_trust(const struct proxies *proxies, const struct net_address *a)
{
    for (size_t i = 0; i < proxies->count; i++) {
        if (address_range_has(&proxies->ranges[i], a))
            return true;
    }
    return false;
}

/* ---- one place of a list ----------------------------------------------------------------- */

struct hop {
    const char *text; /* NULL: it names nobody */
    size_t len;
};

static bool is_port(const char *text)
{
    size_t len = strlen(text);
    return len >= 1 && len <= 5 && strspn(text, "0123456789") == len;
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80". No zone: it
 * means something on the proxy's host only. */
static bool hop_address(const struct hop *hop, struct net_address *ret)
{
    char text[NET_ADDRESS_TEXT_MAX];
    if (!hop->text || hop->len == 0 || hop->len >= sizeof(text))
        return false;
    memcpy(text, hop->text, hop->len);
    text[hop->len] = '\0';
    if (strlen(text) != hop->len || strchr(text, '%'))
        return false;
    char *end = text[0] == '[' ? strchr(text, ']') : strchr(text, ':');
    if (text[0] == '[') {
        if (!end || (end[1] && (end[1] != ':' || !is_port(end + 2))))
            return false;
        end[1] = '\0';
    } else if (end && !strchr(end + 1, ':')) {
        if (!is_port(end + 1))
            return false;
        *end = '\0';
    }
    if (!net_address_parse_ip(text, ret))
        return false;
    unmap(ret);
    return true;
}

/* ---- lists ------------------------------------------------------------------------------- */

/* The last places of a list that may be spread over several headers. */
struct hops {
    struct hop items[HOPS_MAX]; /* a ring */
    size_t count;               /* ever */
    bool present;               /* there was such a header */
    bool broken;                /* quotes that do not close, say */
};

static void hops_add(struct hops *h, struct hop hop)
{
    h->items[h->count++ % HOPS_MAX] = hop;
}

static struct hop trimmed(const char *text, size_t len)
{
    while (len && (text[0] == ' ' || text[0] == '\t')) {
        text++;
        len--;
    }
    while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        len--;
    return (struct hop){text, len};
}

/* The length up to `stop` outside of quotes, or to the end. */
static size_t length_until(const char *text, const char *stops, bool *ret_broken)
{
    bool quoted = false;
    size_t i = 0;
    for (; text[i]; i++) {
        if (quoted && text[i] == '\\' && text[i + 1])
            i++;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (!quoted && strchr(stops, text[i]))
            break;
    }
    *ret_broken |= quoted;
    return i;
}

static void read_list(struct hops *h, const char *value)
{
    for (;;) {
        size_t len = strcspn(value, ",");
        hops_add(h, trimmed(value, len));
        if (!value[len])
            return;
        value += len + 1;
    }
}

/* The value of a parameter of one Forwarded element, without its quotes; text NULL: not there, or
 * there twice. */
static struct hop parameter(const char *element, size_t len, const char *name, bool *ret_broken)
{
    struct hop found = {0};
    const char *end = element + len;
    for (const char *at = element; at < end;) {
        size_t part = MIN(length_until(at, ";,", ret_broken), (size_t)(end - at));
        struct hop pair = trimmed(at, part);
        size_t key = strlen(name);
        if (pair.len > key && strncasecmp(pair.text, name, key) == 0 && pair.text[key] == '=') {
            if (found.text) {
                *ret_broken = true;
                return (struct hop){0};
            }
            found = (struct hop){pair.text + key + 1, pair.len - key - 1};
        }
        at += part + 1;
    }
    if (found.len >= 2 && found.text[0] == '"' && found.text[found.len - 1] == '"')
        return (struct hop){found.text + 1, found.len - 2};
    return found;
}

static void read_forwarded(struct hops *h, const char *value, const char *name)
{
    for (;;) {
        size_t len = length_until(value, ",", &h->broken);
        hops_add(h, parameter(value, len, name, &h->broken));
        if (!value[len])
            return;
        value += len + 1;
    }
}

/* Walks from the right. */
static enum forwarded client_of(const struct hops *h, const struct proxies *proxies,
                                struct net_address *ret)
{
    size_t seen = MIN(h->count, (size_t)HOPS_MAX);
    if (h->broken)
        return FORWARDED_UNCLEAR;
    for (size_t i = 1; i <= seen; i++) {
        if (!hop_address(&h->items[(h->count - i) % HOPS_MAX], ret))
            return FORWARDED_UNCLEAR;
        if (!proxies_trust(proxies, ret))
            return FORWARDED_CLIENT;
    }
    /* Proxies all the way: the first of them asks for itself. */
    return seen && seen == h->count ? FORWARDED_CLIENT : FORWARDED_UNCLEAR;
}

enum forwarded forwarded_client(const struct proxies *proxies, const struct http_head *head,
                                const struct net_address *peer, struct net_address *ret)
{
    struct hops lists[2] = {0}; /* X-Forwarded-For, Forwarded */
    struct net_address named[2];
    *ret = *peer;
    ret->port = 0;
    if (!proxies_trust(proxies, peer))
        return FORWARDED_NONE;
    for (size_t i = 0; i < head->header_count; i++) {
        const struct http_field *f = &head->headers[i];
        if (strcmp(f->name, "x-forwarded-for") == 0) {
            lists[0].present = true;
            read_list(&lists[0], f->value);
        } else if (strcmp(f->name, "forwarded") == 0) {
            lists[1].present = true;
            read_forwarded(&lists[1], f->value, "for");
        }
    }
    if (!lists[0].present && !lists[1].present)
        return FORWARDED_NONE;
    for (size_t i = 0; i < 2; i++) {
        if (lists[i].present && client_of(&lists[i], proxies, &named[i]) != FORWARDED_CLIENT)
            return FORWARDED_UNCLEAR;
    }
    if (lists[0].present && lists[1].present && !net_address_same_ip(&named[0], &named[1]))
        return FORWARDED_UNCLEAR;
    *ret = named[lists[0].present ? 0 : 1];
    return FORWARDED_CLIENT;
}

/* ---- the scheme, and whether there is a proxy at all ------------------------------------- */

static bool last_is(const struct hops *h, const char *word)
{
    if (!h->count || h->broken)
        return false;
    const struct hop *last = &h->items[(h->count - 1) % HOPS_MAX];
    return last->text && last->len == strlen(word) && strncasecmp(last->text, word, last->len) == 0;
}

bool forwarded_https(const struct http_head *head)
{
    struct hops old = {0}, standard = {0};
    for (size_t i = 0; i < head->header_count; i++) {
        const struct http_field *f = &head->headers[i];
        if (strcmp(f->name, "x-forwarded-proto") == 0)
            read_list(&old, f->value);
        else if (strcmp(f->name, "forwarded") == 0)
            read_forwarded(&standard, f->value, "proto");
    }
    return last_is(&old, "https") || last_is(&standard, "https");
}

bool forwarded_any(const struct http_head *head)
{
    for (size_t i = 0; i < head->header_count; i++) {
        const char *name = head->headers[i].name;
        if (strcmp(name, "forwarded") == 0 || strcmp(name, "via") == 0 ||
            strncmp(name, "x-forwarded-", 12) == 0)
            return true;
    }
    return false;
}
