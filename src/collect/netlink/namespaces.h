/*
 * namespaces.h: in which container the other end of a link is: from the number that the kernel
 * gives the other network namespace (IFLA_LINK_NETNSID) to the processes in there to their cgroups.
 * Takes no rights. Survey thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/netlink/links.h"

#define NAMESPACES_WALK 1024   /* processes that a round asks for at most, to find one */
#define NAMESPACES_REST_MAX 32 /* rounds between two walks at most */

/* Which number the network namespace of a process has, -1: none. 0; -ESRCH: there is no such
 * process; another -errno: the kernel cannot be asked. */
typedef int namespaces_ask(void *user, uint32_t pid, int32_t *ret_nsid);

struct namespaces;

struct namespaces *namespaces_new(const char *proc_root, namespaces_ask *ask, void *user);
void namespaces_free(struct namespaces *n); /* NULL allowed */

/* Looks after the namespaces that these links, dumped just before, lead to. `whole`: there are no
 * others. 0, or -errno of `ask`: then no name is known. */
int namespaces_round(struct namespaces *n, const struct links *links, bool whole);

/* "docker:0123456789ab", as table processes names it in `unit`; NULL: not known, or no container.
 * Borrowed until the next round. */
const char *namespaces_container(const struct namespaces *n, int32_t nsid);
