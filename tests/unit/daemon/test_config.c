/*
 * test_config.c: the configuration as a whole: what each mistake is told as, to the column; who
 * wins; what stays; and that the documentation in the tree is what the table says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/mem.h"
#include "collect/select.h"
#include "config_fixture.h"
#include "daemon/config_table.h"

/* ---- mistakes ---------------------------------------------------------------------------- */

static void test_mistakes(void **state)
{
    static const struct {
        const char *text, *complaints;
    } cases[] = {
        /* values */
        {"collect:\n  interval: fast\n",
         "n.yaml:2:13: collect.interval: \"fast\" is not understood (expected a duration from 50ms "
         "to 60s, such as 500ms)"},
        {"collect: {interval: 1}",
         "n.yaml:1:21: collect.interval: \"1\" is not understood (expected a duration from 50ms to "
         "60s, such as 500ms)"},
        {"collect: {interval: 49ms}",
         "n.yaml:1:21: collect.interval: \"49ms\" is too little (expected a duration from 50ms to "
         "60s, such as 500ms)"},
        {"collect: {interval: 61s}",
         "n.yaml:1:21: collect.interval: \"61s\" is too much (expected a duration from 50ms to "
         "60s, such as 500ms)"},
        {"collect: {interval: 99999999999999999999s}",
         "n.yaml:1:21: collect.interval: \"99999999999999999999s\" is too much (expected a "
         "duration from 50ms to 60s, such as 500ms)"},
        {"collect: {series_limit: -5}",
         "n.yaml:1:25: collect.series_limit: \"-5\" is not understood (expected a whole number "
         "from 100 to 1000000, such as 50000)"},
        {"collect: {engines: magic}",
         "n.yaml:1:20: collect.engines: \"magic\" is not known here (expected a list of auto, "
         "ebpf, netlink, packet or procfs, such as [netlink, procfs])"},
        {"collect: {engines: [procfs, auto]}",
         "n.yaml:1:20: collect.engines: auto stands alone (expected auto, or names of engines)"},
        {"collect: {engines: []}",
         "n.yaml:1:20: collect.engines: nothing would be measured (expected auto, or names of "
         "engines)"},
        {"collect: {exclude_devices: [\"\"]}",
         "n.yaml:1:28: collect.exclude_devices: \"\" does not have the right form (expected a "
         "list, each item a name of 1 to 64 bytes, in which *, ? and [a-z] are wildcards, such as "
         "[\"veth*\", docker0])"},
        {"store: {durability: maximal}",
         "n.yaml:1:21: store.durability: \"maximal\" is not known here (expected normal or full, "
         "such as full)"},
        {"store: {max_size: 1MiB}",
         "n.yaml:1:19: store.max_size: \"1MiB\" is too little (expected a size from 16MiB to 1TiB, "
         "such as 500MiB)"},
        {"serve: {base_path: netsonde}",
         "n.yaml:1:20: serve.base_path: \"netsonde\" does not have the right form (expected a path "
         "that begins with / and holds letters, digits, / . _ ~ and -, such as /netsonde)"},
        {"serve: {listen: []}",
         "n.yaml:1:17: serve.listen: nobody could connect (expected at least one address)"},
        {"serve: {heartbeat: 80s}",
         "n.yaml:1:20: serve.idle_timeout: every viewer would be closed before it is asked "
         "(expected more than serve.heartbeat)"},
        {"serve: {idle_timeout: 30s}",
         "n.yaml:1:23: serve.idle_timeout: every viewer would be closed before it is asked "
         "(expected more than serve.heartbeat)"},
        {"collect: {interval: \"\\e[2J\\n\"}",
         "n.yaml:1:21: collect.interval: \"?[2J?\" is not understood (expected a duration from "
         "50ms to 60s, such as 500ms)"},
        /* shapes */
        {"collect: {interval: [1s]}",
         "n.yaml:1:21: a list does not belong here (expected a duration from 50ms to 60s)"},
        {"collect: {interval: {a: 1s}}",
         "n.yaml:1:21: a mapping does not belong here (expected a duration from 50ms to 60s)"},
        {"collect: {engines: [[procfs]]}",
         "n.yaml:1:21: a list does not belong here (expected a text)"},
        {"collect:\n  interval:\n  engines: auto\n",
         "n.yaml:2:12: collect.interval: the value is missing (expected a duration from 50ms to "
         "60s)"},
        {"collect: 1s", "n.yaml:1:10: collect: a section holds keys (expected KEY: VALUE)"},
        {"collect: [interval, 1s]",
         "n.yaml:1:10: collect: a section holds keys (expected KEY: VALUE)"},
        {"just words", "n.yaml:1:1: sections are missing (expected SECTION: {KEY: VALUE})"},
        {"- collect", "n.yaml:1:1: sections are missing (expected SECTION: {KEY: VALUE})"},
        {"[collect]: {interval: 1s}",
         "n.yaml:1:1: a list does not belong here (expected the name of a section)"},
        {"collect: {{a: b}: 1s}",
         "n.yaml:1:11: a mapping does not belong here (expected the name of a key)"},
        {"serve: {base_path: \"/a\\0b\"}", "n.yaml:1:20: a NUL character (expected text)"},
        /* names */
        {"colect:\n  interval: nonsense\n",
         "n.yaml:1:1: there is no section \"colect\" (did you mean collect?)"},
        {"zebra: {}", "n.yaml:1:1: there is no section \"zebra\" (expected one of collect, packet, "
                      "serve, auth, store, detect, alerting, export, channels, alerts)"},
        {"collect: {intervall: 1s}",
         "n.yaml:1:11: collect: there is no key \"intervall\" (did you mean interval?)"},
        {"collect: {itnerval: 1s}",
         "n.yaml:1:11: collect: there is no key \"itnerval\" (did you mean interval?)"},
        {"collect: {listen: 1s}",
         "n.yaml:1:11: collect: there is no key \"listen\" (it belongs into section serve)"},
        {"collect: {zebra: {a: [b, {c: d}]}}",
         "n.yaml:1:11: collect: there is no key \"zebra\" (see netsonde help dump-config)"},
        {"collect: {log_level: debug}",
         "n.yaml:1:11: collect: there is no key \"log_level\" (see netsonde help dump-config)"},
        /* twice */
        {"collect:\n  interval: 1s\n  interval: 2s\n",
         "n.yaml:3:3: the key interval is there twice (first in line 2)"},
        {"store: {}\nserve: {}\nstore: {raw: 1}\n",
         "n.yaml:3:1: the section store is there twice (first in line 1)"},
        {"store: {}\n---\nstore: {}\n", "n.yaml:2:1: a second document (expected one)"},
        /* what YAML can do and we do not */
        {"collect: {interval: &a 1s, tables_interval: *a}",
         "n.yaml:1:21: anchors and aliases are not used here (expected the value itself)\n"
         "n.yaml:1:45: anchors and aliases are not used here (expected the value itself)"},
        {"collect: &c\n  interval: 1s\nserve: *c\n",
         "n.yaml:1:10: anchors and aliases are not used here (expected the value itself)\n"
         "n.yaml:3:8: anchors and aliases are not used here (expected the value itself)"},
        {"collect: {interval: !!str 1s}",
         "n.yaml:1:21: tags are not used here (expected the value itself)"},
        {"collect: {zebra: [[[[[[[[[[1]]]]]]]]]]}",
         "n.yaml:1:11: collect: there is no key \"zebra\" (see netsonde help dump-config)\n"
         "n.yaml:1:26: nested too deeply (expected SECTION: {KEY: VALUE})"},
        /* broken YAML: what was read before it is told, too */
        {"collect: {interval: 1\nserve:\n",
         "n.yaml:1:21: collect.interval: \"1 serve\" is not understood (expected a duration from "
         "50ms to 60s, such as 500ms)\n"
         "n.yaml:2:6: did not find expected ',' or '}' while parsing a flow mapping (expected "
         "valid YAML)"},
        {"collect:\n  interval: 7\n  series_limit: 500\n  engines: @x\n",
         "n.yaml:2:13: collect.interval: \"7\" is not understood (expected a duration from 50ms to "
         "60s, such as 500ms)\n"
         "n.yaml:4:12: found character that cannot start any token while scanning for the next "
         "token (expected valid YAML)"},
        {"collect:\n  \xff\xfe: 1\n",
         "n.yaml:2:3: invalid leading UTF-8 octet (expected UTF-8 text)"},
        /* all at once, in their order */
        {"collect:\n  interval: 1h\n  intervals: 2s\nstorage:\n  raw: 1\nstore:\n  raw: x\n",
         "n.yaml:2:13: collect.interval: \"1h\" is too much (expected a duration from 50ms to 60s, "
         "such as 500ms)\n"
         "n.yaml:3:3: collect: there is no key \"intervals\" (did you mean interval?)\n"
         "n.yaml:4:1: there is no section \"storage\" (did you mean store?)\n"
         "n.yaml:7:8: store.raw: \"x\" is not understood (expected a duration from 10m to 1y, such "
         "as 7d)"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(load(f, cases[i].text), -EINVAL);
        assert_complaints(f, cases[i].text, cases[i].complaints);
    }
}

static void test_forms(void **state)
{
    static const struct {
        const char *key, *value;
        bool good;
    } cases[] = {
        {"listen", "127.0.0.1:7477", true},
        {"listen", "[::1]:7477", true},
        {"listen", ":80", true},
        {"listen", "localhost:0", true},
        {"listen", "[::1]", false},
        {"listen", "::1:80", false},
        {"listen", "127.0.0.1", false},
        {"listen", "127.0.0.1:", false},
        {"listen", "127.0.0.1:65536", false},
        {"listen", "127.0.0.1:-1", false},
        {"listen", "[1.2.3.4]:80", false},
        {"listen", "a b:80", false},
        {"listen", "127.0.0.1:000080", false},
        {"listen", "[]:80", false},
        {"base_path", "/", true},
        {"base_path", "/a/b-c_d.e~", true},
        {"base_path", "/a//b", false},
        {"base_path", "/../a", false},
        {"base_path", "/a?b", false},
        {"base_path", "a", false},
        {"trusted_proxies", "10.0.0.1", true},
        {"trusted_proxies", "::1", true},
        {"trusted_proxies", "proxy", false},
        {"trusted_proxies", "10.0.0.0/8", true},
        {"trusted_proxies", "10.0.0.1/8", false},
        {"trusted_proxies", "[::1]", false},
        {"allowed_hosts", "a.example", true},
        {"allowed_hosts", "::1", true},
        {"allowed_hosts", "a.example:80", false},
        {"allowed_hosts", "http://a", false},
        {"allowed_origins", "https://a.example", true},
        {"allowed_origins", "http://a.example:8080", true},
        {"allowed_origins", "http://[::1]:8080", true},
        {"allowed_origins", "http://[::1]", true},
        {"allowed_origins", "https://a.example/", false},
        {"allowed_origins", "https://", false},
        {"allowed_origins", "https://:80", false},
        {"allowed_origins", "a.example", false},
        {"allowed_origins", "ftp://a", false},
        {"allowed_origins", "http://a:99999", false},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[128];
        snprintf(text, sizeof(text), "serve: {%s: \"%s\"}", cases[i].key, cases[i].value);
        int err = load(f, text);
        if ((err == 0) != cases[i].good)
            fail_msg("%s: %s", text, err ? f->complaints : "was taken");
    }
}

static void test_files_that_cannot_be(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load_with(f, NULL, 0), -ENOENT);
    assert_complaints(f, "",
                      "n.yaml: cannot be read: No such file or directory (expected a text "
                      "file)");
    assert_int_equal(mkdir(f->file, 0700), 0);
    assert_int_equal(load_with(f, NULL, 0), -EISDIR);
    assert_complaints(f, "", "n.yaml: cannot be read: Is a directory (expected a text file)");
    assert_int_equal(rmdir(f->file), 0);
    assert_int_equal(mkfifo(f->file, 0600), 0); /* must not wait for a writer */
    assert_int_equal(load_with(f, NULL, 0), -EINVAL);
    assert_int_equal(unlink(f->file), 0);

    size_t len = 1024 * 1024 + 1;
    char *large = mem_alloc(len);
    memset(large, '#', len);
    write_file(f->file, large, len);
    assert_int_equal(load_with(f, NULL, 0), -EFBIG);
    assert_complaints(f, "", "n.yaml: the file is too large (expected at most 1MiB)");
    write_file(f->file, large, len - 1);
    assert_int_equal(load_with(f, NULL, 0), 0);
    memset(large, '[', len - 1); /* a parser that recursed would fall here */
    write_file(f->file, large, len - 1);
    assert_int_equal(load_with(f, NULL, 0), -EINVAL);
    free(large);
}

