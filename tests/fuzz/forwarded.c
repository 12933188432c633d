/*
 * forwarded.c: any text in the headers that proxies write. A line of the input is a header; its
 * first byte says which. Whatever they say: the answer is an address, a peer that is not trusted is
 * never believed, and a client is never one of the proxies unless all are.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"
#include "http/forwarded.h"

#define HEADERS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {"x-forwarded-for", "forwarded", "x-forwarded-proto", "via"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct address_range range, any;
    struct net_address peer, stranger, client;
    struct http_field fields[HEADERS_MAX];
    struct http_head head = {.headers = fields};
    char *text = mem_string_n((const char *)data, size), *rest = text;
    CHECK(address_range_parse("10.0.0.0/8", &range));
    CHECK(net_address_parse_ip("10.0.0.1", &peer) && net_address_parse_ip("192.0.2.1", &stranger));
    for (char *line; head.header_count < HEADERS_MAX && (line = strsep(&rest, "\n"));) {
        if (*line) /* a header's value is free of line ends and NUL: wire/http.c */
            fields[head.header_count++] =
                (struct http_field){names[(unsigned char)*line % ARRAY_LEN(names)], line + 1};
    }
    const struct proxies proxies = {&range, 1}, nobody = {&range, 0};
    enum forwarded result = forwarded_client(&proxies, &head, &peer, &client);
    CHECK(client.family == 4 || client.family == 6);
    if (result != FORWARDED_CLIENT)
        CHECK(net_address_same_ip(&client, &peer));
    CHECK(client.scope_id == 0);
    CHECK(forwarded_client(&proxies, &head, &stranger, &client) == FORWARDED_NONE);
    CHECK(net_address_same_ip(&client, &stranger));
    CHECK(forwarded_client(&nobody, &head, &peer, &client) == FORWARDED_NONE);
    if (forwarded_https(&head))
        CHECK(forwarded_any(&head));
    if (head.header_count && address_range_parse(fields[0].value, &any))
        CHECK(any.bits <= 128 && address_range_has(&any, &any.ip));
    free(text);
    return 0;
}
