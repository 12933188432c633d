/* Channels from texts: what is taken, what is refused and how it is said, and the chain of
 * fallbacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/channel.h"
#include "base/defs.h"
#include "base/mem.h"

#define KEYS_MAX 8

struct key {
    const char *name, *text;
};

/* NULL, or what is wrong, as "key: why". Borrowed until the next call. */
static const char *make(const struct key keys[KEYS_MAX], struct channel_spec **ret)
{
    static char said[400];
    char why[300] = "";
    const char *at = NULL;
    struct channel_draft *d = channel_draft_new();
    for (size_t i = 0; i < KEYS_MAX && keys[i].name; i++) {
        if (channel_draft_set(d, keys[i].name, keys[i].text, why, sizeof(why)) < 0) {
            snprintf(said, sizeof(said), "%s: %s", keys[i].name, why);
            channel_draft_free(d);
            return said;
        }
    }
    if (channel_draft_finish(d, ret, &at, why, sizeof(why)) < 0) {
        snprintf(said, sizeof(said), "%s: %s", at, why);
        channel_draft_free(d);
        return said;
    }
    return NULL;
}

static struct channel_spec *made(const struct key keys[KEYS_MAX])
{
    struct channel_spec *c = NULL;
    const char *wrong = make(keys, &c);
    if (wrong)
        fail_msg("%s", wrong);
    return c;
}

static void test_defaults(void **state)
{
    (void)state;
    struct channel_spec *c = made((struct key[KEYS_MAX]){
        {"name", "ops"}, {"type", "webhook"}, {"url", "https://hooks.example.net/T0/secret?x=1"}});
    assert_string_equal(c->name, "ops");
    assert_int_equal(c->type, CHANNEL_TYPE_WEBHOOK);
    assert_int_equal(c->timeout_ms, 10000);
    assert_int_equal(c->retries, 3);
    assert_int_equal(c->queue, 100);
    assert_true(c->resolved);
    assert_true(channel_is_courier(c));
    assert_false(channel_is_local(c));
    char target[160];
    channel_target(c, target, sizeof(target));
    assert_string_equal(target, "https://hooks.example.net/…");
    channel_target(c, target, 29); /* cut between characters */
    assert_string_equal(target, "https://hooks.example.net/");
    channel_spec_free(c);
}

static void test_everything(void **state)
{
    (void)state;
    struct channel_spec *c = made((struct key[KEYS_MAX]){{"name", "mail"},
                                                         {"type", "email"},
                                                         {"url", "smtps://mail.example.net:465"},
                                                         {"to", "a@example.net"},
                                                         {"to", "b+c@example.net"},
                                                         {"user", "netsonde"},
                                                         {"secret_file", "/etc/netsonde/mail"},
                                                         {"timeout", "1m"}});
    assert_int_equal(c->to_count, 2);
    assert_string_equal(c->to[1], "b+c@example.net");
    assert_int_equal(c->timeout_ms, 60000);
    char target[160];
    channel_target(c, target, sizeof(target));
    assert_string_equal(target, "a@example.net by smtps://mail.example.net:465");
    channel_spec_free(c);
    c = made((struct key[KEYS_MAX]){{"name", "run"},
                                    {"type", "exec"},
                                    {"command", "/usr/bin/page"},
                                    {"command", "--to"},
                                    {"command", "a b; $(c)"},
                                    {"retries", "0"},
                                    {"queue", "1000"},
                                    {"resolved", "off"}});
    assert_int_equal(c->command_count, 3);
    assert_string_equal(c->command[2], "a b; $(c)");
    assert_int_equal(c->retries, 0);
    assert_false(c->resolved);
    channel_spec_free(c);
}

