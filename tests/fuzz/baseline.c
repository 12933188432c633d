/*
 * baseline.c: a baseline's document, which anybody may have edited. What is taken is written again
 * and must be taken again, as the same; the head alone is never pickier than all of it.
 */
#include <string.h>

#include "api/baseline.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct baseline b, head, again;
    struct buf first = BUF_INIT, second = BUF_INIT;
    char why[256];
    size_t count = 0, head_count = 0;
    int err = baseline_parse((const char *)data, size, false, &b, &count, why, sizeof(why));
    int head_err =
        baseline_parse((const char *)data, size, true, &head, &head_count, why, sizeof(why));
    CHECK(err || (!head_err && head_count == count));
    if (!err) {
        baseline_json(&first, &b);
        CHECK(baseline_parse(first.data, first.len, false, &again, &count, why, sizeof(why)) == 0);
        baseline_json(&second, &again);
        CHECK(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
        baseline_fini(&again);
    }
    buf_fini(&first);
    buf_fini(&second);
    baseline_fini(&head);
    baseline_fini(&b);
    return 0;
}
