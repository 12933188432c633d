/*
 * notify.h: telling the service manager how we are (sd_notify(3): one datagram to the socket that
 * NOTIFY_SOCKET names). Opened before the sandbox, used from the main thread.
 */
#pragma once

struct notify;

struct notify *notify_open(void); /* NULL: nobody asked, or the socket cannot be reached */
/* e.g. "READY=1" or "STOPPING=1". NULL notify allowed. */
void notify_send(struct notify *n, const char *state);
void notify_close(struct notify *n); /* NULL allowed */
