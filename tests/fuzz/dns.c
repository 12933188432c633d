/*
 * dns.c: any bytes as a DNS message, whole and cut, and as the stream of a connection: fed at once
 * and byte by byte it has the same messages.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "wire/dns.h"

static uint64_t feed(const uint8_t *data, size_t size, size_t piece)
{
    struct dns_stream s = {0};
    uint64_t sum = 0;
    for (size_t at = 0; at < size;) {
        size_t len = size - at < piece ? size - at : piece;
        bool message;
        size_t used = dns_stream_feed(&s, data + at, len, &message);
        CHECK(used > 0 && used <= len && s.kept <= DNS_STREAM_KEEP);
        at += used;
        for (size_t i = 0; message && i < s.kept; i++)
            sum = sum * 31 + s.data[i] + 1;
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    struct dns_message m;
    for (size_t bytes = size; bytes <= size + 1; bytes++) {
        if (dns_parse(copy, size, bytes, &m) < 0)
            continue;
        CHECK(memchr(m.name, '\0', sizeof(m.name)));
        for (const char *c = m.name; *c; c++)
            CHECK(*c > ' ' && *c < 0x7f);
    }
    struct dns_walk walk;
    struct dns_address address;
    dns_walk_begin(&walk, copy, size);
    while (dns_walk_next(&walk, &address)) {
        CHECK(address.address > copy);
        CHECK(address.address + (address.family == 4 ? 4 : 16) <= copy + size);
    }
    CHECK(feed(copy, size, size) == feed(copy, size, 1));
    free(copy);
    return 0;
}