/* ---- what holds -------------------------------------------------------------------------- */

static void test_defaults(void **state)
{
    struct fixture *f = *state;
    static const char *const empty[] = {"",           "# nothing\n",   "---\n",
                                        "collect:\n", "collect: {}\n", "{}"};
    for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
        assert_loads(f, empty[i]);
        const struct config *c = f->config;
        assert_int_equal(c->collect.interval_ms, 1000);
        assert_int_equal(c->collect.engines.count, 1);
        assert_string_equal(c->collect.engines.items[0], "auto");
        assert_int_equal(c->collect.exclude_devices.count, 0);
        assert_int_equal(c->collect.tables_interval_ms, 1000);
        assert_int_equal(c->collect.series_limit, 20000);
        assert_int_equal(c->serve.listen.count, 2);
        assert_string_equal(c->serve.listen.items[0], "127.0.0.1:7477");
        assert_string_equal(c->serve.listen.items[1], "[::1]:7477");
        assert_int_equal(c->serve.max_clients, 20000);
        assert_int_equal(c->serve.max_clients_per_address, 1000);
        assert_int_equal(c->serve.heartbeat_ms, 30000);
        assert_int_equal(c->serve.idle_timeout_ms, 75000);
        assert_int_equal(c->serve.client_queue_bytes, 1 << 20);
        assert_string_equal(c->serve.base_path, "/");
        assert_int_equal(c->serve.trusted_proxies.count, 0);
        assert_int_equal(c->store.raw_ms, 48 * 3600 * 1000);
        assert_int_equal(c->store.events_ms, 7 * 86400 * 1000);
        assert_true(c->store.max_size_bytes == UINT64_C(2) << 30);
        assert_int_equal(c->store.durability, CONFIG_DURABILITY_NORMAL);
        assert_int_equal(c->export.metrics_series_limit, 5000);
        assert_int_equal(c->log_level, LOG_LEVEL_INFO);
        assert_false(config_is_set(c, "serve", "listen"));
    }
}

