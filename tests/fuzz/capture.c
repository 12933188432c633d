/*
 * capture.c: any bytes as a capture file in the classic format or in pcapng: read, decoded,
 * counted, put into tables. Every packet is counted, and bytes of flows are those of packets.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "collect/packet/meter.h"
#include "collect/packet/savefile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("capture", MFD_CLOEXEC);
    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    uint32_t link;
    struct savefile *file = NULL;
    char why[256] = "";
    int err = savefile_open(fd, &file, why, sizeof(why));
    if (err) {
        CHECK(err == -ENOTSUP || *why);
        close(fd);
        return 0;
    }
    struct meter_settings settings = {
        .flows_max = 16, .lookups_max = 4, .lookups_shown = 4, .rows_max = 100, .keep = size % 2};
    struct meter *m = meter_new(&settings);
    struct packet_frame p;
    uint64_t packets = 0, bytes = 0;
    int more;
    while ((more = savefile_next(file, &link, &p, why, sizeof(why))) > 0) {
        /* Of exactly its size: what reads behind it is seen. */
        uint8_t *frame = malloc(p.captured ? p.captured : 1);
        CHECK(frame);
        __builtin_memcpy(frame, p.frame, p.captured);
        meter_packet(m, link, frame, p.captured, p.wire, p.t_ns);
        free(frame);
        packets++;
        bytes += p.wire;
    }
    CHECK(more == 0 || (*why && savefile_next(file, &link, &p, why, sizeof(why)) == more));
    meter_finish(m);
    meter_publish(m);
    CHECK(meter_counter(m, METER_PACKETS) == packets && meter_counter(m, METER_BYTES) == bytes);
    CHECK(meter_counter(m, METER_FLOWS) <= 16);
    CHECK(meter_application_bytes(m, 0) <= bytes);
    struct table *flows = meter_flows_table(m), *lookups = meter_lookups_table(m);
    CHECK(flows->rows_count == meter_counter(m, METER_FLOWS) && lookups->rows_count <= 4);
    table_unref(flows);
    table_unref(lookups);
    meter_free(m);
    savefile_close(file);
    return 0;
}
