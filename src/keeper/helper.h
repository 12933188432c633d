/*
 * helper.h: what every helper process of main begins with: the fork with a socket to main, and the
 * ways to give up everything but a few rights. Each function once, for keeper and finder.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HELPER_FD 3 /* of a confined helper: its socket */

/* Forks with a SOCK_SEQPACKET pair. In main: 0 and its end, -errno otherwise. In the child: `run`
 * is called with the other end and main's pid, and must not return. */
int helper_fork(void (*run)(void *user, int fd, pid_t parent), void *user, int *ret_fd,
                pid_t *ret_pid);

/* The child's name, its end when main ends, deaf to the terminal, in no directory, and no
 * descriptor left but HELPER_FD (what was `fd`), null as 0 and 1, standard error. 0 or -errno. */
int helper_detach(const char *name, int fd, pid_t parent);

/* Dies with its parent from here on; ends at once when that has gone already. 0 or -errno. */
int helper_follow(pid_t parent);

/* Of what this process can use, bit set of 1 << CAP_…; 0 also when it cannot be told. */
uint64_t helper_capabilities(uint64_t wanted);

/* Nothing but these, and no way to more; main's other sets are empty. 0 or -errno. */
int helper_keep_capabilities(uint64_t kept);

/* No core, no file that grows, few descriptors, nobody attaches; what the C library reads late is
 * read now. 0 or -errno. */
int helper_limit(void);

#define HELPER_STATUS_UNKNOWN (-1) /* somebody else has it */

/* For people: adds " net_admin" for each to a text that ends within `size` bytes, and "off: it was
 * killed by signal 9", in place of what is there, from what waitpid said. */
void helper_add_capabilities(uint64_t capabilities, char *text, size_t size);
void helper_describe_end(int wait_status, char *text, size_t size);