/* Without -c a missing file is no mistake; this also reads /etc, where a test host has none. */
static void test_default_file_may_miss(void **state)
{
    struct fixture *f = *state;
    if (access(CONFIG_FILE_DEFAULT, F_OK) == 0)
        skip();
    struct config_sources sources = {.environment = f->environment};
    assert_int_equal(config_load(&sources, &f->config, stderr), 0);
    assert_int_equal(f->config->collect.interval_ms, 1000);
}

static void test_precedence(void **state)
{
    struct fixture *f = *state;
    const struct config_flag flags[] = {{"--interval", "200ms"}};
    const char *text = "collect: {interval: 2s, engines: [netlink]}\nstore: {raw: 1d}\n";
    assert_loads(f, text);
    assert_int_equal(f->config->collect.interval_ms, 2000);

    write_conf_d(f, "20.yaml", "collect: {interval: 4s}");
    write_conf_d(f, "10.yaml", "collect: {interval: 3s, engines: procfs}");
    write_conf_d(f, "30.yml", "collect: {interval: nonsense}"); /* another name: not ours */
    write_conf_d(f, ".40.yaml", "collect: {interval: nonsense}");
    assert_loads(f, text);
    assert_int_equal(f->config->collect.interval_ms, 4000);
    assert_int_equal(f->config->collect.engines.count, 1); /* lists replace, too */
    assert_string_equal(f->config->collect.engines.items[0], "procfs");
    assert_int_equal(f->config->store.raw_ms, 86400 * 1000);

    f->environment[1] = (char[]){"NETSONDE_COLLECT_INTERVAL=5s"};
    assert_loads(f, text);
    assert_int_equal(f->config->collect.interval_ms, 5000);
    assert_true(config_is_set(f->config, "collect", "interval"));

    assert_int_equal(load_with(f, flags, 1), 0);
    assert_int_equal(f->config->collect.interval_ms, 200);
}

