/*
 * fanout.h: one message to many connections of the same loop: in batches of one system call where
 * the loop has a ring (net_set_ring), by one send() per connection elsewhere. The loop's thread.
 */
#pragma once

#include <stddef.h>

#include "net/conn.h"

/* Sends `message` to each of `conns`, each of which is there once. results[i] is what conn_send
 * said for conns[i]. Returns how many took it (result 0). */
size_t fanout_send(struct conn *const *conns, size_t count, struct bytes *message, int *results);
