/*
 * benchmark.c: any bytes as the document of a benchmark. What is found good can be held against a
 * run, told as a table and as JSON: nothing of it is missing then, and what is told is JSON.
 */
#include <stdint.h>

#include "base/check.h"
#include "bench/rerun.h"
#include "wire/benchmark.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const json_t *document)
{
    const struct rerun_limits limits = rerun_limits_default();
    struct results now;
    struct rerun r;
    struct buf out = BUF_INIT;
    char why[200];
    results_init(&now, "store", 1764000000000);
    results_add(&now, "a", BENCHMARK_DURATION, "ms", 1);
    results_label_number(&now, "clients", 10);
    results_add(&now, "b", BENCHMARK_THROUGHPUT, "1/s", 1);
    rerun_make(&r, document, &now, &limits);
    CHECK(r.count >= now.count);
    rerun_put_table(&out, &r);
    rerun_settings(&out, document, &now);
    rerun_machine(&out, document, &now);
    buf_clear(&out);
    rerun_put_json(&out, &r, "before");
    json_t *back = json_parse(out.data, out.len, why, sizeof(why));
    CHECK(back);
    json_decref(back);
    buf_fini(&out);
    rerun_fini(&r);
    results_fini(&now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[300] = "";
    const char *member;
    json_setup();
    json_t *document = json_parse((const char *)data, size, why, sizeof(why));
    if (document && benchmark_check(document, &member, why, sizeof(why)) == 0)
        compare(document);
    else
        CHECK(why[0]);
    json_decref(document);
    return 0;
}
