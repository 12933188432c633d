/*
 * What a census of many sockets takes: bytes by socket, which are bounded here, and time, which is
 * printed (a test on a busy machine proves nothing about time). With a number as argument that many
 * rounds of 18,000 unchanged sockets are made and nothing else: for callgrind.
 */
#include "census_stand.h"

#include <malloc.h>
#include <time.h>

#define MANY 50000

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void round_of(struct fixture *f, uint32_t sockets)
{
    struct socket_seen seen = tcp(0, 0, "198.51.100.77", 443, 0);
    seen.has_bytes = seen.has_quality = true;
    seen.quality.rtt_us = 1000;
    begin(f);
    census_count_sockets(f->census, true);
    for (uint32_t i = 0; i < sockets; i++) {
        seen.cookie = i + 1;
        seen.local.port = (uint16_t)(1024 + i % 60000);
        seen.remote.address[2] = (uint8_t)(i / 60000);
        seen.remote.address[3] = (uint8_t)i;
        seen.rx_bytes = seen.tx_bytes = 12345;
        census_socket(f->census, &seen);
    }
    census_sockets_complete(f->census, "sock_diag");
    end(f);
}

static size_t in_use(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static void test_size(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    f.settings.sockets_max = 65536;
    f.settings.processes_max = 8192;
    f.settings.process_series_max = 500;
    size_t before = in_use();
    round_of(&f, 0);
    size_t idle = in_use() - before;
    print_message("an idle census: %zu bytes\n", idle);
    assert_true(idle < 256 * 1024);

    double begun = cpu_s();
    round_of(&f, MANY);
    double first_s = cpu_s() - begun;
    begun = cpu_s();
    round_of(&f, MANY);
    double second_s = cpu_s() - begun;
    size_t with_table = in_use() - before;
    message_unref(&f.result->msg);
    f.result = NULL;
    size_t held = in_use() - before;
    print_message("%d sockets: %zu bytes each, %zu more in a result; %.1f ms the first round, %.1f "
                  "the second\n",
                  MANY, held / MANY, (with_table - held) / MANY, first_s * 1e3, second_s * 1e3);
    assert_true(held / MANY < 256);
    assert_true((with_table - held) / MANY < 450);

    /* And back to little when they have gone. */
    round_of(&f, 10);
    print_message("after they have gone: %zu bytes\n", in_use() - before);
    assert_true(in_use() - before < 512 * 1024);
    fixture_free(&f);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        struct fixture f = fixture_new();
        f.settings.sockets_max = 65536;
        for (int i = atoi(argv[1]); i > 0; i--) {
            double begun = cpu_s();
            round_of(&f, 18000);
            print_message("%.2f ms\n", (cpu_s() - begun) * 1e3);
        }
        fixture_free(&f);
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_size)};
    return cmocka_run_group_tests_name("census_size", tests, NULL, NULL);
}