static void test_paths(void **state)
{
    (void)state;
    struct channel_spec *c = made((struct key[KEYS_MAX]){{"name", "s"}, {"type", "syslog"}});
    assert_string_equal(c->path, "/dev/log");
    channel_spec_free(c);
    c = made((struct key[KEYS_MAX]){{"name", "j"}, {"type", "log"}, {"path", "journal"}});
    assert_string_equal(c->path, "/run/systemd/journal/socket");
    assert_true(channel_is_courier(c));
    channel_spec_free(c);
    c = made((struct key[KEYS_MAX]){{"name", "log"}, {"type", "log"}});
    assert_false(channel_is_courier(c));
    channel_spec_free(c);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        struct key keys[KEYS_MAX];
        const char *wrong; /* begins with */
    } cases[] = {
        {{{"name", "a b"}}, "name: \"a b\" is not usable (expected 1-64 characters"},
        {{{"name", "a"}, {"type", "pigeon"}}, "type: \"pigeon\" is not usable (expected log, "},
        {{{"name", "a"}, {"name", "b"}}, "name: it is given twice"},
        {{{"nmae", "a"}}, "nmae: there is no such key; did you mean name?"},
        {{{"time-out", "1s"}}, "time-out: there is no such key; did you mean timeout?"},
        {{{"q", "a"}}, "q: there is no such key"},
        {{{"name", "a"}}, "type: it is needed: log, "},
        {{{"type", "log"}}, "name: a channel of type log needs it: 1-64"},
        {{{"name", "a"}, {"type", "webhook"}}, "url: a channel of type webhook needs it"},
        {{{"name", "a"}, {"type", "email"}, {"url", "smtp://h"}}, "to: a channel of type email"},
        {{{"name", "a"}, {"type", "exec"}}, "command: a channel of type exec needs it"},
        {{{"name", "a"}, {"type", "log"}, {"url", "http://h"}},
         "url: a channel of type log has no such key"},
        {{{"url", "ftp://h/"}}, "url: \"ftp://h/\" is not usable"},
        {{{"url", "file:///etc/shadow"}}, "url: \"file:///etc/shadow\" is not"},
        {{{"url", "https://me:geheim@h/"}}, "url: this value is not usable (expected an address"},
        {{{"url", "https://"}}, "url: "},
        {{{"url", "https:///x"}}, "url: "},
        {{{"url", "https://h:0/"}}, "url: "},
        {{{"url", "https://h:65536/"}}, "url: "},
        {{{"url", "https://h:/"}}, "url: "},
        {{{"url", "https://h:8x/"}}, "url: "},
        {{{"url", "https://[::1/"}}, "url: "},
        {{{"url", "https://[::g]/"}}, "url: "},
        {{{"url", "https://h/a b"}}, "url: "},
        {{{"url", "https://h/\r\nX: y"}}, "url: this value is not usable"},
        {{{"url", "https://h/#x"}}, "url: "},
        {{{"name", "a"}, {"type", "webhook"}, {"url", "smtp://h"}},
         "url: a channel of type webhook needs an address that begins with http:// or https://"},
        {{{"name", "a"}, {"type", "email"}, {"url", "http://h"}, {"to", "a@b"}},
         "url: a channel of type email needs an address that begins with smtp://"},
        {{{"name", "a"}, {"type", "email"}, {"url", "smtp://h/x"}, {"to", "a@b"}},
         "url: nothing may follow"},
        {{{"name", "a"}, {"type", "alertmanager"}, {"url", "http://h?x"}},
         "url: the address of an"},
        {{{"name", "a"}, {"type", "webhook"}, {"url", "http://h/"}, {"secret_file", "/s"}},
         "url: the secret would be readable on the way"},
        {{{"name", "a"}, {"type", "webhook"}, {"url", "http://127.0.0.1/"}, {"user", "u"}},
         "secret_file: user needs the file"},
        {{{"name", "a"},
          {"type", "email"},
          {"url", "smtp://h"},
          {"to", "a@b"},
          {"secret_file", "/s"}},
         "user: a mail server needs the name"},
        {{{"to", "a@b\r\nBcc: c@d"}}, "to: this value is not usable (expected a plain address"},
        {{{"to", "A <a@b>"}}, "to: "},
        {{{"to", "a@b@c"}}, "to: "},
        {{{"to", "@b"}}, "to: "},
        {{{"to", "a@"}}, "to: "},
        {{{"to", "a@[1.2.3.4]"}}, "to: "},
        {{{"from", "\"a b\"@c"}}, "from: "},
        {{{"command", "bin/page"}},
         "command: \"bin/page\" is not usable (expected a program's path"},
        {{{"path", "alerts.log"}}, "path: \"alerts.log\" is not usable (expected a path from"},
        {{{"path", "/a\nb"}}, "path: this value"},
        {{{"secret_file", "geheim"}}, "secret_file: "},
        {{{"ca_file", "ca.pem"}}, "ca_file: "},
        {{{"user", "a:b"}}, "user: "},
        {{{"timeout", "5"}}, "timeout: \"5\" is not usable (expected a duration from 100ms to 1m)"},
        {{{"timeout", "2m"}}, "timeout: "},
        {{{"retries", "11"}}, "retries: \"11\" is not usable (expected a number from 0 to 10)"},
        {{{"queue", "0"}}, "queue: "},
        {{{"resolved", "maybe"}}, "resolved: \"maybe\" is not usable (expected on or off)"},
        {{{"dashboard", "http://h/?x"}}, "dashboard: "},
        {{{"dashboard", "smtp://h"}}, "dashboard: "},
        {{{"fallback", "a b"}}, "fallback: "},
        {{{"name", "a"}, {"type", "log"}, {"fallback", "a"}}, "fallback: a channel cannot be its"},
        {{{"name", "websocket"}, {"type", "log"}}, "name: only a channel of type websocket may"},
        {{{"name", "log"}, {"type", "syslog"}}, "name: only a channel of type log may"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct channel_spec *c = NULL;
        const char *wrong = make(cases[i].keys, &c);
        assert_null(c);
        assert_non_null(wrong);
        if (strncmp(wrong, cases[i].wrong, strlen(cases[i].wrong)) != 0)
            fail_msg("case %zu: \"%s\" instead of \"%s\"", i, wrong, cases[i].wrong);
        assert_null(strstr(wrong, "geheim@")); /* nothing secret is repeated */
        for (const char *t = wrong; *t; t++)
            assert_true((unsigned char)*t >= 0x20);
    }
}

