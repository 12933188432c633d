/*
 * ring.c: see ring.h. With MSG_DONTWAIT the kernel ends each send within the call that submits it,
 * so nothing is ever under way between two calls and no buffer has to be kept alive: the ring is a
 * way to say many things in one call, not to do them later.
 *
 * IORING_SETUP_R_DISABLED lets the restrictions be set before the ring does anything. It is enabled
 * here, while system calls are still allowed; afterwards io_uring_enter(2) is all that is needed.
 */
#include "net/ring.h"
#include "net/ring_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"

/* Not by the functions of their own that liburing 2.3 declares: its library lacks them. */
static int ring_restrict(const struct io_uring *uring)
{
    struct io_uring_restriction allowed[] = {
        {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_SEND},
    };
    unsigned fd = (unsigned)uring->ring_fd;
    int err =
        io_uring_register(fd, IORING_REGISTER_RESTRICTIONS, allowed, (unsigned)ARRAY_LEN(allowed));
    return err ? err : io_uring_register(fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

int ring_open(struct ring **ret)
{
    struct ring *r = mem_alloc(sizeof(*r));
    struct io_uring_params params = {.flags = IORING_SETUP_R_DISABLED};
    int err = io_uring_queue_init_params(RING_BATCH, &r->uring, &params);
    if (err) {
        free(r);
        return err;
    }
    err = ring_restrict(&r->uring);
    if (err) {
        ring_close(r);
        return err;
    }
    *ret = r;
    return 0;
}

void ring_close(struct ring *r)
{
    if (!r)
        return;
    io_uring_queue_exit(&r->uring);
    free(r);
}

/* Takes the results that are there; returns how many. */
static size_t ring_reap(struct ring *r, struct ring_send *sends)
{
    struct io_uring_cqe *cqe;
    unsigned head;
    size_t count = 0;
    io_uring_for_each_cqe(&r->uring, head, cqe)
    {
        sends[cqe->user_data].result = cqe->res;
        count++;
    }
    io_uring_cq_advance(&r->uring, (unsigned)count);
    return count;
}

void ring_send(struct ring *r, struct ring_send *sends, size_t count)
{
    CHECK(count <= RING_BATCH);
    for (size_t i = 0; i < count; i++) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(&r->uring);
        CHECK(sqe); /* all of the last call were taken */
        io_uring_prep_send(sqe, sends[i].fd, sends[i].data, sends[i].len,
                           MSG_NOSIGNAL | MSG_DONTWAIT);
        io_uring_sqe_set_data64(sqe, i);
    }
    size_t submitted = 0, done = 0;
    while (done < count) {
        int got = io_uring_submit_and_wait(&r->uring, (unsigned)(count - done));
        if (got > 0)
            submitted += (size_t)got;
        done += ring_reap(r, sends);
        /* Interrupted, or short of memory for a moment: what is not submitted yet stays in the
         * ring, and what is has to be waited for. */
        CHECK(got >= 0 || got == -EINTR || got == -EAGAIN || got == -EBUSY || got == -ENOMEM);
    }
    CHECK(submitted == count);
}
