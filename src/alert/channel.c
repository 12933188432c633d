/*
 * channel.c: see channel.h. One table says of each key how it is read, which types of channel it
 * belongs to, and what people are told about it; a value is checked when it is set, what depends on
 * several keys when the draft is finished.
 *
 * Nothing secret may stand in a channel: passwords and tokens come from files that the courier
 * reads when it needs them, and an address with a name or password in it is refused, because
 * addresses are printed. A path can be a secret, too (chat services give such addresses), which is
 * why channel_target leaves it out.
 */
#include "alert/channel.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/channel_url.h"
#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"
#include "base/text.h"

#define TEXT_MAX 1024
#define TIMEOUT_LEAST_MS 100
#define TIMEOUT_MOST_MS 60000
#define RETRIES_MOST 10
#define QUEUE_MOST 1000

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define SYSLOG_SOCKET "/dev/log"

static const char *const type_names[CHANNEL_TYPES] = {
    [CHANNEL_TYPE_WEBSOCKET] = "websocket",
    [CHANNEL_TYPE_LOG] = "log",
    [CHANNEL_TYPE_SYSLOG] = "syslog",
    [CHANNEL_TYPE_WEBHOOK] = "webhook",
    [CHANNEL_TYPE_ALERTMANAGER] = "alertmanager",
    [CHANNEL_TYPE_EMAIL] = "email",
    [CHANNEL_TYPE_EXEC] = "exec",
};

const char *channel_type_name(enum channel_type type)
{
    return type_names[type];
}

struct channel_draft {
    struct channel_spec *spec;
    bool typed;
    uint32_t given; /* 1 << row of the table */
};

/* ---- how values are read --------------------------------------------------------------------- */

static bool has_control(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    }
    return false;
}

static bool is_text(const char *text)
{
    size_t len = strlen(text);
    return len <= TEXT_MAX && !has_control(text) && text_utf8_valid(text, len) == len;
}

static bool is_path(const char *text)
{
    return text[0] == '/' && text[1] && is_text(text);
}

/* As they go between < and > on a line of SMTP: a plain address in ASCII, no quoting. */
static bool is_mail_address(const char *text)
{
    const char *at = strrchr(text, '@');
    if (!at || at == text || !at[1] || at - text > 64 || strlen(text) > 254 ||
        strchr(text, '@') != at)
        return false;
    for (const char *c = text; *c; c++) {
        if (!isalnum((unsigned char)*c) && !strchr("@.!#$%&'*+/=?^_`{|}~-", *c))
            return false;
    }
    for (const char *c = at + 1; *c; c++) {
        if (!isalnum((unsigned char)*c) && *c != '.' && *c != '-')
            return false;
    }
    return true;
}

static bool set_text(char **member, const char *text, bool ok)
{
    if (!ok)
        return false;
    free(*member);
    *member = mem_string(text);
    return true;
}

static bool set_item(char *list[CHANNEL_LIST_MAX], size_t *count, const char *text, bool ok)
{
    if (!ok || *count == CHANNEL_LIST_MAX)
        return false;
    list[(*count)++] = mem_string(text);
    return true;
}

static bool set_count(uint32_t *member, const char *text, uint64_t least, uint64_t most)
{
    uint64_t value;
    if (text_u64(text, &value) < 0 || value < least || value > most)
        return false;
    *member = (uint32_t)value;
    return true;
}

static bool set_name(struct channel_draft *d, const char *text)
{
    return set_text(&d->spec->name, text, text_is_name(text));
}

static bool set_type(struct channel_draft *d, const char *text)
{
    for (size_t i = 0; i < CHANNEL_TYPES; i++) {
        if (strcmp(type_names[i], text) == 0) {
            d->spec->type = (enum channel_type)i;
            d->typed = true;
            return true;
        }
    }
    return false;
}

static bool set_url(struct channel_draft *d, const char *text)
{
    struct channel_url url; /* which scheme belongs to which type is seen at the end */
    return set_text(&d->spec->url, text, channel_url_read(text, &url));
}

static bool set_path(struct channel_draft *d, const char *text)
{
    if (strcmp(text, "journal") == 0)
        text = JOURNAL_SOCKET;
    return set_text(&d->spec->path, text, is_path(text));
}

static bool set_from(struct channel_draft *d, const char *text)
{
    return set_text(&d->spec->from, text, is_mail_address(text));
}

