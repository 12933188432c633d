/*
 * packet.c: any bytes as a captured frame: two bytes choose the link layer and how much longer the
 * frame was on the wire, the rest is what was captured. Whatever comes out lies within it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/defs.h"
#include "wire/packet.h"

static void inside(const uint8_t *frame, size_t size, const uint8_t *at, size_t bytes)
{
    CHECK(at >= frame && bytes <= size && at <= frame + size - bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t links[] = {
        PACKET_LINK_ETHERNET, PACKET_LINK_NULL, PACKET_LINK_RAW,
        PACKET_LINK_LOOP,     PACKET_LINK_SLL,  PACKET_LINK_SLL2,
        PACKET_LINK_IPV4,     PACKET_LINK_IPV6, 9999,
    };
    if (size < 2)
        return 0;
    uint32_t captured = (uint32_t)size - 2;
    uint8_t *frame = malloc(captured ? captured : 1);
    memcpy(frame, data + 2, captured);
    struct packet p;
    packet_decode(links[data[0] % ARRAY_LEN(links)], frame, captured, captured + data[1], &p);
    CHECK(p.layers_count <= PACKET_LAYERS_MAX && p.vlans_count <= PACKET_VLANS_MAX);
    CHECK(packet_flaw_name((enum packet_flaw)p.flaw));
    for (size_t i = 0; i < p.layers_count; i++) {
        const struct packet_layer *layer = &p.layer[i];
        CHECK(layer->family == 4 || layer->family == 6);
        inside(frame, captured, layer->ip, layer->ip_captured_bytes);
        inside(frame, captured, layer->address[0], layer->family == 4 ? 4 : 16);
        inside(frame, captured, layer->address[1], layer->family == 4 ? 4 : 16);
    }
    CHECK(p.payload_captured_bytes <= p.payload_bytes);
    CHECK(p.payload_bytes <= captured + data[1]);
    if (p.payload)
        inside(frame, captured, p.payload, p.payload_captured_bytes);
    free(frame);
    return 0;
}
