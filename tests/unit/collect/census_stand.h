/*
 * census_stand.h: a census with a made-up /proc and a clock of its own: fixture_new, then rounds of
 * begin, what engines would tell, end; the fixture has the last result.
 */
#pragma once

#include "proc_tree.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#include "collect/census.h"
#include "collect/census/result.h"

struct fixture {
    struct proc_tree tree;
    char users[96];
    struct census_settings settings;
    struct census *census;
    int64_t round;
    int64_t later_ns;             /* the monotonic clock is ahead by this */
    struct census_result *result; /* of the last round */
};

static inline struct fixture fixture_new(void)
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

static inline void fixture_free(struct fixture *f)
{
    message_unref(f->result ? &f->result->msg : NULL);
    census_free(f->census);
    tree_free(&f->tree);
}

static inline int64_t now_ms(const struct fixture *f)
{
    return STAND_T0_MS + f->round * 2000;
}

/* Two seconds after the one before. */
static inline void begin(struct fixture *f)
{
    if (!f->census) {
        snprintf(f->users, sizeof(f->users), "%s/passwd", f->tree.root);
        f->settings.proc_root = f->tree.root;
        f->settings.users_file = f->users;
        f->census = census_new(&f->settings);
    }
    f->round++;
    census_begin(f->census, now_ms(f), f->round * 2 * NS_PER_S + f->later_ns);
}

static inline void end(struct fixture *f)
{
    struct message *msg = census_end(f->census);
    message_unref(f->result ? &f->result->msg : NULL);
    f->result = CONTAINER_OF(msg, struct census_result, msg);
}

static inline struct endpoint ipv4(const char *dotted, uint16_t port)
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

static inline struct socket_seen tcp(uint64_t cookie, uint16_t port, const char *remote,
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

static inline void show_bytes(struct census *c, struct socket_seen seen, uint64_t rx, uint64_t tx)
{
    seen.has_bytes = true;
    seen.rx_bytes = rx;
    seen.tx_bytes = tx;
    census_socket(c, &seen);
}

/* The row whose text in `column` is this; fails when there is none. */
static inline size_t row_of(const struct table *t, size_t column, const char *text)
{
    for (size_t i = 0; i < t->rows_count; i++) {
        const struct cell *c = table_cell(t, i, column);
        if (c->type == CELL_TEXT && strcmp(c->text, text) == 0)
            return i;
    }
    fail_msg("no row with \"%s\"", text);
    return 0;
}

static inline const struct cell *connection(const struct fixture *f, const char *local,
                                            size_t column)
{
    const struct table *t = f->result->tables[TABLE_CONNECTIONS];
    return table_cell(t, row_of(t, CONN_LOCAL, local), column);
}

static inline const struct cell *process(const struct fixture *f, const char *name, size_t column)
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

static inline size_t count_events(const struct fixture *f, enum event_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < f->result->events_count; i++)
        count += f->result->events[i]->kind == kind;
    return count;
}

static inline const struct event *event_of(const struct fixture *f, enum event_kind kind)
{
    for (size_t i = 0; i < f->result->events_count; i++) {
        if (f->result->events[i]->kind == kind)
            return f->result->events[i];
    }
    fail_msg("no event of kind %s", event_kind_name(kind));
    return NULL;
}

static inline double event_get(const struct event *e, const char *name)
{
    for (size_t i = 0; i < e->fields_count; i++) {
        if (strcmp(e->fields[i].name, name) == 0)
            return e->fields[i].number;
    }
    fail_msg("no field %s", name);
    return 0;
}
