/*
 * dispatch.c: a complete request to the one who answers it.
 *
 * The order of the questions is the order of what they protect: is the request meant for us
 * (Host), does it come from our own page if it could do something (Origin), is its body what it
 * should be, is there such a thing, may this peer have it. So a stranger's page learns nothing
 * about what exists here.
 *
 * Routes are few; they are compared one after the other, segment by segment. A pattern without {}
 * wins over one with, so "/rules/test" can stand beside "/rules/{name}".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "http/http_internal.h"

/* ---- routes ---- */

/* Does the path fit the pattern? {} takes one whole segment, of which `args` get the place. */
static bool pattern_matches(const char *pattern, const char *path, struct route_arg *args,
                            size_t *ret_count)
{
    *ret_count = 0;
    while (*pattern) {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        const char *end = strchr(pattern, '}');
        size_t len = strcspn(path, "/");
        CHECK(end && *ret_count < ROUTE_ARGS_MAX);
        if (len == 0)
            return false;
        args[(*ret_count)++] = (struct route_arg){
            .name = pattern + 1, .name_len = (size_t)(end - pattern - 1), .value = (char *)path};
        pattern = end + 1;
        path += len;
    }
    return *path == '\0';
}

/* GET answers HEAD too. */
static unsigned methods_of(const struct http_route *route)
{
    return route->methods | (route->methods & HTTP_METHOD_GET ? HTTP_METHOD_HEAD : 0);
}

const struct http_route *route_find(const struct http_server *server, const char *path,
                                    unsigned method, struct http_request *request,
                                    unsigned *ret_methods)
{
    const struct http_route *best = NULL;
    struct route_arg args[ROUTE_ARGS_MAX];
    size_t count;
    *ret_methods = 0;
    for (size_t i = 0; i < server->route_count; i++) {
        const struct http_route *route = &server->routes[i];
        if (!pattern_matches(route->pattern, path, args, &count))
            continue;
        *ret_methods |= methods_of(route);
        if ((methods_of(route) & method) && (!best || strchr(best->pattern, '{')))
            best = route;
    }
    if (!best)
        return NULL;
    CHECK(pattern_matches(best->pattern, path, args, &count));
    for (size_t i = 0; i < count; i++) {
        request->args[i] = args[i];
        request->args[i].value = mem_string_n(args[i].value, strcspn(args[i].value, "/"));
    }
    request->arg_count = count;
    return best;
}

/* The file behind a path: a page of the dashboard or a file of its own. */
static const struct asset *find_file(const struct http_server *server, const char *path)
{
    const struct http_config *config = &server->config;
    for (size_t i = 0; i < config->page_count; i++) {
        if (strcmp(config->pages[i], path) == 0)
            return asset_find(config->assets, config->asset_count, "/index.html");
    }
    if (strcmp(path, "/login") == 0)
        path = "/login.html";
    return asset_find(config->assets, config->asset_count, path);
}

/* The path below base_path; NULL when it is not below it. */
static const char *below_base(const struct http_server *server, const char *path)
{
    size_t len = strlen(server->base);
    if (strncmp(path, server->base, len) != 0 || path[len] != '/')
        return NULL;
    return path + len;
}

/* ---- answers that need no handler ---- */

static void allow(struct http_request *request, unsigned methods)
{
    static const struct {
        unsigned method;
        const char *name;
    } names[] = {{HTTP_METHOD_GET, "GET"},       {HTTP_METHOD_HEAD, "HEAD"},
                 {HTTP_METHOD_POST, "POST"},     {HTTP_METHOD_PUT, "PUT"},
                 {HTTP_METHOD_DELETE, "DELETE"}, {HTTP_METHOD_PATCH, "PATCH"}};
    char text[64] = "OPTIONS";
    size_t len = strlen(text);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (methods & names[i].method)
            len += (size_t)snprintf(text + len, sizeof(text) - len, ", %s", names[i].name);
    }
    http_answer_header(request, "Allow", text);
}

