/*
 * render.h: a notice in the words of whoever gets it. Pure; any thread. Whatever an alert's texts
 * hold, the result has the form it should have: no second header, line, field or value comes out of
 * them. Failed growth of the buffer shows in buf_ok.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/notice.h"

struct render_context {
    const char *receiver;  /* the channel's name */
    const char *host;      /* this host's name */
    const char *dashboard; /* its address, for links; "": none */
    int64_t now_ms;        /* wall time */
    uint32_t pid;          /* told to syslog */
};

/* The body of Alertmanager's webhook, version 4: what its receivers read. An alert's fingerprint is
 * of what identifies it here, which its severity is not: it stays the same when that changes. A
 * notice with one alert is a group of its own with the same labels. */
void render_webhook(const struct notice *n, const struct render_context *c, struct buf *out);

/* The array that POST /api/v2/alerts takes. A firing alert ends RENDER_HOLD_MS from now unless it
 * is sent again: Alertmanager takes silence for the end, and so do we, so that nothing stays firing
 * there that nobody here knows of any more. */
#define RENDER_HOLD_MS 300000
void render_alertmanager(const struct notice *n, const struct render_context *c, struct buf *out);

/* netsonde@HOST, as far as the host's name can be a part of an address. The caller frees it. */
char *render_sender(const struct render_context *c);

/* A message of RFC 5322 with all its headers; `to` are addresses that channel.c let through. */
void render_mail(const struct notice *n, const struct render_context *c, const char *from,
                 char *const *to, size_t to_count, struct buf *out);

/* Lines that a notice has in a log: one for each listed alert and, when there is more to say, one
 * for that. Line `index` of them without a line break: logfmt, key=value or key="va\"lue". */
size_t render_lines(const struct notice *n);
void render_line(const struct notice *n, size_t index, struct buf *out);

/* 2 critical, 4 warning, 5 over, 6 a test: RFC 5424's. */
int render_priority(const struct notice *n, size_t index);

/* The line as a datagram to /dev/log: "<26>Nov 29 14:00:00 netsonde[8]: …", which is what its
 * readers expect there (RFC 3164's form without a host), local time. */
void render_syslog(const struct notice *n, size_t index, const struct render_context *c,
                   struct buf *out);

/* The line as a datagram to journald: MESSAGE, PRIORITY, NETSONDE_RULE … in its native protocol. */
void render_journal(const struct notice *n, size_t index, struct buf *out);

/* "NETSONDE_RULE=link_down" and the rest for a program: of the notice, and of its first alert.
 * Borrowed within the call. */
void render_environment(const struct notice *n, const struct render_context *c,
                        void (*tell)(void *user, const char *assignment), void *user);
