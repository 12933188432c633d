/* fixture.c: see fixture.h. */
#include "fixture.h"

#include "wire/json.h"

/* "<p>inflated</p>\n" as gzip with a header free of times, filled by bench_start. */
static unsigned char packed[200];
static const unsigned char index_html[] = "<!doctype html><title>index</title>\n";
static const unsigned char main_js[] = "console.log('main');\n";

static struct asset test_assets_table[] = {
    {.path = "/assets/main-1a2b.js",
     .content_type = "text/javascript; charset=utf-8",
     .etag = "\"js\"",
     .gzip = packed,
     .plain_size = sizeof(main_js) - 1,
     .immutable = true},
    {.path = "/index.html",
     .content_type = "text/html; charset=utf-8",
     .etag = "\"index\"",
     .plain = index_html,
     .plain_size = sizeof(index_html) - 1},
};

/* ---- routes ---- */

static void hello(struct http_request *request, void *user)
{
    struct buf body = BUF_INIT;
    (void)user;
    buf_text(&body, "{\"hello\":");
    json_put_string(&body, http_request_param(request, "name"));
    buf_text(&body, "}");
    http_respond_json(request, 200, &body);
}

static void echo(struct http_request *request, void *user)
{
    struct buf body = BUF_INIT;
    size_t len;
    const char *text = http_request_body(request, &len);
    (void)user;
    buf_append(&body, text, len);
    http_respond_json(request, 201, &body);
}

static void item(struct http_request *request, void *user)
{
    struct buf body = BUF_INIT;
    json_open(&body, '[');
    json_put_string(&body, user);
    json_put_string(&body, http_request_arg(request, "name"));
    json_put_string(&body, http_request_arg(request, "part"));
    json_put_u64(&body, http_request_role(request));
    json_close(&body, ']');
    http_respond_json(request, 200, &body);
}

static void tagged(struct http_request *request, void *user)
{
    struct buf body = BUF_INIT;
    (void)user;
    http_answer_etag(request, "\"v1\"");
    http_answer_header(request, "X-Extra", "yes");
    buf_text(&body, "{}");
    http_respond_json(request, 200, &body);
}

static void big(struct http_request *request, void *user)
{
    struct buf body = BUF_INIT;
    uint64_t size = strtoull(http_request_param(request, "size"), NULL, 10);
    (void)user;
    /* Copied and not counted up: valgrind would take seconds for each of many. */
    char period[70];
    for (size_t i = 0; i < sizeof(period); i++)
        period[i] = (char)('0' + i / 7);
    while (body.len < size)
        buf_append(&body, period, MIN(sizeof(period), (size_t)size - body.len));
    http_respond(request, 200, "text/plain; charset=utf-8", &body);
}

static void on_gone(struct http_request *request, void *user)
{
    struct bench *b = user;
    assert_ptr_equal(request, b->kept);
    b->kept = NULL;
    b->gone++;
}

static void later(struct http_request *request, void *user)
{
    struct bench *b = user;
    b->kept = request;
    http_request_on_gone(request, on_gone, b);
}

static void refuse(struct http_request *request, void *user)
{
    (void)user;
    http_respond_error(request, 400, "bad_range", "from", "\"%s\" is no time.",
                       http_request_param(request, "from"));
}

static void failed(struct http_request *request, void *user)
{
    struct buf body = {.failed = true};
    (void)user;
    http_respond_json(request, 200, &body);
}

/* ---- the stream ---- */

static size_t stream_data(struct conn *conn, void *user, const uint8_t *data, size_t len)
{
    (void)conn;
    buf_append(&((struct bench *)user)->frames, data, len);
    return len;
}

static void stream_closed(struct conn *conn, void *user, int error)
{
    (void)conn;
    (void)error;
    ((struct bench *)user)->streams_closed++;
}

static const struct conn_ops stream_ops = {.data = stream_data, .closed = stream_closed};

static void stream(struct http_request *request, void *user)
{
    struct bench *b = user;
    b->upgraded = http_upgrade(request, "netsonde.v1", &b->deflate);
    if (b->upgraded)
        conn_set_owner(b->upgraded, &stream_ops, b);
}

/* ---- server ---- */

static int peer_uid(void *user, const struct net_address *remote, const struct net_address *local,
                    uid_t *ret)
{
    (void)remote;
    (void)local;
    *ret = ((struct bench *)user)->peer_uid;
    return 0;
}

