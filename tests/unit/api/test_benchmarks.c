/*
 * test_benchmarks.c: POST and GET /api/v1/benchmarks: who may publish, what is taken, what is kept
 * and for how long, what the stream is told.
 */
#include "http_rig.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "store/documents.h"
#include "wire/benchmark.h"

#define KIND DOCUMENT_KIND_BENCHMARKS
#define ID "store-20261129T180000Z"

static char dir[64];

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/test_benchmarks.XXXXXX");
    assert_non_null(mkdtemp(dir));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char *command CLEANUP(mem_freep) = mem_printf("rm -rf %s", dir);
    return system(command);
}

/* A document; id: NULL: none. To be freed. */
static char *document(const char *id, const char *state, double progress, size_t padding)
{
    struct buf b = BUF_INIT;
    char *name CLEANUP(mem_freep) = id ? mem_printf("\"id\":\"%s\",", id) : mem_string("");
    buf_printf(&b,
               "{%s\"subject\":\"store\",\"t\":1795975200000,\"version\":\"1\",\"state\":\"%s\","
               "\"progress\":%g,\"machine\":{\"cores\":2},\"settings\":{},\"results\":[{\"name\":"
               "\"a\",\"labels\":{},\"value\":1.1,\"unit\":\"ms\",\"kind\":\"duration\","
               "\"better\":\"lower\"}]}",
               name, state, progress);
    for (size_t i = 0; i < padding; i++)
        buf_char(&b, ' '); /* which JSON permits */
    char *text = mem_string(buf_string(&b));
    buf_fini(&b);
    return text;
}

static json_t *post(struct rig *rig, const char *body, unsigned status)
{
    int fd = rig_connect(rig);
    char *head CLEANUP(mem_freep) = mem_printf("POST /api/v1/benchmarks HTTP/1.1\r\n"
                                               "Host: 127.0.0.1\r\n"
                                               "Content-Type: application/json\r\n"
                                               "Content-Length: %zu\r\n\r\n",
                                               strlen(body));
    const char *parts[] = {head, body};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        for (size_t at = 0, len = strlen(parts[i]); at < len;) {
            ssize_t n = send(fd, parts[i] + at, len - at, MSG_NOSIGNAL);
            if (n > 0)
                at += (size_t)n;
            else
                uv_run(&rig->loop, UV_RUN_NOWAIT);
        }
    }
    struct answer_text a = client_read(rig, fd, true);
    close(fd);
    if (a.status != status)
        fail_msg("%u instead of %u: %s", a.status, status, a.body);
    char why[200];
    json_t *json = json_parse(a.body, a.body_len, why, sizeof(why));
    assert_non_null(json);
    answer_text_free(&a);
    return json;
}

static void post_taken(struct rig *rig, const char *body, unsigned status, const char *id)
{
    json_t *json = post(rig, body, status);
    assert_string_equal(json_text(json, "id"), id);
    json_decref(json);
}

static void post_refused(struct rig *rig, const char *body, unsigned status, const char *code,
                         const char *field)
{
    json_t *json = post(rig, body, status);
    const json_t *error = json_object_get(json, "error");
    const char *named = json_string_value(json_object_get(error, "field"));
    assert_string_equal(json_text(error, "code"), code);
    if (!field != !named || (field && strcmp(field, named) != 0))
        fail_msg("field %s instead of %s", named ? named : "none", field ? field : "none");
    json_decref(json);
}

/* What the stream was told last. Release with json_decref. */
static json_t *told(struct rig *rig)
{
    char why[200];
    assert_true(rig->told_count > 0);
    const struct bytes *members = rig->told[rig->told_count - 1];
    char *text CLEANUP(mem_freep) =
        mem_printf("{%.*s}", (int)members->len, (const char *)members->data);
    json_t *json = json_parse(text, strlen(text), why, sizeof(why));
    assert_non_null(json);
    return json;
}

static size_t kept(void)
{
    struct document_list *list CLEANUP(mem_freep) = NULL;
    assert_int_equal(documents_list(dir, KIND, &list, NULL), 0);
    return list->count;
}