static void wrong_method(struct http_request *request, unsigned methods)
{
    allow(request, methods);
    if (request->head->method == HTTP_METHOD_OPTIONS)
        http_respond_empty(request, 204);
    else
        http_respond_error(request, 405, NULL, NULL, "This path does not have that method.");
}

static void not_found(struct http_request *request)
{
    http_respond_error(request, 404, NULL, NULL, "There is nothing at %s.", request->head->path);
}

/* What the rules that look at the head alone say. True: refused and answered. */
static bool is_refused(struct http_request *request)
{
    struct http_session *session = request->session;
    struct http_counters *counters = &session->server->counters;
    const struct access *access = session->server->config.access;
    const struct http_head *head = request->head;
    bool harmless = head->method & (HTTP_METHOD_GET | HTTP_METHOD_HEAD) && !head->upgrade;

    if (!access_host_ok(access, head, conn_local(session->conn))) {
        counters->refused_host++;
        request_complain(request, "refused a request for a host that this is not");
        http_respond_error(request, 421, NULL, "host",
                           "This server is not \"%s\". If it should be, add the name to "
                           "serve.allowed_hosts.",
                           head->authority);
        return true;
    }
    if (!harmless && !access_origin_ok(access, head)) {
        counters->refused_origin++;
        request_complain(request, "refused a request of another origin's page");
        http_respond_error(request, 403, NULL, "origin",
                           "Requests like this are taken from this server's own pages and from "
                           "serve.allowed_origins only.");
        return true;
    }
    if (!access_content_type_ok(head)) {
        counters->refused_type++;
        request_complain(request, "refused a request whose body is not application/json");
        http_respond_error(request, 415, NULL, "content-type",
                           "The body must be application/json.");
        return true;
    }
    return false;
}

/* ---- who asks ---------------------------------------------------------------------------- */

const struct identity *http_request_identity(struct http_request *request)
{
    struct keyring *keyring = request->session->server->config.keyring;
    if (!request->identified && keyring)
        keyring_identify(keyring, request->head, clock_wall_ms(), &request->identity);
    request->identified = true;
    return &request->identity;
}

static bool may(struct http_request *request, enum access_role needed)
{
    if (needed == ACCESS_ANYONE || request->role >= needed)
        return true;
    struct http_session *session = request->session;
    const struct identity *identity = http_request_identity(request);
    enum access_role local = ACCESS_ANYONE;
    /* Who shows a wrong token means to be somebody: he is not taken for somebody else. */
    if (identity->kind != IDENTITY_WRONG && identity->role < needed)
        local = access_role(session->server->config.access, request->head, conn_peer(session->conn),
                            conn_local(session->conn), needed);
    request->role = MAX(identity->role, local);
    request->role_known = needed == ACCESS_ADMIN;
    return request->role >= needed;
}

enum access_role http_request_role(struct http_request *request)
{
    if (!request->role_known)
        (void)may(request, ACCESS_ADMIN);
    request->role_known = true;
    return request->role;
}

bool http_request_client(const struct http_request *request, struct net_address *ret)
{
    *ret = request->client;
    return request->client_by != FORWARDED_UNCLEAR;
}

bool http_request_is_https(const struct http_request *request)
{
    return conn_is_secure(request->session->conn) || access_is_https(request->head);
}

const char *http_request_base(const struct http_request *request)
{
    return request->session->server->base;
}

/* ---- guessing ---------------------------------------------------------------------------- */

/* The address that counts; NULL: none, since everybody on this host has it, or a proxy that asks
 * for itself. */
static const struct net_address *counted(const struct http_request *request)
{
    const struct access *access = request->session->server->config.access;
    if (request->client_by == FORWARDED_NONE && access_is_shared(access, &request->client))
        return NULL;
    return &request->client;
}

