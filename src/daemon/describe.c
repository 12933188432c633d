/* describe.c: see describe.h. */
#include "daemon/describe.h"

#include "base/buf.h"
#include "collect/select.h"
#include "daemon/config.h"
#include "daemon/privileges.h"
#include "keeper/finder.h"
#include "keeper/keeper.h"
#include "wire/json.h"

static void put_text(struct buf *b, const char *key, const char *text)
{
    json_put_key(b, key);
    json_put_string(b, text);
}

static void put_capabilities(struct buf *b, const char *key, uint32_t bits)
{
    json_put_key(b, key);
    json_open(b, '[');
    for (int c = 0; c < CAPABILITIES; c++) {
        if (bits & 1U << c)
            json_put_string(b, capability_name((enum capability)c));
    }
    json_close(b, ']');
}

static struct bytes *members_done(struct buf *b)
{
    struct bytes *members = buf_ok(b) ? bytes_copy(b->data, b->len) : NULL;
    buf_fini(b);
    return members;
}

static void put_offer(struct buf *b, const struct collector_offer *o)
{
    put_text(b, "engine", o->engine);
    put_text(b, "state", offer_state_name(o->state));
    put_text(b, "reason", o->reason);
    put_text(b, "remedy", o->remedy);
}

static void put_capability(struct buf *b, const struct collector_status *status, enum capability c)
{
    const struct collector_offer *best;
    enum offer_state state = collector_status_of(status, c, &best);
    json_open(b, '{');
    put_text(b, "name", capability_name(c));
    put_text(b, "engine", status->providers[c]); /* who gives it, not who would */
    put_text(b, "state", offer_state_name(state));
    put_text(b, "reason", best ? best->reason : "");
    put_text(b, "remedy", best ? best->remedy : "");
    json_put_key(b, "engines");
    json_open(b, '[');
    for (size_t i = 0; i < status->offers_count; i++) {
        if (status->offers[i].capability != c)
            continue;
        json_open(b, '{');
        put_offer(b, &status->offers[i]);
        json_close(b, '}');
    }
    json_close(b, ']');
    json_close(b, '}');
}

void describe_put_engines(struct buf *b, const struct collector_status *status)
{
    json_put_key(b, "engines");
    json_open(b, '[');
    for (size_t i = 0; i < status->count; i++) {
        json_open(b, '{');
        put_text(b, "name", status->engines[i].name);
        put_text(b, "state", engine_state_name(status->engines[i].state));
        put_capabilities(b, "capabilities", status->engines[i].capabilities);
        put_capabilities(b, "provides", status->engines[i].assigned);
        put_text(b, "reason", status->engines[i].reason);
        put_text(b, "remedy", status->engines[i].remedy);
        json_close(b, '}');
    }
    json_close(b, ']');
    json_put_key(b, "capabilities");
    json_open(b, '[');
    for (unsigned c = 0; c < CAPABILITIES; c++)
        put_capability(b, status, (enum capability)c);
    json_close(b, ']');
}

struct bytes *describe_engines(const struct collector_status *status)
{
    struct buf b = BUF_INIT;
    describe_put_engines(&b, status);
    return members_done(&b);
}

/* Sentences, one a line: what comes from engines has no line breaks, but nobody has to rely on it.
 */
static void put_absence(struct buf *b, const struct collector_status *status, enum capability c)
{
    const struct collector_offer *best;
    enum offer_state state = collector_status_of(status, c, &best);
    size_t start = b->len;
    if (status->providers[c])
        return;
    buf_text(b, "no engine provides this table here: ");
    if (state == OFFER_UNSUPPORTED)
        buf_text(b, "none of this version does");
    else
        buf_printf(b, "%s would, but is %s (%s)", best->engine, offer_state_name(state),
                   *best->reason ? best->reason : "for no reason that it gives");
    if (best && *best->remedy)
        buf_printf(b, "; what would help: %s", best->remedy);
    buf_text(b, "; see netsonde doctor");
    for (size_t i = start; buf_ok(b) && i < b->len; i++) {
        if (b->data[i] == '\n')
            b->data[i] = ' ';
    }
}

struct bytes *describe_tables(const struct collector_status *status)
{
    static const enum capability sources[TABLE_KINDS] = {
        [TABLE_INTERFACES] = CAPABILITY_INTERFACES,
        [TABLE_CONNECTIONS] = CAPABILITY_CONNECTIONS,
        [TABLE_PROCESSES] = CAPABILITY_PROCESS_TRAFFIC,
        [TABLE_FLOWS] = CAPABILITY_FLOWS,
        [TABLE_DNS] = CAPABILITY_DNS,
    };
    struct buf b = BUF_INIT;
    for (int kind = 0; kind < TABLE_KINDS; kind++) {
        /* The census makes both of its tables whoever tells it. */
        bool others = kind == TABLE_PROCESSES && status->providers[CAPABILITY_CONNECTIONS];
        if (!others)
            put_absence(&b, status, sources[kind]);
        buf_char(&b, '\n');
    }
    return members_done(&b);
}

void describe_put_sandbox(struct buf *b, const struct sandbox_report *report,
                          const struct keeper_status *keeper, const struct finder_status *finder)
{
    json_put_key(b, "sandbox");
    json_open(b, '{');
    put_text(b, "capabilities", report->capabilities);
    json_put_key(b, "no_new_privs");
    json_put_bool(b, report->no_new_privs);
    put_text(b, "seccomp", report->seccomp);
    put_text(b, "landlock", report->landlock);
    put_text(b, "keeper", keeper->text);
    put_text(b, "finder", finder->text);
    json_close(b, '}');
}

struct bytes *describe_sandbox(const struct sandbox_report *report,
                               const struct keeper_status *keeper,
                               const struct finder_status *finder)
{
    struct buf b = BUF_INIT;
    describe_put_sandbox(&b, report, keeper, finder);
    return members_done(&b);
}

struct bytes *describe_config(const struct config *config)
{
    struct buf b = BUF_INIT;
    config_put_shown(config, &b);
    return members_done(&b);
}
