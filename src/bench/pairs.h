/*
 * pairs.h: TCP connections on 127.0.0.1 whose both ends are this process's, for benches that need
 * a host with many sockets. One owner, one thread.
 */
#pragma once

struct pairs;

/* Established when it returns. 0 or -errno, and then nothing is left: -EMFILE: the limit for open
 * files (which is raised as far as it may) has no room for them. */
int pairs_open(unsigned count, struct pairs **ret);
void pairs_close(struct pairs *p); /* NULL allowed */
