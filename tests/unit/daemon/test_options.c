/* test_options.c: command lines: what they mean, and in which words the wrong ones are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/defs.h"
#include "daemon/options.h"

#define WORDS_MAX 40

static int parse(struct options *o, char *why, const char *line)
{
    static char copy[1024];
    char *argv[WORDS_MAX + 1] = {0}, *rest = NULL;
    int argc = 0;
    snprintf(copy, sizeof(copy), "netsonde %s", line);
    for (char *word = strtok_r(copy, " ", &rest); word && argc < WORDS_MAX;
         word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    return options_parse(o, argc, argv, why, 256);
}

static void assert_parses(struct options *o, const char *line)
{
    char why[256] = "";
    if (parse(o, why, line) != 0)
        fail_msg("%s: %s", line, why);
}

static void test_commands(void **state)
{
    static const struct {
        const char *line;
        enum command command;
        const char *argument;
    } cases[] = {
        {"", COMMAND_RUN, NULL},
        {"run", COMMAND_RUN, NULL},
        {"--interval 1s", COMMAND_RUN, NULL},
        {"--interval 1s query", COMMAND_QUERY, NULL},
        {"query --metric a*", COMMAND_QUERY, NULL},
        {"bench fanout --levels 10,20 --json", COMMAND_BENCH, "fanout"},
        {"bench", COMMAND_BENCH, NULL},
        {"detect", COMMAND_DETECT, NULL},
        {"detect --sigma 3 --json a.csv", COMMAND_DETECT, "a.csv"},
        {"detect -", COMMAND_DETECT, "-"},
        {"doctor --json --engine procfs", COMMAND_DOCTOR, NULL},
        {"check-config", COMMAND_CHECK_CONFIG, NULL},
        {"check-config a.yaml", COMMAND_CHECK_CONFIG, "a.yaml"},
        {"dump-config --json", COMMAND_DUMP_CONFIG, NULL},
        {"version", COMMAND_VERSION, NULL},
        {"-V", COMMAND_VERSION, NULL},
        {"query --version", COMMAND_VERSION, NULL},
        {"help", COMMAND_HELP, NULL},
        {"help query", COMMAND_HELP, "query"},
        {"--help", COMMAND_HELP, NULL},
        {"query -h", COMMAND_HELP, "query"},
        {"-h run", COMMAND_HELP, "run"},
        {"-h --metric x", COMMAND_HELP, NULL}, /* who asks for help gets it */
    };
    struct options o;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_parses(&o, cases[i].line);
        assert_int_equal(o.command, cases[i].command);
        if (cases[i].argument)
            assert_string_equal(o.arguments[0], cases[i].argument);
        else
            assert_null(o.arguments[0]);
    }
}

static void test_values(void **state)
{
    struct options o;
    (void)state;
    assert_parses(&o, "run -c n.yaml --data-dir=/d --listen :1 --listen :2 --engine auto "
                      "--log-level debug");
    assert_string_equal(o.sources.file, "n.yaml");
    assert_int_equal(o.sources.flags_count, 5);
    assert_ptr_equal(o.sources.flags, o.flags);
    assert_string_equal(o.flags[0].flag, "--data-dir");
    assert_string_equal(o.flags[0].text, "/d");
    assert_string_equal(o.flags[2].flag, "--listen");
    assert_string_equal(o.flags[2].text, ":2");

    assert_parses(&o, "query --metric m* --match a=b --match c=d --from -60 --to now --points 9 "
                      "--agg max --json");
    assert_string_equal(o.query.metric, "m*");
    assert_int_equal(o.query.matches_count, 2);
    assert_string_equal(o.query.matches[1], "c=d");
    assert_string_equal(o.query.from, "-60"); /* a value, though it begins like an option */
    assert_string_equal(o.query.to, "now");
    assert_string_equal(o.query.points, "9");
    assert_string_equal(o.query.agg, "max");
    assert_null(o.query.table);
    assert_parses(&o, "bench store --save-baseline a --compare b --threshold cpu=5 "
                      "--threshold size=1 --force --publish --token-file f --data-dir /d");
    assert_string_equal(o.bench.save, "a");
    assert_string_equal(o.bench.compare, "b");
    assert_int_equal(o.bench.limits_count, 2);
    assert_string_equal(o.bench.limits[1], "size=1");
    assert_true(o.bench.force && o.bench.publish);
    assert_null(o.bench.publish_url);
    assert_string_equal(o.bench.token_file, "f");
    assert_int_equal(o.sources.flags_count, 1);
    assert_parses(&o, "bench store --publish=http://h:1");
    assert_true(o.bench.publish);
    assert_string_equal(o.bench.publish_url, "http://h:1");
    assert_string_equal(o.arguments[0], "store");

    assert_parses(&o, "query --table connections --at now-1h --filter ssh --sort -rx_bytes "
                      "--limit 5");
    assert_string_equal(o.query.table, "connections");
    assert_string_equal(o.query.at, "now-1h");
    assert_string_equal(o.query.filter, "ssh");
    assert_string_equal(o.query.sort, "-rx_bytes");
    assert_string_equal(o.query.limit, "5");
    assert_parses(&o, "query --metric m --json");
    assert_true(o.json);

    assert_parses(&o, "check-config f.yaml");
    assert_string_equal(o.sources.file, "f.yaml");
    assert_parses(&o, "dump-config --documentation man");
    assert_string_equal(o.documentation, "man");
}