static bool set_to(struct channel_draft *d, const char *text)
{
    return set_item(d->spec->to, &d->spec->to_count, text, is_mail_address(text));
}

static bool set_command(struct channel_draft *d, const char *text)
{
    bool ok = d->spec->command_count == 0 ? is_path(text) : strlen(text) <= TEXT_MAX;
    return set_item(d->spec->command, &d->spec->command_count, text, ok);
}

static bool set_user(struct channel_draft *d, const char *text)
{
    return set_text(&d->spec->user, text, is_text(text) && !strchr(text, ':'));
}

static bool set_secret_file(struct channel_draft *d, const char *text)
{
    return set_text(&d->spec->secret_file, text, is_path(text));
}

static bool set_ca_file(struct channel_draft *d, const char *text)
{
    return set_text(&d->spec->ca_file, text, is_path(text));
}

static bool set_dashboard(struct channel_draft *d, const char *text)
{
    struct channel_url url;
    return set_text(&d->spec->dashboard, text,
                    channel_url_read(text, &url) && channel_url_is_http(&url) && !url.query);
}

static bool set_fallback(struct channel_draft *d, const char *text)
{
    return set_text(&d->spec->fallback, text, text_is_name(text));
}

static bool set_timeout(struct channel_draft *d, const char *text)
{
    int64_t ms;
    if (text_duration_ms(text, &ms) < 0 || ms < TIMEOUT_LEAST_MS || ms > TIMEOUT_MOST_MS)
        return false;
    d->spec->timeout_ms = ms;
    return true;
}

static bool set_retries(struct channel_draft *d, const char *text)
{
    return set_count(&d->spec->retries, text, 0, RETRIES_MOST);
}

static bool set_queue(struct channel_draft *d, const char *text)
{
    return set_count(&d->spec->queue, text, 1, QUEUE_MOST);
}

static bool set_resolved(struct channel_draft *d, const char *text)
{
    bool on = strcmp(text, "on") == 0 || strcmp(text, "true") == 0 || strcmp(text, "yes") == 0;
    bool off = strcmp(text, "off") == 0 || strcmp(text, "false") == 0 || strcmp(text, "no") == 0;
    if (!on && !off)
        return false;
    d->spec->resolved = on;
    return true;
}

/* ---- the table ------------------------------------------------------------------------------- */

enum {
    LOG = 1 << CHANNEL_TYPE_LOG,
    SYSLOG = 1 << CHANNEL_TYPE_SYSLOG,
    HTTP = 1 << CHANNEL_TYPE_WEBHOOK | 1 << CHANNEL_TYPE_ALERTMANAGER,
    EMAIL = 1 << CHANNEL_TYPE_EMAIL,
    EXEC = 1 << CHANNEL_TYPE_EXEC,
    CARRIED = LOG | SYSLOG | HTTP | EMAIL | EXEC,
    ANY = (1 << CHANNEL_TYPES) - 1,
};

