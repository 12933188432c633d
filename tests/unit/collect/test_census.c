/* The census as a whole: rounds with sockets and processes of a made-up /proc, and what comes out.
 */
#include "proc_tree.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "collect/census.h"
#include "collect/census/result.h"

struct fixture {
    struct proc_tree tree;
    char users[96];
    struct census_settings settings;
    struct census *census;
    int64_t round;
    struct census_result *result; /* of the last round */
};

static struct fixture fixture_new(void)
{
    struct fixture f = {.tree = tree_new()};
    f.settings = (struct census_settings){
        .sockets_max = 1000,
        .processes_max = 100,
        .process_series_max = 10,
        .ended_keep_ms = 60000,
    };
    return f;
}

static void fixture_free(struct fixture *f)
{
    message_unref(f->result ? &f->result->msg : NULL);
    census_free(f->census);
    tree_free(&f->tree);
}

static int64_t now_ms(const struct fixture *f)
{
    return STAND_T0_MS + f->round * 2000;
}

/* Two seconds after the one before. */
static void begin(struct fixture *f)
{
    if (!f->census) {
        snprintf(f->users, sizeof(f->users), "%s/passwd", f->tree.root);
        f->settings.proc_root = f->tree.root;
        f->settings.users_file = f->users;
        f->census = census_new(&f->settings);
    }
    f->round++;
    census_begin(f->census, now_ms(f), f->round * 2 * NS_PER_S);
}

static void end(struct fixture *f)
{
    struct message *msg = census_end(f->census);
    message_unref(f->result ? &f->result->msg : NULL);
    f->result = CONTAINER_OF(msg, struct census_result, msg);
}

static struct endpoint ipv4(const char *dotted, uint16_t port)
{
    struct endpoint e = {.family = AF_INET, .port = port};
    unsigned a, b, c, d;
    assert_int_equal(sscanf(dotted, "%u.%u.%u.%u", &a, &b, &c, &d), 4);
    e.address[0] = (uint8_t)a;
    e.address[1] = (uint8_t)b;
    e.address[2] = (uint8_t)c;
    e.address[3] = (uint8_t)d;
    return e;
}

static struct socket_seen tcp(uint64_t cookie, uint16_t port, const char *remote,
                              uint16_t remote_port, uint32_t inode)
{
    return (struct socket_seen){
        .cookie = cookie,
        .protocol = IPPROTO_TCP,
        .state = SOCKET_ESTABLISHED,
        .local = ipv4("192.0.2.1", port),
        .remote = ipv4(remote, remote_port),
        .inode = inode,
        .method = "sock_diag",
    };
}

static void show_bytes(struct census *c, struct socket_seen seen, uint64_t rx, uint64_t tx)
{
    seen.has_bytes = true;
    seen.rx_bytes = rx;
    seen.tx_bytes = tx;
    census_socket(c, &seen);
}

/* The row whose text in `column` is this; fails when there is none. */
static size_t row_of(const struct table *t, size_t column, const char *text)
{
    for (size_t i = 0; i < t->rows_count; i++) {
        const struct cell *c = table_cell(t, i, column);
        if (c->type == CELL_TEXT && strcmp(c->text, text) == 0)
            return i;
    }
    fail_msg("no row with \"%s\"", text);
    return 0;
}

static const struct cell *connection(const struct fixture *f, const char *local, size_t column)
{
    const struct table *t = f->result->tables[TABLE_CONNECTIONS];
    return table_cell(t, row_of(t, CONN_LOCAL, local), column);
}

static const struct cell *process(const struct fixture *f, const char *name, size_t column)
{
    const struct table *t = f->result->tables[TABLE_PROCESSES];
    return table_cell(t, row_of(t, PROC_PROCESS, name), column);
}

#define TEXT(got, expected)                                                                        \
    do {                                                                                           \
        const struct cell *cell_ = (got);                                                          \
        assert_int_equal(cell_->type, CELL_TEXT);                                                  \
        assert_string_equal(cell_->text, expected);                                                \
    } while (0)
#define UINT(got, expected)                                                                        \
    do {                                                                                           \
        const struct cell *cell_ = (got);                                                          \
        assert_int_equal(cell_->type, CELL_UINT);                                                  \
        assert_int_equal(cell_->uint, expected);                                                   \
    } while (0)
