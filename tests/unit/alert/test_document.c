/* test_document.c: the keys of a rule and the default rules as the documentation has them. Run with
 * --write to bring it up to date. */
#include "../document.h"

#include "alert/rule.h"

static void wanted_keys(struct buf *out)
{
    buf_text(out, "| key | what it takes | meaning |\n| --- | --- | --- |\n");
    const struct rule_key *k;
    for (size_t i = 0; (k = rule_key_at(i)); i++)
        buf_printf(out, "| `%s` | %s%s | %s |\n", k->name, k->expected, k->list ? "; several" : "",
                   k->doc);
}

static void put_key(void *user, const char *key, const char *text)
{
    struct buf *out = user;
    const char *equals = strcmp(key, "match") == 0 ? strchr(text, '=') : NULL;
    bool plain = text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789_.")] == '\0';
    if (strcmp(key, "name") == 0)
        buf_printf(out, "  - name: %s\n", text);
    else if (equals)
        buf_printf(out, "    match: {%.*s: \"%s\"}\n", (int)(equals - text), text, equals + 1);
    else
        buf_printf(out, plain ? "    %s: %s\n" : "    %s: \"%s\"\n", key, text);
}

static void wanted_rules(struct buf *out)
{
    struct rule **rules;
    size_t count = rules_default(&rules);
    buf_text(out, "```yaml\nalerts:\n");
    for (size_t i = 0; i < count; i++) {
        rule_each_key(rules[i], put_key, out);
        rule_unref(rules[i]);
    }
    buf_text(out, "```\n");
    free(rules);
}

static const struct {
    const char *name;
    void (*make)(struct buf *out);
} parts[] = {{"rule keys", wanted_keys}, {"default rules", wanted_rules}};

static void test_document(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        struct buf wanted = BUF_INIT;
        parts[i].make(&wanted);
        document_compare(DOCUMENT, parts[i].name, &wanted);
        buf_fini(&wanted);
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--write") == 0) {
        int code = 0;
        for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
            struct buf wanted = BUF_INIT;
            parts[i].make(&wanted);
            code |= document_write(DOCUMENT, parts[i].name, &wanted);
            buf_fini(&wanted);
        }
        return code;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_document)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
