/*
 * loop.c: see loop.h. All signals are blocked in loop threads: they belong to the main thread,
 * which waits for them.
 */
#include "loop/loop.h"

#include <pthread.h>
#include <signal.h>

#include "base/check.h"

static void loop_on_stop(uv_async_t *async)
{
    struct loop *loop = async->data;
    if (uv_is_closing((uv_handle_t *)async))
        return;
    uv_close((uv_handle_t *)async, NULL);
    loop->on_stop(loop, loop->user);
}

int loop_init(struct loop *loop, const char *name, void (*on_stop)(struct loop *loop, void *user),
              void *user)
{
    *loop = (struct loop){.name = name, .on_stop = on_stop, .user = user};
    int err = uv_loop_init(&loop->uv);
    if (err)
        return err;
    loop->uv.data = loop;
    err = uv_async_init(&loop->uv, &loop->stop_signal, loop_on_stop);
    if (err) {
        uv_loop_close(&loop->uv);
        return err;
    }
    loop->stop_signal.data = loop;
    return 0;
}

static void loop_main(void *arg)
{
    struct loop *loop = arg;
    pthread_setname_np(pthread_self(), loop->name);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

int loop_start(struct loop *loop)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = uv_thread_create(&loop->thread, loop_main, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    loop->started = err == 0;
    return err;
}

void loop_stop(struct loop *loop)
{
    uv_async_send(&loop->stop_signal);
}

static void loop_close(struct loop *loop)
{
    int err = uv_loop_close(&loop->uv);
    CHECK(err == 0); /* a handle was left open: a bug in on_stop */
}

void loop_join(struct loop *loop)
{
    CHECK(loop->started);
    uv_thread_join(&loop->thread);
    loop->started = false;
    loop_close(loop);
}

void loop_fini(struct loop *loop)
{
    CHECK(!loop->started);
    loop_on_stop(&loop->stop_signal);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    loop_close(loop);
}
