/*
 * fan_lws.c: the same work by libwebsockets, in the way of its own mirror and broadcast examples:
 * one message in memory, every client asked for a writable callback, lws_write in it. Built by
 * bench/fanout.py against the package it unpacks under build/peers. See fan_args.h.
 */
#include <libwebsockets.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "fan_args.h"

static struct fan_args args;
static unsigned char *message; /* LWS_PRE bytes of room before it */
static unsigned long long seq;
static long long due_ns;
static struct lws_context *context;
static struct lws_vhost *vhost;
static lws_sorted_usec_list_t timer;
static const struct lws_protocols *protocol;

struct client {
    unsigned long long sent;
};

static long long now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* As message_write of src/bench/message.c. */
static void write_message(void)
{
    static const char filler[] = "0123456789 abcdef ";
    char *out = (char *)message + LWS_PRE;
    int len = snprintf(out, 64, "fanout %llu %lld ", seq, now_ns());
    for (size_t i = (size_t)len; i < args.size; i++)
        out[i] = filler[i % (sizeof(filler) - 1)];
}

static void on_tick(lws_sorted_usec_list_t *list)
{
    (void)list;
    seq++;
    write_message();
    lws_callback_on_writable_all_protocol_vhost(vhost, protocol);
    due_ns += 1000000000 / args.rate;
    long long wait_ns = due_ns - now_ns();
    lws_sul_schedule(context, 0, &timer, on_tick, wait_ns > 0 ? wait_ns / 1000 : 1);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    struct client *client = user;
    (void)in;
    (void)len;
    switch (reason) {
    case LWS_CALLBACK_PROTOCOL_INIT:
        protocol = lws_get_protocol(wsi);
        break;
    case LWS_CALLBACK_RECEIVE:
        if (!due_ns) {
            due_ns = now_ns();
            on_tick(&timer);
        }
        break;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        if (seq == client->sent)
            break;
        client->sent = seq;
        if (lws_write(wsi, message + LWS_PRE, args.size, LWS_WRITE_TEXT) < (int)args.size)
            return -1;
        break;
    default:
        break;
    }
    return 0;
}

static const struct lws_protocols protocols[] = {
    {.name = "fanout", .callback = on_event, .per_session_data_size = sizeof(struct client)},
    {0},
};

int main(int argc, char **argv)
{
    struct rlimit limit;
    fan_args_read(&args, argc, argv);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        rlim_t wanted = args.clients + 64;
        limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    message = malloc(LWS_PRE + args.size);
    if (!message)
        return 1;
    lws_set_log_level(LLL_ERR, NULL);
    struct lws_context_creation_info info = {
        .port = 0,
        .iface = "lo",
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_DISABLE_IPV6 | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
    };
    context = lws_create_context(&info);
    vhost = context ? lws_create_vhost(context, &info) : NULL;
    if (!vhost)
        return 1;
    fan_args_listening((unsigned)lws_get_vhost_listen_port(vhost));
    while (lws_service(context, 0) >= 0)
        ;
    return 0;
}