static void test_conf_d_mistakes_name_their_file(void **state)
{
    struct fixture *f = *state;
    write_conf_d(f, "10.yaml", "collect:\n  interval: never");
    assert_int_equal(load(f, "store: {raw: never}"), -EINVAL);
    assert_complaints(f, "",
                      "n.yaml:1:14: store.raw: \"never\" is not understood (expected a duration "
                      "from 10m to 1y, such as 7d)\n"
                      "conf.d/10.yaml:2:13: collect.interval: \"never\" is not understood "
                      "(expected a duration from 50ms to 60s, such as 500ms)");
}

static void test_environment_and_flags(void **state)
{
    struct fixture *f = *state;
    f->environment[1] = (char[]){"NETSONDE_SERVE_LISTEN=127.0.0.1:1, [::1]:2"};
    f->environment[2] = (char[]){"NETSONDE_LOG_LEVEL=debug"};
    f->environment[3] = (char[]){"NETSONDE_NO_SUCH_KEY=1"}; /* a warning, no mistake */
    f->environment[4] = (char[]){"NETSONDE_COLLECT_EXCLUDE_DEVICES="};
    assert_loads(f, "collect: {exclude_devices: [lo]}");
    assert_int_equal(f->config->serve.listen.count, 2);
    assert_string_equal(f->config->serve.listen.items[1], "[::1]:2");
    assert_int_equal(f->config->log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(f->config->collect.exclude_devices.count, 0);

    const struct config_flag flags[] = {{"--listen", "127.0.0.1:3"},
                                        {"--log-level", "error"},
                                        {"--listen", "127.0.0.1:4"},
                                        {"--engine", "procfs,netlink"}};
    assert_int_equal(load_with(f, flags, 4), 0);
    assert_int_equal(f->config->serve.listen.count, 2);
    assert_string_equal(f->config->serve.listen.items[0], "127.0.0.1:3");
    assert_string_equal(f->config->serve.listen.items[1], "127.0.0.1:4");
    assert_int_equal(f->config->log_level, LOG_LEVEL_ERROR);
    assert_int_equal(f->config->collect.engines.count, 2);

    f->environment[1] = (char[]){"NETSONDE_COLLECT_INTERVAL=1 s"};
    const struct config_flag bad[] = {{"--engine", "procfs,,netlink"}};
    assert_int_equal(load_with(f, bad, 1), -EINVAL);
    assert_complaints(f, "",
                      "NETSONDE_COLLECT_INTERVAL: collect.interval: \"1 s\" is not understood "
                      "(expected a duration from 50ms to 60s, such as 500ms)\n"
                      "--engine: collect.engines: \"\" is not known here (expected a list of auto, "
                      "ebpf, netlink, packet or procfs, such as [netlink, procfs])");
}

static void test_check_flag(void **state)
{
    char why[256] = "";
    (void)state;
    assert_true(config_check_flag(&(struct config_flag){"--listen", ":80"}, why, sizeof(why)));
    assert_false(config_check_flag(&(struct config_flag){"--interval", "x"}, why, sizeof(why)));
    assert_string_equal(why, "--interval: \"x\" is not understood (expected a duration from 50ms "
                             "to 60s, such as 500ms)");
}

static void test_data_dir(void **state)
{
    struct fixture *f = *state;
    bool root = geteuid() == 0;
    const struct config_flag flag = {"--data-dir", "/flag"};
    assert_loads(f, "");
    assert_string_equal(f->config->data_dir,
                        root ? "/var/lib/netsonde" : "/home/u/.local/share/netsonde");
    f->environment[1] = (char[]){"XDG_DATA_HOME=/data"};
    assert_loads(f, "");
    assert_string_equal(f->config->data_dir, root ? "/var/lib/netsonde" : "/data/netsonde");
    f->environment[2] = (char[]){"STATE_DIRECTORY=/state/a:/state/b"};
    assert_loads(f, "");
    assert_string_equal(f->config->data_dir, "/state/a");
    assert_int_equal(load_with(f, &flag, 1), 0);
    assert_string_equal(f->config->data_dir, "/flag");
}

static void test_old_stays(void **state)
{
    struct fixture *f = *state;
    assert_loads(f, "collect: {interval: 2s}");
    struct config *before = f->config, *fresh = before;
    struct config_sources sources = {.file = f->file, .environment = f->environment};
    write_text(f->file, "collect: {interval: 2x}");
    FILE *nowhere = fopen("/dev/null", "w");
    assert_int_equal(config_load(&sources, &fresh, nowhere), -EINVAL);
    fclose(nowhere);
    assert_ptr_equal(fresh, before);
    assert_int_equal(before->collect.interval_ms, 2000);
}

/* ---- the table --------------------------------------------------------------------------- */

static void test_table_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_rows_count; i++) {
        const struct config_row *row = &config_rows[i];
        assert_true(row->section == NULL || config_section_find(row->section));
        assert_ptr_equal(config_row_find(row->section, row->key), row);
        assert_true(row->doc && row->example && row->doc[strlen(row->doc) - 1] == '.');
        assert_true(!row->flag || config_row_by_flag(row->flag) == row);
        assert_true(row->type != CONFIG_WORD || row->words);
    }
}