static const struct {
    struct channel_key key;
    unsigned types; /* that it belongs to … */
    unsigned needs; /* … and that do not work without it */
    bool (*set)(struct channel_draft *d, const char *text);
} rows[] = {
    {{"name", "1-64 characters of A-Z a-z 0-9 . _ -", "What rules and `fallback` call it.", false},
     ANY,
     ANY,
     set_name},
    {{"type", "log, syslog, webhook, alertmanager, email or exec", "How notices are carried.",
      false},
     ANY,
     0,
     set_type},
    {{"url",
      "an address such as https://HOST/PATH or smtp://HOST:25, without a name or password in it",
      "Where they go: `http://` or `https://` for webhook and alertmanager (the path "
      "`/api/v2/alerts` "
      "is added to the latter's), `smtp://` or `smtps://` for email.",
      false},
     HTTP | EMAIL,
     HTTP | EMAIL,
     set_url},
    {{"path", "a path from the root, or the word journal",
      "The file, for log (without it the daemon's own log; `journal` or the path of a socket: "
      "journald's, with fields); the socket, for syslog (`/dev/log`).",
      false},
     LOG | SYSLOG,
     0,
     set_path},
    {{"from", "a plain address such as netsonde@example.net",
      "The sender of e-mails; netsonde@ and the host's name when it is not given.", false},
     EMAIL,
     0,
     set_from},
    {{"to", "a plain address such as ops@example.net, at most 32 of them", "Who gets e-mails.",
      true},
     EMAIL,
     EMAIL,
     set_to},
    {{"command", "a program's path from the root, then its arguments, at most 32 in all",
      "What is run, never by a shell; the notice is on its standard input, as JSON.", true},
     EXEC,
     EXEC,
     set_command},
    {{"user", "a name without a colon", "For authentication with the password in `secret_file`.",
      false},
     HTTP | EMAIL,
     0,
     set_user},
    {{"secret_file", "a path from the root",
      "A file, unreadable for others, whose first line is the password of `user`; without `user` a "
      "bearer token (webhook, alertmanager).",
      false},
     HTTP | EMAIL,
     0,
     set_secret_file},
    {{"ca_file", "a path from the root",
      "Certificates to trust, in PEM, instead of the system's. Makes email insist on TLS.", false},
     HTTP | EMAIL,
     0,
     set_ca_file},
    {{"dashboard", "an address such as https://netsonde.example.net",
      "How readers reach the dashboard: for links in messages.", false},
     CARRIED,
     0,
     set_dashboard},
    {{"fallback", "the name of another channel",
      "Who gets what this channel could not deliver. The log, unless told otherwise.", false},
     CARRIED,
     0,
     set_fallback},
    {{"timeout", "a duration from 100ms to 1m", "Of one attempt; 10s.", false},
     CARRIED,
     0,
     set_timeout},
    {{"retries", "a number from 0 to 10",
      "Attempts after the first, with pauses from 1 s that double; 3.", false},
     CARRIED,
     0,
     set_retries},
    {{"queue", "a number from 1 to 1000",
      "Notices that wait at most; 100. What comes then is added to the last one of these.", false},
     CARRIED,
     0,
     set_queue},
    {{"resolved", "on or off", "Whether the end of an alert is told, too; on.", false},
     CARRIED,
     0,
     set_resolved},
};

_Static_assert(ARRAY_LEN(rows) <= 32, "given is a word");

const struct channel_key *channel_key_at(size_t index)
{
    return index < ARRAY_LEN(rows) ? &rows[index].key : NULL;
}

/* ---- drafts ---------------------------------------------------------------------------------- */

struct channel_draft *channel_draft_new(void)
{
    struct channel_draft *d = mem_alloc(sizeof(*d));
    struct channel_spec *c = d->spec = mem_alloc(sizeof(*c));
    char **const texts[] = {&c->name,        &c->url,     &c->path,      &c->from,    &c->user,
                            &c->secret_file, &c->ca_file, &c->dashboard, &c->fallback};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = mem_string("");
    c->timeout_ms = 10 * MS_PER_S;
    c->retries = 3;
    c->queue = 100;
    c->resolved = true;
    return d;
}

void channel_draft_free(struct channel_draft *d)
{
    if (!d)
        return;
    channel_spec_free(d->spec);
    free(d);
}

void channel_spec_free(struct channel_spec *c)
{
    if (!c)
        return;
    free(c->name);
    free(c->url);
    free(c->path);
    free(c->from);
    free(c->user);
    free(c->secret_file);
    free(c->ca_file);
    free(c->dashboard);
    free(c->fallback);
    for (size_t i = 0; i < c->to_count; i++)
        free(c->to[i]);
    for (size_t i = 0; i < c->command_count; i++)
        free(c->command[i]);
    free(c);
}

/* Characters in order that two words share, counted from both ends: enough to tell a slip. */
static size_t likeness(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b), shortest = MIN(a_len, b_len), head = 0, tail = 0;
    while (head < shortest && a[head] == b[head])
        head++;
    while (tail < shortest - head && a[a_len - 1 - tail] == b[b_len - 1 - tail])
        tail++;
    return 2 * (head + tail) >= MAX(a_len, b_len) ? head + tail : 0;
}

static int unknown_key(const char *key, char *why, size_t why_size)
{
    size_t best = 0, most = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t like = likeness(key, rows[i].key.name);
        if (like > most) {
            most = like;
            best = i;
        }
    }
    if (most)
        snprintf(why, why_size, "there is no such key; did you mean %s?", rows[best].key.name);
    else
        snprintf(why, why_size, "there is no such key");
    return -ENOENT;
}

/* What was written, so that it can be found, unless it may hold a secret. */
static void refuse(size_t row, const char *text, char *why, size_t why_size)
{
    bool shown = strlen(text) <= 60 && !has_control(text) && !strchr(text, '@');
    snprintf(why, why_size, "%s%s%s (expected %s)", shown ? "\"" : "", shown ? text : "this value",
             shown ? "\" is not usable" : " is not usable", rows[row].key.expected);
}

