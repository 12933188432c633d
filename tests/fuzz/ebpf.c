/*
 * ebpf.c: any bytes as a ring of the kernel's: positions, lengths and records, and what they tell
 * the census, DNS messages included.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/defs.h"
#include "collect/ebpf/tell.h"

#define RING_BYTES 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _Alignas(8) static uint8_t room[RING_BYTES];
    const struct census_settings settings = {.proc_root = "/nonexistent",
                                             .sockets_max = 16,
                                             .processes_max = 16,
                                             .process_series_max = 4,
                                             .ended_keep_ms = 1000};
    uint64_t consumer = 0, producer = 0;
    struct tell tell;
    if (size < 4)
        return 0;
    /* Two bytes each for the positions, the rest is the ring. */
    consumer = (uint64_t)(data[0] | data[1] << 8) & ~UINT64_C(7);
    producer = (uint64_t)(data[2] | data[3] << 8) & ~UINT64_C(7);
    memset(room, 0, sizeof(room));
    memcpy(room, data + 4, MIN(size - 4, (size_t)RING_BYTES));
    struct ring *ring = ring_map_over(&consumer, &producer, room, RING_BYTES);
    struct census *census = census_new(&settings);
    tell_init(&tell, "/nonexistent");
    census_begin(census, 1000, 1000);
    tell_begin(&tell, census, true, true);
    int err = tell_drain(&tell, ring);
    CHECK(err <= 0 && consumer <= producer);
    message_unref(census_end(census));
    tell_fini(&tell);
    census_free(census);
    ring_map_free(ring);
    return 0;
}
