/*
 * extension.h: the negotiation of permessage-deflate: what a client offers in
 * Sec-WebSocket-Extensions (RFC 6455 section 9.1, RFC 7692 section 7.1), and our answer. Any
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Start with zeros; every line of the header is read in turn, as if commas joined them. */
struct ws_offers {
    bool any;     /* some extension was named */
    bool deflate; /* an offer that we take: the first one */
    bool window;  /* it names the server's window, so the answer must */
};

/* 0, or -EBADMSG when the text is not what RFC 6455 allows there: the handshake has to fail. Offers
 * that we do not take are no error, and are passed over. */
int ws_offers_read(struct ws_offers *offers, const char *list);

/* The answer's header value; NULL: none, the offers are declined. Static text. */
const char *ws_offers_answer(const struct ws_offers *offers);