int channel_draft_set(struct channel_draft *d, const char *key, const char *text, char *why,
                      size_t why_size)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].key.name, key) != 0)
            continue;
        if (d->given & 1U << i && !rows[i].key.list) {
            snprintf(why, why_size, "it is given twice");
            return -EINVAL;
        }
        if (!rows[i].set(d, text)) {
            refuse(i, text, why, why_size);
            return -EINVAL;
        }
        d->given |= 1U << i;
        return 0;
    }
    return unknown_key(key, why, why_size);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* NULL, or the key at fault. */
static const char *check_keys(const struct channel_draft *d, char *why, size_t why_size)
{
    unsigned type = 1U << d->spec->type;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool given = d->given & 1U << i;
        if (given && !(rows[i].types & type)) {
            snprintf(why, why_size, "a channel of type %s has no such key",
                     type_names[d->spec->type]);
            return rows[i].key.name;
        }
        if (!given && rows[i].needs & type) {
            snprintf(why, why_size, "a channel of type %s needs it: %s", type_names[d->spec->type],
                     rows[i].key.expected);
            return rows[i].key.name;
        }
    }
    return NULL;
}

static const char *check_url(const struct channel_spec *c, char *why, size_t why_size)
{
    struct channel_url url;
    CHECK(channel_url_read(c->url, &url));
    bool mail = c->type == CHANNEL_TYPE_EMAIL;
    if (channel_url_is_http(&url) == mail) {
        snprintf(why, why_size, "a channel of type %s needs an address that begins with %s",
                 type_names[c->type], mail ? "smtp:// or smtps://" : "http:// or https://");
        return "url";
    }
    if (mail && (url.path || url.query)) {
        snprintf(why, why_size, "nothing may follow the host and port of a mail server");
        return "url";
    }
    if (c->type == CHANNEL_TYPE_ALERTMANAGER && url.query) {
        snprintf(why, why_size, "the address of an Alertmanager has no ? in it");
        return "url";
    }
    if (url.scheme == CHANNEL_HTTP && c->secret_file[0] && !url.local) {
        snprintf(why, why_size, "the secret would be readable on the way: https is needed");
        return "url";
    }
    return NULL;
}

static const char *check_secret(const struct channel_spec *c, char *why, size_t why_size)
{
    if (c->user[0] && !c->secret_file[0]) {
        snprintf(why, why_size, "user needs the file with the password");
        return "secret_file";
    }
    if (c->type == CHANNEL_TYPE_EMAIL && c->secret_file[0] && !c->user[0]) {
        snprintf(why, why_size, "a mail server needs the name beside the password");
        return "user";
    }
    return NULL;
}

static const char *check_name(const struct channel_spec *c, char *why, size_t why_size)
{
    static const enum channel_type kept[] = {CHANNEL_TYPE_WEBSOCKET, CHANNEL_TYPE_LOG};
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        if (strcmp(c->name, type_names[kept[i]]) == 0 && c->type != kept[i]) {
            snprintf(why, why_size, "only a channel of type %s may be called that",
                     type_names[kept[i]]);
            return "name";
        }
    }
    if (strcmp(c->fallback, c->name) == 0) {
        snprintf(why, why_size, "a channel cannot be its own fallback");
        return "fallback";
    }
    return NULL;
}

int channel_draft_finish(struct channel_draft *d, struct channel_spec **ret, const char **ret_key,
                         char *why, size_t why_size)
{
    const char *key = NULL;
    if (!d->typed) {
        key = "type";
        snprintf(why, why_size, "it is needed: %s", rows[1].key.expected);
    }
    if (!key)
        key = check_keys(d, why, why_size);
    if (!key && d->spec->url[0])
        key = check_url(d->spec, why, why_size);
    if (!key)
        key = check_secret(d->spec, why, why_size);
    if (!key)
        key = check_name(d->spec, why, why_size);
    if (key) {
        *ret_key = key;
        return -EINVAL;
    }
    if (d->spec->type == CHANNEL_TYPE_SYSLOG && !d->spec->path[0])
        set_text(&d->spec->path, SYSLOG_SOCKET, true);
    *ret = TAKE(d->spec);
    channel_draft_free(d);
    return 0;
}