static void put(const char *name, const char *text)
{
    assert_int_equal(document_write(dir, KIND, name, text, strlen(text), true, NULL), 0);
}

/* ---- POST -------------------------------------------------------------------------------- */

static void test_a_run(void **state)
{
    (void)state;
    struct rig *rig = rig_of_role(dir, 100, true);
    char *running CLEANUP(mem_freep) = document(ID, "running", 0.5, 0);
    char *done CLEANUP(mem_freep) = document(ID, "done", 1, 0);
    post_taken(rig, running, 202, ID);
    assert_int_equal(kept(), 0); /* told, not kept */
    json_t *message = told(rig);
    const json_t *benchmark = json_object_get(message, "benchmark");
    assert_string_equal(json_text(benchmark, "state"), "running");
    assert_string_equal(json_text(benchmark, "id"), ID);
    json_decref(message);
    post_taken(rig, done, 201, ID);
    post_taken(rig, done, 200, ID);
    assert_int_equal(kept(), 1);
    assert_int_equal(rig->told_count, 3);
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    assert_int_equal(document_read(dir, KIND, ID, &text, NULL), 0);
    assert_string_equal(buf_string(&text), done); /* as it was sent */
    rig_free(rig);
}

/* Without an id it gets that of its time. */
static void test_no_id(void **state)
{
    (void)state;
    struct rig *rig = rig_of_role(dir, 100, true);
    char *nameless CLEANUP(mem_freep) = document(NULL, "failed", 0.25, 0);
    post_taken(rig, nameless, 201, ID);
    json_t *message = told(rig);
    assert_string_equal(json_text(json_object_get(message, "benchmark"), "id"), ID);
    json_decref(message);
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    assert_int_equal(document_read(dir, KIND, ID, &text, NULL), 0);
    assert_non_null(strstr(buf_string(&text), "{\"id\":\"" ID "\",\"subject\""));
    rig_free(rig);
}

static void test_refusals(void **state)
{
    (void)state;
    struct rig *rig = rig_of_role(dir, 100, true);
    static const char *const ids[] = {"before",
                                      "fanout-20261129T180000Z",
                                      "store-20261129T180000",
                                      "store-20261129T180000Zx",
                                      "store",
                                      "x-store"};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) { /* a name that somebody may have given */
        char *body CLEANUP(mem_freep) = document(ids[i], "done", 1, 0);
        post_refused(rig, body, 400, "bad_request", "id");
    }
    char *state_of CLEANUP(mem_freep) = document(ID, "paused", 1, 0);
    char *part CLEANUP(mem_freep) = document(ID, "done", 2, 0);
    post_refused(rig, state_of, 400, "bad_request", "state");
    post_refused(rig, part, 400, "bad_request", "progress");
    post_refused(rig, "{}", 400, "bad_request", "subject");
    post_refused(rig, "[]", 400, "bad_request", NULL);
    post_refused(rig, "", 400, "bad_request", NULL);
    post_refused(rig, "{\"subject\":", 400, "bad_request", NULL);
    assert_int_equal(rig->told_count, 0);
    assert_int_equal(kept(), 0);
    rig_free(rig);
}

/* 256 KiB, and for an admin alone. */
static void test_size(void **state)
{
    (void)state;
    struct rig *rig = rig_of_role(dir, 100, true);
    char *small CLEANUP(mem_freep) = document(ID, "done", 1, 0);
    size_t most = BENCHMARK_BYTES_MAX - strlen(small);
    char *largest CLEANUP(mem_freep) = document(ID, "done", 1, most);
    char *larger CLEANUP(mem_freep) = document(ID, "done", 1, most + 1);
    post_taken(rig, largest, 201, ID);
    json_t *json = post(rig, larger, 413);
    json_decref(json);
    rig_free(rig);

    rig = rig_of_role(dir, 100, false);
    json = post(rig, largest, 413); /* not even read */
    json_decref(json);
    rig_free(rig);
}

