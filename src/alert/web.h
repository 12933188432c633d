/*
 * web.h: attempts that go over the network: HTTP and SMTP by libcurl, any number at once on one
 * thread. Only http, https, smtp and smtps, no redirects, certificates verified, TLS 1.2 or newer;
 * what a receiver answers is read up to a limit and thrown away. Inside the courier's process.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "alert/attempt.h"

struct web;

struct web *web_new(void); /* libcurl is looked for with the first attempt */
void web_free(struct web *w);

/* False: it could not even begin, ret says why. `owner` comes back with the end. */
bool web_start(struct web *w, const struct attempt *a, void *owner, struct attempt_result *ret);

/* Waits for these descriptors, which must be few, or for what is under way, or for so long; then
 * does what can be done. */
#define WEB_FDS_MAX 160
void web_wait(struct web *w, struct pollfd *fds, size_t count, int timeout_ms);

/* One attempt that has ended: true, its owner and how. False: no more. */
bool web_ended(struct web *w, void **ret_owner, struct attempt_result *ret);