void bench_start(struct bench *b, const struct net_limits *limits, const char *base_path)
{
    static const char *const pages[] = {"/", "/interfaces"};
    static const char *const hosts[] = {"127.0.0.1"};
    char why[300] = "";
    struct buf gzip = BUF_INIT;
    assert_int_equal(gzip_pack(main_js, sizeof(main_js) - 1, &gzip), 0);
    memcpy(packed, gzip.data, gzip.len);
    test_assets_table[0].gzip_size = gzip.len;
    buf_fini(&gzip);

    memset(b, 0, sizeof(*b));
    assert_int_equal(uv_loop_init(&b->loop), 0);
    guard_start(&b->loop, &b->guard);
    b->net = net_new(&b->loop, limits ? limits : &NET_LIMITS_DEFAULT);
    b->access = access_new(&(struct access_config){
        .hosts = hosts, .host_count = 1, .own_uid = 1000, .peer_uid = peer_uid, .peer_user = b});
    b->server = http_server_new(b->net, &(struct http_config){.assets = test_assets_table,
                                                              .asset_count = 2,
                                                              .pages = pages,
                                                              .page_count = ARRAY_LEN(pages),
                                                              .base_path = base_path,
                                                              .access = b->access,
                                                              .limits = HTTP_LIMITS_DEFAULT,
                                                              .compress = true});
    static char pattern[] = "pattern", two[] = "two", literal[] = "literal", delete[] = "delete";
    const struct http_route routes[] = {
        {HTTP_METHOD_GET, "/healthz", ACCESS_ANYONE, hello, b, 0},
        {HTTP_METHOD_GET, "/api/hello", ACCESS_VIEWER, hello, b, 0},
        {HTTP_METHOD_POST, "/api/echo", ACCESS_VIEWER, echo, b, 0},
        {HTTP_METHOD_GET, "/api/items/{name}", ACCESS_VIEWER, item, pattern, 0},
        {HTTP_METHOD_GET, "/api/items/{name}/parts/{part}", ACCESS_VIEWER, item, two, 0},
        {HTTP_METHOD_GET, "/api/items/test", ACCESS_VIEWER, item, literal, 0},
        {HTTP_METHOD_DELETE, "/api/items/{name}", ACCESS_ADMIN, item, delete, 0},
        {HTTP_METHOD_GET, "/api/tagged", ACCESS_VIEWER, tagged, b, 0},
        {HTTP_METHOD_GET, "/api/big", ACCESS_VIEWER, big, b, 0},
        {HTTP_METHOD_GET, "/api/later", ACCESS_VIEWER, later, b, 0},
        {HTTP_METHOD_GET, "/api/refuse", ACCESS_VIEWER, refuse, b, 0},
        {HTTP_METHOD_GET, "/api/failed", ACCESS_VIEWER, failed, b, 0},
        {HTTP_METHOD_GET, "/api/stream", ACCESS_VIEWER, stream, b, 0},
        {HTTP_METHOD_POST, "/api/large", ACCESS_ADMIN, echo, b, 100000},
    };
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        http_server_route(b->server, &routes[i]);
    b->listeners = listeners_new(false);
    assert_int_equal(listeners_add(b->listeners, "127.0.0.1:0", why, sizeof(why)), 0);
    assert_int_equal(listeners_start(b->listeners, b->net, http_server_accept, b->server), 0);
}

void bench_end(struct bench *b)
{
    listeners_stop(b->listeners);
    net_stop(b->net, 0);
    loop_end(&b->loop, &b->guard);
    assert_int_equal(net_counters(b->net)->open, 0);
    listeners_free(b->listeners);
    http_server_free(b->server);
    access_free(b->access);
    net_free(b->net);
    buf_fini(&b->frames);
}

/* ---- clients ---- */

int client_open(struct bench *b)
{
    int fd = client_connect(listeners_address(b->listeners, 0));
    set_nonblocking(fd);
    return fd;
}

/* Lets the loop run until the client's socket is ready. */
static void wait_for(struct bench *b, int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    while (poll(&p, 1, 0) == 0)
        uv_run(&b->loop, UV_RUN_NOWAIT);
}

void client_write(struct bench *b, int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n < 0) {
            assert_int_equal(errno, EAGAIN);
            wait_for(b, fd, POLLOUT);
            continue;
        }
        data += n;
        len -= (size_t)n;
    }
}

void client_text(struct bench *b, int fd, const char *text)
{
    client_write(b, fd, text, strlen(text));
}

bool client_at_end(struct bench *b, int fd)
{
    char c;
    wait_for(b, fd, POLLIN);
    return recv(fd, &c, 1, MSG_PEEK) <= 0;
}

/* Appends up to `max` bytes; false at the end of the connection. */
static bool read_some(struct bench *b, int fd, struct buf *out, size_t max)
{
    char data[65536];
    wait_for(b, fd, POLLIN);
    ssize_t n = recv(fd, data, MIN(max, sizeof(data)), 0);
    if (n > 0)
        buf_append(out, data, (size_t)n);
    return n > 0;
}

unsigned client_answer(struct bench *b, int fd, bool head_only, struct answer *a)
{
    memset(a, 0, sizeof(*a));
    while (a->head.len < 4 || memcmp(a->head.data + a->head.len - 4, "\r\n\r\n", 4) != 0) {
        if (!read_some(b, fd, &a->head, 1))
            return 0;
    }
    assert_memory_equal(a->head.data, "HTTP/1.1 ", 9);
    a->status = (unsigned)strtoul(a->head.data + 9, NULL, 10);
    const char *length = strstr(buf_string(&a->head), "\r\nContent-Length: ");
    size_t len = length ? strtoul(length + 18, NULL, 10) : 0;
    while (!head_only && a->body.len < len) {
        if (!read_some(b, fd, &a->body, len - a->body.len))
            fail_msg("the answer ends after %zu of %zu bytes", a->body.len, len);
    }
    return a->status;
}

void answer_fini(struct answer *a)
{
    buf_fini(&a->head);
    buf_fini(&a->body);
}

bool answer_has(const struct answer *a, const char *name, const char *value)
{
    char line[300];
    int len = snprintf(line, sizeof(line), "\r\n%s: %s", name, value ? value : "");
    const char *at = memmem(a->head.data, a->head.len, line, (size_t)len);
    return at && (!value || memcmp(at + len, "\r\n", 2) == 0);
}

const char *answer_body(struct answer *a)
{
    return buf_string(&a->body);
}

unsigned ask(struct bench *b, const char *request, struct answer *a)
{
    int fd = client_open(b);
    client_text(b, fd, request);
    unsigned status = client_answer(b, fd, strncmp(request, "HEAD ", 5) == 0, a);
    close(fd);
    return status;
}
