/*
 * fanout.h: one message to many connections of the same loop. The place where a batch of sends
 * can become one system call; today it is one send() per connection. The loop's thread.
 */
#pragma once

#include <stddef.h>

#include "net/conn.h"

/* Sends `message` to each of `conns`. results[i] is what conn_send said for conns[i]; results may
 * be NULL. Returns how many took it (result 0). */
size_t fanout_send(struct conn *const *conns, size_t count, struct bytes *message, int *results);
