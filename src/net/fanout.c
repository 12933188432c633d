/*
 * fanout.c: the loop over the receivers of a message. Measured on loopback nearly all of its time
 * is the kernel's; a batch interface (io_uring) belongs here and would change nothing outside.
 */
#include "net/fanout.h"

size_t fanout_send(struct conn *const *conns, size_t count, struct bytes *message, int *results)
{
    size_t taken = 0;
    for (size_t i = 0; i < count; i++) {
        int result = conn_send(conns[i], message);
        taken += result == 0;
        if (results)
            results[i] = result;
    }
    return taken;
}
