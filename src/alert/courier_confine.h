/*
 * courier_confine.h: what the courier can do without, and gives up, when it runs no programs: those
 * have the rights of the daemon's user, and nobody knows what they need. Called in a process with
 * one thread, without capabilities and with no_new_privs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "alert/channel.h"

/* Which parts are in force. */
struct courier_confined {
    bool files, calls;
};

/* For the nurse and its children. */
void courier_confine(const struct channel_spec *const *channels, size_t count,
                     struct courier_confined *ret);

/* For the child: no processes any more. Nothing where `calls` is off. 0 or -errno. */
int courier_confine_child(const struct courier_confined *c);