#define REAL(got, expected)                                                                        \
    do {                                                                                           \
        const struct cell *cell_ = (got);                                                          \
        assert_int_equal(cell_->type, CELL_REAL);                                                  \
        assert_float_equal(cell_->real, expected, 1e-3);                                           \
    } while (0)

static const struct event *event_of(const struct fixture *f, enum event_kind kind)
{
    for (size_t i = 0; i < f->result->events_count; i++) {
        if (f->result->events[i]->kind == kind)
            return f->result->events[i];
    }
    fail_msg("no event of kind %s", event_kind_name(kind));
    return NULL;
}

static double event_get(const struct event *e, const char *name)
{
    for (size_t i = 0; i < e->fields_count; i++) {
        if (strcmp(e->fields[i].name, name) == 0)
            return e->fields[i].number;
    }
    fail_msg("no field %s", name);
    return 0;
}

/* ---- one connection from its opening to its end -------------------------------------------- */

static void test_life(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    tree_process(&f.tree, 42, 7000, "ng\"in/x\n", 1000, "/system.slice/nginx.service");
    tree_socket(&f.tree, 42, 3, 901);
    tree_socket(&f.tree, 42, 4, 900);
    struct socket_seen listener = tcp(1, 80, "0.0.0.0", 0, 900), conn;
    listener.state = SOCKET_LISTEN;
    listener.local = ipv4("0.0.0.0", 80);

    /* The first round is no event, whatever there is. */
    begin(&f);
    census_count_sockets(f.census, true);
    struct socket_seen old = tcp(2, 80, "192.0.2.9", 1000, 901);
    show_bytes(f.census, old, 5000, 5000);
    census_socket(f.census, &listener);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    assert_int_equal(f.result->events_count, 0);
    const struct cell *row = connection(&f, "192.0.2.1:80", 0);
    TEXT(&row[CONN_PROTOCOL], "tcp");
    TEXT(&row[CONN_REMOTE], "192.0.2.9:1000");
    TEXT(&row[CONN_STATE], "established");
    TEXT(&row[CONN_DIRECTION], "in");
    UINT(&row[CONN_PID], 42);
    TEXT(&row[CONN_PROCESS], "ng\"in/x?");
    TEXT(&row[CONN_UNIT], "nginx.service");
    UINT(&row[CONN_RX_BYTES], 5000);
    assert_int_equal(row[CONN_RX_RATE].type, CELL_NULL);
    assert_int_equal(row[CONN_RTT_MS].type, CELL_NULL);
    TEXT(&row[CONN_METHOD], "sock_diag");
    row = connection(&f, "0.0.0.0:80", 0);
    TEXT(&row[CONN_STATE], "listen");
    assert_int_equal(row[CONN_REMOTE].type, CELL_NULL);
    assert_int_equal(row[CONN_DIRECTION].type, CELL_NULL);
    /* What it had moved before we looked is nobody's. */
    UINT(process(&f, "ng\"in/x?", PROC_RX_BYTES), 0);
    TEXT(process(&f, "ng\"in/x?", PROC_USER), "alice");
    UINT(process(&f, "ng\"in/x?", PROC_CONNECTIONS), 2);

    /* A second one is opened, by the same process. */
    begin(&f);
    tree_socket(&f.tree, 42, 5, 902);
    conn = tcp(3, 80, "192.0.2.9", 1001, 902);
    conn.has_quality = true;
    conn.quality = (struct socket_quality){.rtt_us = 1500, .retransmits = 2};
    census_count_sockets(f.census, true);
    show_bytes(f.census, conn, 100, 1000);
    show_bytes(f.census, old, 5600, 5000);
    census_socket(f.census, &listener);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    assert_int_equal(f.result->events_count, 1);
    const struct event *e = event_of(&f, EVENT_CONNECTION_OPENED);
    assert_string_equal(event_get_text(e, "remote"), "192.0.2.9:1001");
    assert_string_equal(event_get_text(e, "direction"), "in");
    assert_string_equal(event_get_text(e, "process"), "ng\"in/x?");
    assert_string_equal(event_get_text(e, "unit"), "nginx.service");
    assert_int_equal(event_get(e, "pid"), 42);
    row = connection(&f, "192.0.2.1:80", 0);
    REAL(&row[CONN_RX_RATE], 300);
    UINT(process(&f, "ng\"in/x?", PROC_RX_BYTES), 700);
    UINT(process(&f, "ng\"in/x?", PROC_TX_BYTES), 1000);
    UINT(process(&f, "ng\"in/x?", PROC_LOCAL_BYTES), 0);
    REAL(process(&f, "ng\"in/x?", PROC_RX_RATE), 350);
    assert_int_equal(f.result->retransmits, 2);
    assert_int_equal(f.result->rtt.count, 1);
    assert_int_equal(f.result->rtt.sum_ns, 1500000);
    assert_int_equal(f.result->tcp[SOCKET_ESTABLISHED], 2);
    assert_int_equal(f.result->tcp[SOCKET_LISTEN], 1);

    /* It ends in time-wait: one event, the row stays, with another cookie and no inode. */
    begin(&f);
    struct socket_seen wait = tcp(77, 80, "192.0.2.9", 1001, 0);
    wait.state = SOCKET_TIME_WAIT;
    census_socket(f.census, &wait);
    show_bytes(f.census, old, 5600, 5000);
    census_socket(f.census, &listener);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    assert_int_equal(f.result->events_count, 1);
    e = event_of(&f, EVENT_CONNECTION_CLOSED);
    assert_int_equal(event_get(e, "duration_ms"), 2000);
    assert_int_equal(event_get(e, "tx_bytes"), 1000);
    assert_int_equal(f.result->tables[TABLE_CONNECTIONS]->rows_count, 3);
    assert_int_equal(f.result->tcp[SOCKET_TIME_WAIT], 1);

    /* The end of time-wait is none; the end of the other connection is one. */
    begin(&f);
    census_socket(f.census, &listener);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    assert_int_equal(f.result->events_count, 1);
    e = event_of(&f, EVENT_CONNECTION_CLOSED);
    assert_string_equal(event_get_text(e, "remote"), "192.0.2.9:1000");
    assert_int_equal(f.result->tables[TABLE_CONNECTIONS]->rows_count, 1);
    fixture_free(&f);
}

