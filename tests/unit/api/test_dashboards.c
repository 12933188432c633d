/*
 * test_dashboards.c: /api/v1/dashboards: who may change what, what is taken, that it comes back as
 * it was, and how many and how large they may be.
 */
#include "http_rig.h"

#include <stdlib.h>

#include "store/documents.h"

#define KIND DOCUMENT_KIND_DASHBOARDS
#define PATH "/api/v1/dashboards"

static char dir[64];

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/test_dashboards.XXXXXX");
    assert_non_null(mkdtemp(dir));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char *command CLEANUP(mem_freep) = mem_printf("rm -rf %s", dir);
    return system(command);
}

static struct answer_text ask(struct rig *rig, const char *method, const char *target,
                              const char *body)
{
    int fd = rig_connect(rig);
    client_send(fd, method, target, body);
    struct answer_text a = client_read(rig, fd, true);
    close(fd);
    return a;
}

static void expect(struct rig *rig, const char *method, const char *target, const char *body,
                   unsigned status, const char *contains)
{
    struct answer_text a = ask(rig, method, target, body);
    if (a.status != status || (contains && !strstr(a.body, contains)))
        fail_msg("%s %s: %u %s", method, target, a.status, a.body);
    answer_text_free(&a);
}

static void put(const char *name, const char *text)
{
    assert_int_equal(document_write(dir, KIND, name, text, strlen(text), true, NULL), 0);
}

static void test_there_and_back(void **state)
{
    static const char one[] =
        "{\"version\":1,\"exploration\":\"a.metric=x\",\n \"later\":{\"\\u00e4\":[1.50]}}";
    static const char two[] = "{\"version\":7}";
    (void)state;
    struct rig *rig = rig_of_role(dir, 100, true);
    expect(rig, "GET", PATH, NULL, 200, "{\"dashboards\":[]}");
    expect(rig, "GET", PATH "/up.link", NULL, 404, "\"field\":\"name\"");
    expect(rig, "PUT", PATH "/up.link", one, 201, "{\"name\":\"up.link\"}");
    struct answer_text a = ask(rig, "GET", PATH "/up.link", NULL);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, one); /* byte by byte, with what is not understood */
    answer_text_free(&a);
    expect(rig, "PUT", PATH "/up.link", two, 200, NULL);
    expect(rig, "GET", PATH "/up.link", NULL, 200, two);
    json_t *list = rig_get(rig, PATH, 200);
    const json_t *entry = json_array_get(json_object_get(list, "dashboards"), 0);
    assert_string_equal(json_text(entry, "name"), "up.link");
    assert_int_equal(json_integer_value(json_object_get(entry, "bytes")), sizeof(two) - 1);
    assert_true(json_integer_value(json_object_get(entry, "changed")) > 1000000000000);
    json_decref(list);
    expect(rig, "DELETE", PATH "/up.link", NULL, 204, NULL);
    expect(rig, "DELETE", PATH "/up.link", NULL, 404, NULL);
    expect(rig, "GET", PATH, NULL, 200, "{\"dashboards\":[]}");
    rig_free(rig);
}

static void test_what_is_no_dashboard(void **state)
{
    static const char *const bodies[] = {"",
                                         "[]",
                                         "1",
                                         "{",
                                         "{}",
                                         "{\"version\":0}",
                                         "{\"version\":-1}",
                                         "{\"version\":1.5}",
                                         "{\"version\":\"1\"}",
                                         "{\"version\":1,\"version\":1}",
                                         "{\"version\":1} x",
                                         "{\"version\":1,\"a\":\"\\u0000\"}"};
    (void)state;
    struct rig *rig = rig_of_role(dir, 100, true);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        expect(rig, "PUT", PATH "/a", bodies[i], 400, "\"bad_request\"");
    expect(rig, "GET", PATH, NULL, 200, "{\"dashboards\":[]}");
    rig_free(rig);
}