static void test_examples_load(void **state)
{
    struct fixture *f = *state;
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < config_rows_count; i++) {
        const struct config_row *row = &config_rows[i];
        if (!row->section)
            continue;
        if (i == 0 || !config_rows[i - 1].section ||
            strcmp(config_rows[i - 1].section, row->section) != 0)
            buf_printf(&text, "%s:\n", row->section);
        buf_printf(&text, "  %s: %s\n", row->key, row->example);
    }
    assert_loads(f, buf_string(&text));
    buf_fini(&text);
    for (size_t i = 0; i < config_rows_count; i++) {
        if (config_rows[i].section)
            assert_true(config_is_set(f->config, config_rows[i].section, config_rows[i].key));
    }
}

/* The words for engines are those that there are. */
static void test_engines_exist(void **state)
{
    const char *const *words = config_row_find("collect", "engines")->words;
    size_t engines = 0, known = 0;
    (void)state;
    for (size_t i = 0; collector_engine_name(i); i++, engines++) {
        for (size_t j = 0; words[j]; j++)
            known += strcmp(words[j], collector_engine_name(i)) == 0;
    }
    assert_int_equal(known, engines);
    assert_null(words[engines + 1]); /* and "auto" */
}

static void test_dump_loads_back(void **state)
{
    struct fixture *f = *state;
    f->environment[1] = (char[]){"NETSONDE_STORE_RAW=3d"};
    assert_loads(f, "collect: {interval: 1.5s, exclude_devices: [\"veth*\", \"a, b\", '- x']}\n"
                    "serve: {base_path: /x}\n");
    struct buf first = BUF_INIT;
    config_dump_yaml(f->config, &first);
    assert_non_null(strstr(buf_string(&first), "n.yaml:1:21; default 1s\n"));
    assert_non_null(strstr(buf_string(&first), "# env NETSONDE_STORE_RAW; default 48h\n"));
    assert_non_null(strstr(buf_string(&first), "  max_clients: 20000"));
    f->environment[1] = NULL;
    assert_loads(f, buf_string(&first));
    assert_int_equal(f->config->collect.interval_ms, 1500);
    assert_int_equal(f->config->store.raw_ms, 3 * 86400 * 1000);
    assert_int_equal(f->config->collect.exclude_devices.count, 3);
    assert_string_equal(f->config->collect.exclude_devices.items[1], "a, b");
    assert_string_equal(f->config->collect.exclude_devices.items[2], "- x");
    buf_fini(&first);
}

