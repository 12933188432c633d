/*
 * dump.c: a capture file through the packet engine's parts, but its thread: what it finds as lines
 * of words separated by tabs, for test_captures.py, which holds them against other programs.
 *
 *     dump FILE [no-ndpi [FILTER]]
 *
 *   flow  PROTOCOL CLIENT SERVER APPLICATION HOST RX_BYTES TX_BYTES PACKETS RTT_MS RETRANSMITS
 * OPENED dns   T NAME TYPE RCODE LATENCY_MS SERVER PROCESS count NAME VALUE application NAME BYTES
 *   file  done | what is wrong with it
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/defs.h"
#include "collect/packet/meter.h"
#include "collect/packet/tap.h"

static void on_packets(void *user, uint32_t link, const struct packet_frame *frames, size_t count)
{
    meter_packets(user, link, frames, count);
}

static void print_text(const char *text)
{
    for (; *text; text++)
        putchar(*text == '\t' || *text == '\n' ? '?' : *text);
}

static void print_table(struct table *t, const char *word)
{
    for (size_t row = 0; row < t->rows_count; row++) {
        fputs(word, stdout);
        for (size_t column = 1; column < t->schema->columns_count; column++) {
            const struct cell *cell = table_cell(t, row, column);
            putchar('\t');
            if (cell->type == CELL_UINT)
                printf("%llu", (unsigned long long)cell->uint);
            else if (cell->type == CELL_REAL)
                printf("%.6f", cell->real);
            else if (cell->type == CELL_TEXT)
                print_text(cell->text);
        }
        putchar('\n');
    }
    table_unref(t);
}

static void print_counts(const struct meter *m, const struct recognizer *d)
{
    static const char *const names[METER_COUNTS] = {
        [METER_PACKETS] = "packets",
        [METER_BYTES] = "bytes",
        [METER_CUT] = "cut",
        [METER_BROKEN] = "broken",
        [METER_DEEP] = "deep",
        [METER_FOREIGN] = "foreign",
        [METER_FLOWS_BEGUN] = "flows_begun",
        [METER_FLOWS_EVICTED] = "flows_evicted",
        [METER_FLOWS] = "flows",
        [METER_AGAIN] = "retransmits",
        [METER_DISORDER] = "out_of_order",
        [METER_FRAGMENTS_LOST] = "fragments_lost",
        [METER_DNS_BAD] = "dns_bad",
        [METER_DNS_GAPS] = "dns_gaps",
        [METER_DNS_EVICTED] = "dns_evicted",
        [METER_UNWATCHED] = "unwatched",
    };
    for (size_t i = 0; i < METER_COUNTS; i++)
        printf("count\t%s\t%llu\n", names[i],
               (unsigned long long)meter_counter(m, (enum meter_count)i));
    for (uint16_t i = 0; i < DETECT_APPLICATIONS_MAX; i++) {
        uint64_t bytes = meter_application_bytes(m, i);
        if (bytes)
            printf("application\t%s\t%llu\n", d ? recognizer_name(d, i) : "unknown",
                   (unsigned long long)bytes);
    }
}

int main(int argc, char **argv)
{
    char why[256] = "";
    struct tap *tap = NULL;
    if (argc < 2 || tap_open_file(argv[1], argc > 3 ? argv[3] : "", &tap, why, sizeof(why)) < 0) {
        printf("file\t%s\n", argc < 2 ? "no FILE" : why);
        return 1;
    }
    struct meter_settings settings = METER_SETTINGS_DEFAULT;
    settings.detector = argc > 2 ? NULL : recognizer_new(why, sizeof(why));
    if (!settings.detector)
        printf("ndpi\t%s\n", argc > 2 ? "off" : why);
    settings.keep = true;
    struct meter *m = meter_new(&settings);
    int count;
    do
        count = tap_read(tap, 10000, on_packets, m, why, sizeof(why));
    while (count >= 0);
    printf("file\t%s\n", count == -ENODATA ? "done" : why);
    meter_finish(m);
    meter_publish(m);
    print_table(meter_flows_table(m), "flow");
    print_table(meter_lookups_table(m), "dns");
    print_counts(m, settings.detector);
    meter_free(m);
    recognizer_free(settings.detector);
    tap_close(tap);
    return 0;
}