static void test_names(void **state)
{
    static const char *const names[] = {".hidden", "..",           "a%2Fb",
                                        "a%20b",   "%3Cscript%3E", "%C3%A4"};
    (void)state;
    struct rig *rig = rig_of_role(dir, 100, true);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *target CLEANUP(mem_freep) = mem_printf(PATH "/%s", names[i]);
        struct answer_text a = ask(rig, "PUT", target, "{\"version\":1}");
        assert_true(a.status == 400 || a.status == 404); /* a path may be refused before */
        answer_text_free(&a);
    }
    char name[DOCUMENT_NAME_MAX + 2];
    memset(name, 'n', sizeof(name));
    name[DOCUMENT_NAME_MAX] = '\0';
    char *longest CLEANUP(mem_freep) = mem_printf(PATH "/%s", name);
    char *longer CLEANUP(mem_freep) = mem_printf(PATH "/%sn", name);
    expect(rig, "PUT", longest, "{\"version\":1}", 201, NULL);
    expect(rig, "PUT", longer, "{\"version\":1}", 400, "\"field\":\"name\"");
    rig_free(rig);
}

/* Of this many bytes. To be freed. */
static char *sized(size_t bytes)
{
    static const char head[] = "{\"version\":1,\"a\":\"", tail[] = "\"}";
    char *text = mem_alloc(bytes + 1);
    memset(text, 'x', bytes);
    memcpy(text, head, sizeof(head) - 1);
    memcpy(text + bytes - (sizeof(tail) - 1), tail, sizeof(tail) - 1);
    return text;
}

static void put_sized(struct rig *rig, size_t bytes, unsigned status)
{
    char *text CLEANUP(mem_freep) = sized(bytes);
    int fd = rig_connect(rig);
    char *head CLEANUP(mem_freep) =
        mem_printf("Content-Type: application/json\r\nContent-Length: %zu\r\n", bytes);
    client_ask(fd, "PUT", PATH "/large", head);
    if (status == 413) { /* refused before it is sent */
        struct answer_text a = client_read(rig, fd, true);
        assert_int_equal(a.status, status);
        answer_text_free(&a);
        close(fd);
        return;
    }
    for (size_t at = 0; at < bytes;) {
        ssize_t n = send(fd, text + at, bytes - at, MSG_NOSIGNAL);
        if (n > 0)
            at += (size_t)n;
        else
            uv_run(&rig->loop, UV_RUN_NOWAIT);
    }
    struct answer_text a = client_read(rig, fd, true);
    if (a.status != status)
        fail_msg("%zu bytes: %u %s", bytes, a.status, a.body);
    answer_text_free(&a);
    close(fd);
}

static void test_size(void **state)
{
    (void)state;
    struct rig *rig = rig_of_role(dir, 100, true);
    put_sized(rig, DASHBOARD_BYTES_MAX, 201);
    put_sized(rig, DASHBOARD_BYTES_MAX + 1, 413);
    rig_free(rig);
}

static void test_number(void **state)
{
    (void)state;
    for (int i = 0; i < DASHBOARDS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof(name), "d%d", i);
        put(name, "{\"version\":1}");
    }
    struct rig *rig = rig_of_role(dir, 100, true);
    expect(rig, "PUT", PATH "/one-more", "{\"version\":1}", 409, "\"too_many\"");
    expect(rig, "PUT", PATH "/d7", "{\"version\":2}", 200, NULL); /* one of them still changes */
    expect(rig, "DELETE", PATH "/d8", NULL, 204, NULL);
    expect(rig, "PUT", PATH "/one-more", "{\"version\":1}", 201, NULL);
    rig_free(rig);
}

/* What somebody put there by hand is told of, and not passed on as if it were one. */
static void test_damaged(void **state)
{
    (void)state;
    put("text", "hello");
    put("none", "{\"queries\":[]}");
    struct rig *rig = rig_of_role(dir, 100, true);
    expect(rig, "GET", PATH "/text", NULL, 500, "\"damaged\"");
    expect(rig, "GET", PATH "/none", NULL, 500, "\"damaged\"");
    expect(rig, "PUT", PATH "/text", "{\"version\":1}", 200, NULL);
    expect(rig, "GET", PATH "/text", NULL, 200, NULL);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_there_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_dashboard, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_size, setup, teardown),
        cmocka_unit_test_setup_teardown(test_number, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