static void test_dump_json(void **state)
{
    struct fixture *f = *state;
    struct buf out = BUF_INIT;
    assert_loads(f, "collect: {series_limit: 500}");
    config_dump_json(f->config, &out);
    json_t *root = json_loads(buf_string(&out), 0, NULL);
    assert_non_null(root);
    json_t *rows = json_object_get(root, "config");
    assert_int_equal(json_array_size(rows), config_rows_count);
    size_t seen = 0;
    for (size_t i = 0; i < config_rows_count; i++) {
        json_t *row = json_array_get(rows, i);
        const char *key = json_string_value(json_object_get(row, "key"));
        json_t *value = json_object_get(row, "value");
        if (strcmp(key, "collect.series_limit") == 0) {
            assert_int_equal(json_integer_value(value), 500);
            assert_int_equal(json_integer_value(json_object_get(row, "default")), 20000);
            const char *from = json_string_value(json_object_get(row, "from"));
            assert_non_null(strstr(from, "n.yaml:1:25"));
            seen++;
        } else if (strcmp(key, "serve.listen") == 0) {
            assert_int_equal(json_array_size(value), 2);
            assert_string_equal(json_string_value(json_object_get(row, "from")), "default");
            seen++;
        }
    }
    assert_int_equal(seen, 2);
    json_decref(root);
    buf_fini(&out);
}