static void test_wrong_usage(void **state)
{
    static const struct {
        const char *line, *why;
    } cases[] = {
        {"frob", "there is no command \"frob\"; see netsonde help"},
        {"--frob", "--frob is no option"},
        {"-x", "-x is no option"},
        {"run --interval", "--interval needs a value"},
        {"run -c", "-c needs a value"},
        {"run --json=1", NULL},
        {"run --interval 5",
         "--interval: \"5\" is not understood (expected a duration from 50ms to 60s, such as "
         "500ms)"},
        {"run --json", "run takes no --json"},
        {"dump-config --metric x", "dump-config takes no --metric"},
        {"version --interval 1s", "version takes no --interval"},
        {"run now", "run: \"now\" is one word too many"},
        {"check-config a b", "check-config: \"b\" is one word too many"},
        {"check-config -c a b", "check-config: FILE is given twice, by --config and as a word"},
        {"help frob", "help: there is no command \"frob\""},
        {"dump-config --documentation html",
         "--documentation: \"html\" is not known (expected markdown or man)"},
    };
    struct options o;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char why[256] = "";
        int err = parse(&o, why, cases[i].line);
        if (err != -EINVAL || !*why || strchr(why, '\n'))
            fail_msg("%s: %d %s", cases[i].line, err, why);
        if (cases[i].why)
            assert_string_equal(why, cases[i].why);
    }
}

static void test_too_many(void **state)
{
    char *argv[2 * (OPTIONS_FLAGS_MAX + 1) + 2] = {(char[]){"netsonde"}};
    char option[] = "--log-level", value[] = "info", match[] = "--match", text[] = "a=b";
    struct options o;
    char why[256];
    (void)state;
    for (int i = 0; i <= OPTIONS_FLAGS_MAX; i++) {
        argv[1 + 2 * i] = option;
        argv[2 + 2 * i] = value;
    }
    assert_int_equal(options_parse(&o, 1 + 2 * OPTIONS_FLAGS_MAX, argv, why, sizeof(why)), 0);
    assert_int_equal(options_parse(&o, 3 + 2 * OPTIONS_FLAGS_MAX, argv, why, sizeof(why)), -EINVAL);
    for (int i = 0; i <= OPTIONS_MATCHES_MAX; i++) {
        argv[1 + 2 * i] = match;
        argv[2 + 2 * i] = text;
    }
    assert_int_equal(options_parse(&o, 3 + 2 * OPTIONS_MATCHES_MAX, argv, why, sizeof(why)),
                     -EINVAL);
}

static const char *read_manual(struct buf *text)
{
    FILE *file = fopen(DOCS "/man/netsonde.1", "r");
    assert_non_null(file);
    for (int c; (c = fgetc(file)) != EOF;) {
        if (c != '\\') /* \-\-json is --json */
            buf_char(text, (char)c);
    }
    fclose(file);
    return buf_string(text);
}

/* Every command has a help; it and the manual name every option of the command. */
static void test_help(void **state)
{
    struct buf manual = BUF_INIT, overview = BUF_INIT;
    const char *man = read_manual(&manual);
    (void)state;
    options_print_help(COMMANDS, &overview);
    for (unsigned c = 0; c < COMMANDS; c++) {
        struct buf help = BUF_INIT;
        const char *name = command_name((enum command)c);
        options_print_help((enum command)c, &help);
        assert_non_null(strstr(buf_string(&overview), name));
        assert_non_null(strstr(buf_string(&help), name));
        if (!strstr(man, name))
            fail_msg("netsonde.1 lacks %s", name);
        for (const char *at = buf_string(&help); (at = strstr(at, "--")); at += 2) {
            char option[32] = "";
            size_t len = strcspn(at, " ;.,\n");
            assert_true(len < sizeof(option));
            memcpy(option, at, len);
            if (!strstr(man, option))
                fail_msg("netsonde.1 lacks %s", option);
        }
        buf_fini(&help);
    }
    buf_fini(&overview);
    buf_fini(&manual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),    cmocka_unit_test(test_values),
        cmocka_unit_test(test_wrong_usage), cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
