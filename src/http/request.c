/* request.c: what a handler sees, and the way out of HTTP into a WebSocket (RFC 6455 section 4.2).
 * After the 101 nothing of HTTP is left with the connection: no session, no request, no buffer. */
#include "http/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "http/http_internal.h"
#include "wire/extension.h"
#include "wire/websocket.h"

const struct http_head *http_request_head(const struct http_request *request)
{
    return request->head;
}

const char *http_request_param(const struct http_request *request, const char *name)
{
    return http_param(request->head, name);
}

const char *http_request_arg(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->arg_count; i++) {
        const struct route_arg *arg = &request->args[i];
        if (strlen(name) == arg->name_len && memcmp(name, arg->name, arg->name_len) == 0)
            return arg->value;
    }
    return NULL;
}

const char *http_request_body(const struct http_request *request, size_t *ret_len)
{
    return http_parser_body(request->parser, ret_len);
}

void http_request_on_gone(struct http_request *request,
                          void (*gone)(struct http_request *request, void *user), void *user)
{
    request->gone = gone;
    request->gone_user = user;
}

/* ---- WebSocket ---- */

/* The extensions that the client offers, of all lines of the header. False: no such list. */
static bool read_offers(const struct http_head *head, struct ws_offers *ret)
{
    *ret = (struct ws_offers){0};
    for (size_t i = 0; i < head->header_count; i++) {
        if (strcmp(head->headers[i].name, "sec-websocket-extensions") == 0 &&
            ws_offers_read(ret, head->headers[i].value) < 0)
            return false;
    }
    return true;
}

/* NULL, or why this is no handshake. *ret_status is the answer to that. */
static const char *handshake_fault(struct http_request *request, unsigned *ret_status,
                                   struct ws_offers *ret_offers)
{
    const struct http_head *head = request->head;
    const char *version = http_header(head, "sec-websocket-version");
    const char *key = http_header(head, "sec-websocket-key");
    *ret_status = 426;
    if (!head->upgrade || !http_header_has(head, "upgrade", "websocket"))
        return "This path speaks WebSocket only.";
    if (!version || strcmp(version, "13") != 0)
        return "This server speaks version 13 of the WebSocket protocol.";
    *ret_status = 400;
    if (head->method != HTTP_METHOD_GET || head->minor != 1 || head->has_body)
        return "A WebSocket handshake is a GET of HTTP/1.1 without a body.";
    if (!key || !ws_key_valid(key))
        return "Sec-WebSocket-Key is not 16 bytes in base64.";
    if (!read_offers(head, ret_offers))
        return "Sec-WebSocket-Extensions is not a list of extensions.";
    return NULL;
}

static bool offers(const struct http_head *head, const char *protocol)
{
    for (size_t i = 0; i < head->header_count; i++) {
        if (strcmp(head->headers[i].name, "sec-websocket-protocol") == 0 &&
            ws_protocol_offered(head->headers[i].value, protocol))
            return true;
    }
    return false;
}

static bool send_accept(struct http_request *request, const char *protocol, const char *extensions)
{
    char accept[WS_ACCEPT_LEN + 1];
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    ws_accept(http_header(request->head, "sec-websocket-key"), accept);
    http_put_status(&text, 101);
    buf_text(&text, "Upgrade: websocket\r\nConnection: Upgrade\r\n");
    http_put_header(&text, "Sec-WebSocket-Accept", accept);
    if (protocol && offers(request->head, protocol))
        http_put_header(&text, "Sec-WebSocket-Protocol", protocol);
    if (extensions)
        http_put_header(&text, "Sec-WebSocket-Extensions", extensions);
    buf_append(&text, request->headers.data, request->headers.len);
    buf_text(&text, "\r\n");
    struct bytes *message = buf_ok(&text) ? bytes_copy(text.data, text.len) : NULL;
    bool sent = message && conn_send(request->session->conn, message) == 0;
    bytes_unref(message);
    return sent;
}

/* A stream that comes through a trusted proxy counts for the client. False: refused, answered. */
static bool take_client(struct http_request *request)
{
    struct http_session *session = request->session;
    switch (request->client_by) {
    case FORWARDED_NONE:
        return true;
    case FORWARDED_UNCLEAR: /* or whoever makes it unclear would have no limit */
        request_complain(request, "refused a stream whose client a proxy leaves unclear");
        http_respond_error(request, 400, NULL, "x-forwarded-for",
                           "The proxy's X-Forwarded-For or Forwarded cannot be read, or they "
                           "name different clients.");
        return false;
    case FORWARDED_CLIENT:
        break;
    }
    if (conn_set_client(session->conn, &request->client))
        return true;
    http_answer_header(request, "Retry-After", "10");
    http_respond_error(request, 503, NULL, NULL,
                       "This address has as many connections as it may "
                       "(serve.max_clients_per_address).");
    return false;
}

struct conn *http_upgrade(struct http_request *request, const char *protocol, bool *ret_deflate)
{
    struct http_session *session = request->session;
    struct conn *conn = session->conn;
    struct ws_offers offers;
    unsigned status;
    request->gone = NULL;
    if (session->server->stopping) {
        http_respond_error(request, 503, NULL, NULL, "The server is stopping.");
        return NULL;
    }
    const char *fault = handshake_fault(request, &status, &offers);
    if (fault) {
        if (status == 426) {
            http_answer_header(request, "Upgrade", "websocket");
            http_answer_header(request, "Connection", "Upgrade");
            http_answer_header(request, "Sec-WebSocket-Version", "13");
        }
        http_respond_error(request, status, NULL, NULL, "%s", fault);
        return NULL;
    }
    if (!take_client(request))
        return NULL;
    const char *extensions =
        ret_deflate && session->server->config.compress ? ws_offers_answer(&offers) : NULL;
    if (ret_deflate)
        *ret_deflate = extensions != NULL;
    if (!send_accept(request, protocol, extensions)) {
        session_answered(request, true);
        return NULL;
    }
    session->server->counters.answers_by_class[1]++;
    request_free(request);
    session_free(session);
    conn_set_wait(conn, CONN_WAIT_NONE);
    conn_set_queue_limit(conn, CONN_QUEUE_LIMIT_BYTES);
    conn_set_owner(conn, NULL, NULL);
    conn_resume(conn);
    return conn;
}