static void test_lists_are_bounded(void **state)
{
    (void)state;
    char why[300];
    struct channel_draft *d = channel_draft_new();
    for (int i = 0; i < CHANNEL_LIST_MAX; i++) {
        assert_int_equal(channel_draft_set(d, "to", "a@b", why, sizeof(why)), 0);
        assert_int_equal(channel_draft_set(d, "command", "/a", why, sizeof(why)), 0);
    }
    assert_int_equal(channel_draft_set(d, "to", "a@b", why, sizeof(why)), -EINVAL);
    assert_int_equal(channel_draft_set(d, "command", "a", why, sizeof(why)), -EINVAL);
    channel_draft_free(d);
    channel_draft_free(NULL);
    channel_spec_free(NULL);
}

static void test_keys(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct channel_key *k; (k = channel_key_at(count)); count++)
        assert_true(*k->name && *k->expected && *k->doc);
    assert_int_equal(count, 16);
    assert_string_equal(channel_key_at(0)->name, "name");
}

/* "a>b" is a channel a with the fallback b; the first letter of the name says the type. */
static const char *check(const char *const texts[], size_t count)
{
    static char said[400];
    struct channel_spec *specs[8];
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%s", texts[i]);
        char *fallback = strchr(name, '>');
        if (fallback)
            *fallback++ = '\0';
        const char *type = name[0] == 'w' ? "websocket" : "log";
        specs[i] = made((struct key[KEYS_MAX]){
            {"name", name}, {"type", type}, {fallback ? "fallback" : NULL, fallback}});
    }
    size_t index;
    const char *key, *result = NULL;
    char why[200];
    if (channel_check_all((const struct channel_spec *const *)specs, count, &index, &key, why,
                          sizeof(why)) < 0) {
        snprintf(said, sizeof(said), "%s %s: %s", texts[index], key, why);
        result = said;
    }
    for (size_t i = 0; i < count; i++)
        channel_spec_free(specs[i]);
    return result;
}

static void test_all_together(void **state)
{
    (void)state;
    assert_null(check((const char *[]){"a>b", "b>c", "c", "d>log"}, 4));
    assert_null(check((const char *[]){"a>log", "log>b", "b"}, 3));
    assert_string_equal(check((const char *[]){"a", "b", "a"}, 3),
                        "a name: there are two channels called a");
    assert_string_equal(check((const char *[]){"a>b", "c"}, 2),
                        "a>b fallback: there is no channel called b");
    assert_string_equal(check((const char *[]){"x", "a>b", "b>c", "c>b"}, 4),
                        "a>b fallback: the fallbacks of a go round in a circle");
    assert_string_equal(check((const char *[]){"a>log", "log>a"}, 2),
                        "a>log fallback: the fallbacks of a go round in a circle");
    assert_string_equal(check((const char *[]){"a>w", "w"}, 2),
                        "a>w fallback: websocket cannot be one: nobody may be there to see it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),     cmocka_unit_test(test_everything),
        cmocka_unit_test(test_paths),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_keys),         cmocka_unit_test(test_lists_are_bounded),
        cmocka_unit_test(test_all_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