/* ---- documentation in the tree ----------------------------------------------------------- */

static void assert_file_is(const char *path, const char *expected, const char *how)
{
    FILE *file = fopen(path, "r");
    struct buf content = BUF_INIT;
    assert_non_null(file);
    for (char *room; (room = buf_reserve(&content, 4096));) {
        size_t got = fread(room, 1, 4096, file);
        content.len += got;
        if (!got)
            break;
    }
    fclose(file);
    if (strcmp(buf_string(&content), expected) != 0)
        fail_msg("%s is not what the table says; write it again with: %s", path, how);
    buf_fini(&content);
}

static void test_documentation_is_current(void **state)
{
    struct buf out = BUF_INIT;
    (void)state;
    config_print_markdown(&out);
    assert_file_is(DOCS "/CONFIG.md", buf_string(&out),
                   "netsonde dump-config --documentation markdown >docs/CONFIG.md");
    buf_clear(&out);
    config_print_man(&out);
    assert_file_is(DOCS "/man/netsonde.yaml.5", buf_string(&out),
                   "netsonde dump-config --documentation man >docs/man/netsonde.yaml.5");
    buf_fini(&out);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_mistakes),
        CASE(test_forms),
        CASE(test_files_that_cannot_be),
        CASE(test_defaults),
        CASE(test_default_file_may_miss),
        CASE(test_precedence),
        CASE(test_conf_d_mistakes_name_their_file),
        CASE(test_environment_and_flags),
        CASE(test_check_flag),
        CASE(test_data_dir),
        CASE(test_old_stays),
        CASE(test_table_is_sound),
        CASE(test_examples_load),
        CASE(test_engines_exist),
        CASE(test_dump_loads_back),
        CASE(test_dump_json),
        CASE(test_documentation_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
