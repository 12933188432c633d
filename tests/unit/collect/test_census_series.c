/* Results of the census as tables, events and series of the ticks, on the core thread. */
#include "census_stand.h"

#include "collect/catalogue.h"

static struct message *result_of_round(struct fixture *f, struct socket_seen *sockets, size_t count,
                                       uint64_t bytes)
{
    begin(f);
    census_count_sockets(f->census, true);
    for (size_t i = 0; i < count; i++) {
        sockets[i].has_quality = true;
        sockets[i].quality = (struct socket_quality){.rtt_us = 700, .retransmits = (uint32_t)bytes};
        show_bytes(f->census, sockets[i], bytes, bytes / 2);
    }
    census_sockets_complete(f->census, "sock_diag");
    census_wire(f->census, bytes * 10, bytes);
    end(f);
    message_ref(&f->result->msg);
    return &f->result->msg;
}

static void sample(struct census_series *s, struct stand *stand)
{
    census_series_sample(s, stand_begin(stand));
    stand_end(stand);
}

#define RX "netsonde_process_receive_bytes_total{process=\"srv\",unit=\"a.service\"}"
#define BUCKET(le) "netsonde_tcp_rtt_seconds_bucket{le=\"" le "\"}"

static void test_ticks(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct stand stand = stand_new(1000);
    struct census_series *s = census_series_new();
    tree_process(&f.tree, 42, 7, "srv", 0, "/a.service");
    tree_socket(&f.tree, 42, 3, 901);
    struct socket_seen sockets[] = {tcp(5, 5000, "192.0.2.9", 22, 901)};
    sample(s, &stand); /* nothing yet */
    assert_int_equal(stand_sampled(&stand), 0);

    census_series_take(s, result_of_round(&f, NULL, 0, 0));
    sample(s, &stand);
    assert_non_null(stand.tick->tables[TABLE_CONNECTIONS]);
    assert_false(stand_has(&stand, RX));
    assert_false(stand_has(&stand, BUCKET("0.001")));
    assert_gauge(&stand, "netsonde_tcp_connections{state=\"established\"}", 0);

    /* Its first bytes count, although the series is new. */
    census_series_take(s, result_of_round(&f, sockets, 1, 1000));
    sample(s, &stand);
    assert_counter(&stand, RX, SAMPLE_GAP, 1000, 1000);
    assert_counter(&stand,
                   "netsonde_process_transmit_bytes_total{process=\"srv\",unit=\"a."
                   "service\"}",
                   SAMPLE_GAP, 500, 500);
    assert_counter(&stand, BUCKET("0.0005"), SAMPLE_GAP, 0, 0);
    assert_counter(&stand, BUCKET("0.001"), SAMPLE_GAP, 1, 1);
    assert_counter(&stand, BUCKET("+Inf"), SAMPLE_GAP, 1, 1);
    assert_counter(&stand, "netsonde_tcp_rtt_seconds_sum", SAMPLE_GAP, 700000, 700000);
    assert_counter(&stand, "netsonde_unattributed_bytes_total{direction=\"receive\"}", SAMPLE_GAP,
                   9000, 9000);
    assert_gauge(&stand, "netsonde_tcp_connections{state=\"established\"}", 1);
    assert_int_equal(stand.tick->events_count, 1);
    assert_int_equal(stand.tick->events[0]->kind, EVENT_CONNECTION_OPENED);

    /* A tick without a result: increments of 0, no table, no event. */
    sample(s, &stand);
    assert_counter(&stand, RX, SAMPLE_OK, 1000, 0);
    assert_null(stand.tick->tables[TABLE_CONNECTIONS]);
    assert_null(stand.tick->tables[TABLE_PROCESSES]);
    assert_int_equal(stand.tick->events_count, 0);

    /* Two results between two ticks: the newer tables, the events of both, and all bytes. */
    struct socket_seen three[] = {sockets[0], tcp(6, 5001, "192.0.2.9", 22, 902),
                                  tcp(7, 5002, "192.0.2.9", 22, 903)};
    tree_socket(&f.tree, 42, 4, 902);
    tree_socket(&f.tree, 42, 5, 903);
    census_series_take(s, result_of_round(&f, three, 2, 1200));
    census_series_take(s, result_of_round(&f, three, 3, 1500));
    sample(s, &stand);
    assert_int_equal(stand.tick->tables[TABLE_CONNECTIONS]->rows_count, 3);
    assert_int_equal(stand.tick->events_count, 2);
    assert_counter(&stand, RX, SAMPLE_OK, 3 * 1500, 3500);
    assert_counter(&stand, BUCKET("0.001"), SAMPLE_OK, 6, 5);

    census_series_free(s);
    census_series_free(NULL);
    stand_free(&stand);
    fixture_free(&f);
}

