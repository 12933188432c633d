/*
 * loop.h: a thread that runs one libuv loop.
 *
 * Life: loop_init on the thread that owns the struct, then set up handles and mailboxes on
 * loop->uv, then loop_start. Whoever wants it to end posts or calls loop_stop from any thread:
 * `on_stop` runs on the loop's thread and must close every handle that was opened there; the loop
 * ends when none is left. loop_join waits for that. Everything else of a loop belongs to its
 * thread alone.
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

struct loop {
    uv_loop_t uv;
    const char *name; /* at most 15 bytes: the thread's name in ps and perf */
    void (*on_stop)(struct loop *loop, void *user);
    void *user;
    uv_async_t stop_signal;
    uv_thread_t thread;
    bool started;
};

/* 0 or a negative errno. `name` must live as long as the loop. */
int loop_init(struct loop *loop, const char *name, void (*on_stop)(struct loop *loop, void *user),
              void *user);

int loop_start(struct loop *loop); /* 0 or a negative errno */
void loop_stop(struct loop *loop); /* any thread; the loop must be started and not joined */
void loop_join(struct loop *loop); /* waits, then frees the loop's memory */

/* For a loop that was never started: runs on_stop and drains it on the caller's thread. */
void loop_fini(struct loop *loop);