bool http_request_try(struct http_request *request)
{
    struct http_server *server = request->session->server;
    int64_t now_ms = clock_mono_ns() / NS_PER_MS;
    int64_t wait_ms = keyring_try(server->config.keyring, counted(request), now_ms);
    if (wait_ms == 0)
        return true;
    char seconds[32];
    snprintf(seconds, sizeof(seconds), "%lld", (long long)((wait_ms + MS_PER_S - 1) / MS_PER_S));
    server->counters.limited_token++;
    request_complain(request, "refused a token unseen: there were too many wrong ones");
    http_answer_header(request, "Retry-After", seconds);
    http_respond_error(request, 429, NULL, NULL, "Too many wrong tokens; try again in %s seconds.",
                       seconds);
    return false;
}

void http_request_succeeded(struct http_request *request)
{
    keyring_succeeded(request->session->server->config.keyring, counted(request));
}

void http_request_failed(struct http_request *request, const char *message)
{
    request->session->server->counters.wrong_token++;
    request_complain(request, "refused a token that is not good");
    http_answer_header(request, "WWW-Authenticate",
                       "Bearer realm=\"netsonde\", error=\"invalid_token\"");
    http_respond_error(request, 401, "invalid_token", NULL, "%s", message);
}

static void refuse_role(struct http_request *request)
{
    if (http_request_identity(request)->kind == IDENTITY_WRONG) {
        if (http_request_try(request))
            http_request_failed(request, "This token is not known here, or not any more.");
        return;
    }
    request->session->server->counters.refused_role++;
    request_complain(request, "refused a request for lack of a role");
    if (request->role == ACCESS_ANYONE) {
        http_answer_header(request, "WWW-Authenticate", "Bearer realm=\"netsonde\"");
        http_respond_error(request, 401, NULL, NULL,
                           "This needs a token: Authorization: Bearer, or a login at %s/login. "
                           "\"netsonde token new\" makes one.",
                           request->session->server->base);
    } else {
        http_respond_error(request, 403, NULL, NULL,
                           "This needs the role admin: a token of that role, or a program on this "
                           "host that runs as root or as the user of the daemon.");
    }
}

/* Nobody who could not use it gets the memory for a large body. */
size_t body_allowed(struct http_request *request)
{
    const struct http_server *server = request->session->server;
    const struct http_head *head = request->head;
    const char *path = below_base(server, head->path);
    size_t most = server->config.limits.body_bytes;
    for (size_t i = 0; path && i < server->route_count; i++) {
        const struct http_route *route = &server->routes[i];
        struct route_arg args[ROUTE_ARGS_MAX];
        size_t count;
        if (route->body_bytes > most && (methods_of(route) & head->method) &&
            pattern_matches(route->pattern, path, args, &count) && may(request, route->role))
            most = route->body_bytes;
    }
    return most;
}

void dispatch(struct http_request *request)
{
    struct http_server *server = request->session->server;
    const struct http_head *head = request->head;
    server->counters.requests++;
    if (is_refused(request))
        return;
    if (strcmp(head->path, "*") == 0) {
        wrong_method(request, HTTP_METHOD_GET | HTTP_METHOD_HEAD | HTTP_METHOD_POST |
                                  HTTP_METHOD_PUT | HTTP_METHOD_DELETE);
        return;
    }
    const char *path = below_base(server, head->path);
    if (!path) {
        if (strcmp(head->path, server->base) == 0) {
            char *location = mem_printf("%s/", server->base);
            http_answer_header(request, "Location", location);
            free(location);
            http_respond_empty(request, 308);
        } else {
            not_found(request);
        }
        return;
    }

    unsigned methods;
    const struct http_route *route = route_find(server, path, head->method, request, &methods);
    if (route) {
        if (may(request, route->role))
            route->handler(request, route->user);
        else
            refuse_role(request);
        return;
    }
    const struct asset *file = methods ? NULL : find_file(server, path);
    if (file && (head->method & (HTTP_METHOD_GET | HTTP_METHOD_HEAD)))
        answer_asset(request, file);
    else if (file || methods)
        wrong_method(request, file ? HTTP_METHOD_GET | HTTP_METHOD_HEAD : methods);
    else
        not_found(request);
}
