/* packing.c: any bytes as a packed notice. What is taken packs into the same bytes' meaning again.
 */
#include <string.h>

#include "alert/packing.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct notice *n = NULL, *again = NULL;
    if (packing_take(data, size, &n) < 0) {
        CHECK(!n);
        return 0;
    }
    CHECK(n->count >= 1 && n->count <= NOTICE_ALERTS_MAX);
    CLEANUP(buf_fini) struct buf once = BUF_INIT, twice = BUF_INIT;
    packing_put(n, &once);
    CHECK(once.len <= PACKING_MAX);
    CHECK(packing_take(once.data, once.len, &again) == 0);
    packing_put(again, &twice);
    CHECK(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
    notice_unref(again);
    notice_unref(n);
    return 0;
}