/* A disk that refuses is told, and the run with it is not; a core that is deaf likewise. */
static void test_not_kept(void **state)
{
    (void)state;
    struct rig *rig = rig_of_role(dir, 100, true);
    char *done CLEANUP(mem_freep) = document(ID, "done", 1, 0);
    char *folder CLEANUP(mem_freep) = mem_printf("%s/" KIND, dir);
    int fd = open(folder, O_CREAT | O_WRONLY, 0600); /* no folder can be made there */
    assert_true(fd >= 0);
    close(fd);
    post_refused(rig, done, 503, "not_kept", NULL);
    assert_int_equal(rig->told_count, 0);
    assert_int_equal(unlink(folder), 0);
    rig->mute = true;
    post_refused(rig, done, 503, "busy", NULL);
    assert_int_equal(kept(), 1);
    rig->mute = false;
    post_taken(rig, done, 200, ID); /* the same again, and nothing is twice */
    assert_int_equal(rig->told_count, 1);
    rig_free(rig);
}

/* The newest 500 of those published stay, and every baseline. */
static void test_pruning(void **state)
{
    (void)state;
    char *done CLEANUP(mem_freep) = document(NULL, "done", 1, 0);
    char name[64];
    put("before", done);
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "%s-20250101T%06dZ", i % 2 ? "store" : "fanout", i);
        put(name, done);
    }
    struct rig *rig = rig_of_role(dir, 100, true);
    post_taken(rig, done, 201, ID);
    assert_int_equal(kept(), 501);
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    assert_int_equal(document_read(dir, KIND, "fanout-20250101T000000Z", &text, NULL), -ENOENT);
    assert_int_equal(document_read(dir, KIND, "store-20250101T000001Z", &text, NULL), 0);
    assert_int_equal(document_read(dir, KIND, "before", &text, NULL), 0);
    post_taken(rig, done, 200, ID); /* one more of the same is not one more */
    assert_int_equal(kept(), 501);

    /* As many as may be, because of baselines: the oldest that was published makes room. */
    for (size_t i = 0, more = DOCUMENTS_MAX - kept(); i < more; i++) {
        snprintf(name, sizeof(name), "kept-%zu", i);
        put(name, done);
    }
    assert_int_equal(kept(), DOCUMENTS_MAX);
    rig_turn(rig); /* that took a while: the loop's clock is not that of before */
    char *next CLEANUP(mem_freep) = document("store-20261130T000000Z", "done", 1, 0);
    post_taken(rig, next, 201, "store-20261130T000000Z");
    assert_int_equal(document_read(dir, KIND, "store-20250101T000001Z", &text, NULL), -ENOENT);
    assert_int_equal(document_read(dir, KIND, "store-20261130T000000Z", &text, NULL), 0);
    assert_int_equal(document_read(dir, KIND, "kept-0", &text, NULL), 0);

    /* What has just come stays, whatever time its clock said. */
    char *old CLEANUP(mem_freep) = document("store-20200101T000000Z", "done", 1, 0);
    for (int i = 0; i < 2; i++) {
        post_taken(rig, old, i ? 200 : 201, "store-20200101T000000Z");
        assert_int_equal(document_read(dir, KIND, "store-20200101T000000Z", &text, NULL), 0);
    }
    rig_free(rig);
}

/* Nobody waits for the answer any more: it is done all the same. */
static void test_client_leaves(void **state)
{
    (void)state;
    struct rig *rig = rig_of_role(dir, 100, true);
    char *done CLEANUP(mem_freep) = document(ID, "done", 1, 0);
    int fd = rig_connect(rig);
    client_send(fd, "POST", "/api/v1/benchmarks", done);
    int64_t until_ns = clock_mono_ns() + PATIENCE_NS;
    bool closed = false;
    while (!rig->told_count) {
        uv_run(&rig->loop, UV_RUN_NOWAIT);
        if (!closed && kept()) {
            close(fd);
            closed = true;
        }
        assert_true(clock_mono_ns() < until_ns);
    }
    if (!closed)
        close(fd);
    assert_int_equal(kept(), 1);
    rig_free(rig);
}