/* A registry without room: what was turned away comes with all its bytes when there is room. */
static void test_refused(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct stand stand = stand_new(16);
    struct census_series *s = census_series_new();
    const struct metric filler = {"filler", "", "Takes room.", METRIC_GAUGE, 1};
    uint64_t sum = 0, total = 0;
    for (unsigned i = 0; i < 16; i++) {
        char number[8];
        snprintf(number, sizeof(number), "%u", i);
        const struct label label = {"n", number};
        assert_non_null(registry_get(stand.registry, &filler, &label, 1, "test"));
    }
    const struct process_seen seen = {.pid = 9, .start_ticks = 1, .command = "srv"};
    for (int tick = 0; tick < 200; tick++) {
        const struct traffic t = {.rx_bytes = 7};
        begin(&f);
        census_traffic(f.census, &seen, &t, "ebpf");
        end(&f);
        message_ref(&f.result->msg);
        census_series_take(s, &f.result->msg);
        total += 7;
        sample(s, &stand);
        for (uint32_t i = 0; i < stand.tick->count; i++) {
            const struct series *series = stand.tick->set->slots[i];
            if (series && strcmp(series->name, "netsonde_process_receive_bytes_total") == 0 &&
                stand.tick->state[i] != SAMPLE_ABSENT)
                sum += stand.tick->value[i].increment;
        }
        if (tick == 20) {
            assert_int_equal(sum, 0);
            assert_true(registry_refused(stand.registry) > 0);
            assert_int_equal(registry_sweep(stand.registry, INT64_MAX), 16);
        }
    }
    assert_int_equal(sum, total);
    census_series_free(s);
    stand_free(&stand);
    fixture_free(&f);
}

/* Nobody tells the census for a while: nothing is said of that time, gauges do not show what was
 * true before it, and counters go on. */
static void test_pause(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct stand stand = stand_new(1000);
    struct census_series *s = census_series_new();
    struct socket_seen sockets[] = {tcp(5, 5000, "192.0.2.9", 22, 0)};
    static const char state_key[] = "netsonde_tcp_connections{state=\"established\"}";
    begin(&f);
    end(&f);
    census_series_take(s, result_of_round(&f, sockets, 1, 10));
    sample(s, &stand);
    assert_true(stand_has(&stand, state_key));
    census_series_pause(s);
    sample(s, &stand);
    assert_false(stand_has(&stand, state_key));
    assert_false(stand_has(&stand, "netsonde_census_lost_total"));
    census_series_take(s, result_of_round(&f, sockets, 1, 20));
    sample(s, &stand);
    assert_true(stand_has(&stand, state_key));
    assert_true(stand_has(&stand, "netsonde_census_lost_total"));
    census_series_pause(s);
    census_series_pause(s);
    census_series_free(s);
    stand_free(&stand);
    fixture_free(&f);
}

/* Whatever the catalogue says of sockets and processes is really emitted, with these labels. */
static void test_catalogue(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct stand stand = stand_new(1000);
    struct census_series *s = census_series_new();
    struct socket_seen sockets[] = {tcp(5, 5000, "192.0.2.9", 22, 0)};
    const struct process_seen seen = {.pid = 9, .start_ticks = 1, .command = "srv"};
    const struct traffic t = {.rx_bytes = 7};
    begin(&f);
    end(&f);
    begin(&f);
    census_traffic(f.census, &seen, &t, "ebpf");
    census_owner(f.census, 0, 5, &seen);
    census_connect_time(f.census, 12000000);
    census_round_trip(f.census, 1);
    end(&f);
    message_unref(result_of_round(&f, sockets, 1, 10));
    census_series_take(s, result_of_round(&f, sockets, 1, 20));
    sample(s, &stand);
    struct catalogue_entry entry;
    size_t found = 0;
    for (size_t at = 0; catalogue_at(at, &entry); at++) {
        const char *name = entry.metric->name;
        bool emitted = false;
        for (uint32_t i = 0; i < stand.tick->count; i++) {
            const struct series *series = stand.tick->set->slots[i];
            if (strcmp(series->name, name) != 0)
                continue;
            emitted = true;
            struct buf labels = BUF_INIT;
            for (size_t l = 0; l < series->labels_count; l++)
                buf_printf(&labels, "%s%s", l ? "," : "", series->labels[l].name);
            assert_string_equal(buf_string(&labels), entry.labels);
            buf_fini(&labels);
        }
        bool wanted = strncmp(name, "netsonde_process_", 17) == 0 ||
                      strncmp(name, "netsonde_tcp_", 13) == 0 ||
                      strncmp(name, "netsonde_census_", 16) == 0 ||
                      strncmp(name, "netsonde_peer_", 14) == 0 ||
                      strcmp(name, "netsonde_unattributed_bytes_total") == 0;
        if (emitted != wanted)
            fail_msg("%s", name);
        found += emitted;
    }
    assert_int_equal(found, 16);
    census_series_free(s);
    stand_free(&stand);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ticks),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_catalogue),
    };
    return cmocka_run_group_tests_name("census_series", tests, NULL, NULL);
}