/* ---- processes ----------------------------------------------------------------------------- */

static void test_ended_process(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    f.settings.ended_keep_ms = 4000;
    tree_process(&f.tree, 50, 1, "curl", 0, "/user.slice/user-0.slice/session-1.scope");
    const struct process_seen curl = {.pid = 50, .start_ticks = 1, .uid = 0};
    const struct traffic t = {.rx_bytes = 10, .tx_bytes = 20, .local_bytes = 5};
    begin(&f);
    census_traffic(f.census, &curl, &t, "ebpf");
    end(&f);
    TEXT(process(&f, "curl", PROC_STATE), "running");
    TEXT(process(&f, "curl", PROC_UNIT), "session-1.scope");
    uint64_t id = process(&f, "curl", PROC_ID)->uint;

    /* It ends and another one gets its pid, with the same name: two rows. */
    begin(&f);
    tree_process(&f.tree, 50, 2, "curl", 0, "/user.slice/user-0.slice/session-1.scope");
    const struct process_seen again = {.pid = 50, .start_ticks = 2, .uid = 0};
    census_traffic(f.census, &again, &t, "ebpf");
    end(&f);
    const struct table *table = f.result->tables[TABLE_PROCESSES];
    assert_int_equal(table->rows_count, 2);
    for (size_t i = 0; i < 2; i++)
        TEXT(table_cell(table, i, PROC_STATE),
             table_cell(table, i, PROC_ID)->uint == id ? "ended" : "running");

    /* After a while the first is folded into the row of its name. */
    begin(&f);
    end(&f);
    begin(&f);
    census_traffic(f.census, &again, &t, "ebpf");
    end(&f);
    table = f.result->tables[TABLE_PROCESSES];
    assert_int_equal(table->rows_count, 2);
    bool folded = false;
    for (size_t i = 0; i < 2; i++) {
        if (table_cell(table, i, PROC_PID)->type != CELL_NULL)
            continue;
        folded = true;
        assert_true(table_cell(table, i, PROC_ID)->uint != id);
        UINT(table_cell(table, i, PROC_RX_BYTES), 10);
        UINT(table_cell(table, i, PROC_LOCAL_BYTES), 5);
        TEXT(table_cell(table, i, PROC_STATE), "ended");
        TEXT(table_cell(table, i, PROC_METHOD), "ebpf");
    }
    assert_true(folded);
    assert_int_equal(f.result->groups_count, 1);
    assert_int_equal(f.result->groups[0].rx, 30);
    assert_string_equal(f.result->groups[0].process, "curl");
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_ended_process),
    };
    return cmocka_run_group_tests_name("census", tests, NULL, NULL);
}