/* ---- GET --------------------------------------------------------------------------------- */

static void set_age(const char *name, time_t seconds)
{
    char *path CLEANUP(mem_freep) = mem_printf("%s/" KIND "/%s.json", dir, name);
    struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void expect_list(struct rig *rig, const char *target, const char *const *ids,
                        int64_t unreadable, bool truncated)
{
    json_t *json = rig_get(rig, target, 200);
    const json_t *list = json_object_get(json, "benchmarks");
    size_t count = 0;
    for (; ids[count]; count++) {
        if (count >= json_array_size(list))
            fail_msg("%s: %s is missing", target, ids[count]);
        assert_string_equal(json_text(json_array_get(list, count), "id"), ids[count]);
    }
    assert_int_equal(json_array_size(list), count);
    assert_int_equal(json_whole(json, "unreadable"), unreadable);
    assert_int_equal(json_is_true(json_object_get(json, "truncated")), truncated);
    json_decref(json);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_list(void **state)
{
    (void)state;
    struct rig *rig = rig_new(dir, 100);
    expect_list(rig, "/api/v1/benchmarks", (const char *const[]){NULL}, 0, false);
    static const char *const names[] = {"store-20250101T000001Z", "store-20250101T000002Z",
                                        "store-20250101T000003Z"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *text CLEANUP(mem_freep) = document(names[i], "done", 1, 10);
        put(names[i], text);
        set_age(names[i], 1700000000 + (time_t)i);
    }
    char *same CLEANUP(mem_freep) = document(names[2], "done", 1, 0); /* the newest, by a name */
    put("before", same);
    set_age("before", 1700000010);
    put("no-json", "{\"subject\":");
    set_age("no-json", 1700000011);
    put("no-benchmark", "{}");
    set_age("no-benchmark", 1700000012);
    expect_list(rig, "/api/v1/benchmarks", LIST(names[2], names[1], names[0]), 2, false);
    expect_list(rig, "/api/v1/benchmarks?limit=2", LIST(names[2], names[1]), 2, true);
    expect_list(rig, "/api/v1/benchmarks?limit=3&subject=store", LIST(names[2], names[1], names[0]),
                2, false);
    expect_list(rig, "/api/v1/benchmarks?subject=query", (const char *const[]){NULL}, 2, false);
    expect_list(rig, "/api/v1/benchmarks?limit=0", (const char *const[]){NULL}, 0, true);
    rig_refused(rig, "/api/v1/benchmarks?subject=disk", 400, "bad_request", "subject");
    rig_refused(rig, "/api/v1/benchmarks?limit=1001", 400, "bad_request", "limit");
    rig_refused(rig, "/api/v1/benchmarks?limit=x", 400, "bad_request", "limit");
    rig_free(rig);
}

/* The answer is bounded in bytes as well, which is told. */
static void test_large_list(void **state)
{
    (void)state;
    struct rig *rig = rig_new(dir, 100);
    struct buf b = BUF_INIT;
    for (int i = 0; i < 20; i++) {
        char name[64];
        snprintf(name, sizeof(name), "store-20250101T%06dZ", i);
        char *text CLEANUP(mem_freep) = document(name, "done", 1, 0);
        buf_clear(&b);
        buf_append(&b, text, 1);
        for (size_t k = 0; k < 250000; k++)
            buf_char(&b, ' ');
        buf_text(&b, text + 1);
        put(name, buf_string(&b));
    }
    buf_fini(&b);
    json_t *json = rig_get(rig, "/api/v1/benchmarks", 200);
    size_t count = json_array_size(json_object_get(json, "benchmarks"));
    assert_int_equal(count, (4 << 20) / 250400);
    assert_true(json_is_true(json_object_get(json, "truncated")));
    json_decref(json);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_run, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_id, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_size, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pruning, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_leaves, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_list, setup, teardown),
    };
    return cmocka_run_group_tests_name("api/benchmarks", tests, NULL, NULL);
}
