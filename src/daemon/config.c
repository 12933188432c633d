/*
 * config.c: puts a configuration together, the weakest source first: defaults, the file, conf.d,
 * environment, flags. A later value simply replaces an earlier one, and for each row an origin
 * remembers who had the last word and in which words. At the end come the rules that concern more
 * than one key. The struct is built on one thread and never changed after config_load.
 */
#include "daemon/config.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "daemon/config_lists.h"
#include "daemon/config_value.h"

/* ---- complaints and values --------------------------------------------------------------- */

void config_complain(struct config_loader *l, const struct config_place *at, const char *format,
                     ...)
{
    l->mistakes++;
    if (at->line)
        fprintf(l->complaints, "%s:%zu:%zu: ", at->name, at->line, at->column);
    else if (at->name)
        fprintf(l->complaints, "%s: ", at->name);
    va_list args;
    va_start(args, format);
    vfprintf(l->complaints, format, args);
    va_end(args);
    fputc('\n', l->complaints);
}

static void note_origin(struct config *c, const struct config_row *row,
                        const struct config_place *at, const struct config_list *texts)
{
    struct config_origin *origin = &c->origins[config_row_index(row)];
    free(origin->name);
    config_list_fini(&origin->texts);
    *origin = (struct config_origin){
        .source = at->source,
        .name = at->name ? mem_string(at->name) : NULL,
        .line = at->line,
        .column = at->column,
    };
    config_list_copy(&origin->texts, texts);
}

void config_assign(struct config_loader *l, const struct config_row *row,
                   const struct config_place *at, const struct config_list *texts)
{
    CLEANUP(buf_fini) struct buf why = BUF_INIT;
    if (config_value_set(row, l->config, texts, &why) == 0) {
        note_origin(l->config, row, at, texts);
        return;
    }
    CLEANUP(buf_fini) struct buf name = BUF_INIT;
    config_row_name(row, &name);
    config_complain(l, at, "%s: %s", buf_string(&name), buf_string(&why));
}

/* One text, as environment and flags have it; a list has commas. */
static void assign_text(struct config_loader *l, const struct config_row *row,
                        const struct config_place *at, const char *text)
{
    struct config_list texts = {0};
    if (row->type == CONFIG_TEXTS)
        config_list_split(&texts, text);
    else
        config_list_add(&texts, text);
    config_assign(l, row, at, &texts);
    config_list_fini(&texts);
}

static void load_defaults(struct config_loader *l)
{
    for (size_t i = 0; i < config_rows_count; i++) {
        if (config_rows[i].value)
            assign_text(l, &config_rows[i], &(struct config_place){0}, config_rows[i].value);
    }
    CHECK(l->mistakes == 0);
}

/* ---- files ------------------------------------------------------------------------------- */

static int is_yaml(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".yaml") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* not by locale: the same order everywhere */
}

/* The directory part of a path, owned. */
static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? mem_string_n(path, (size_t)(slash - path) + 1) : mem_string("./");
}

static int load_directory(struct config_loader *l, const char *file)
{
    CLEANUP(mem_freep) char *parent = directory_of(file);
    CLEANUP(mem_freep)
    char *directory = mem_printf("%sconf.d", strcmp(parent, "./") == 0 ? "" : parent);
    struct dirent **entries;
    int count = scandir(directory, &entries, is_yaml, by_name);
    if (count < 0 && errno == ENOENT)
        return 0;
    if (count < 0) {
        int err = -errno;
        struct config_place at = {.source = CONFIG_FROM_FILE, .name = directory};
        config_complain(l, &at, "cannot be read: %s (expected a directory)", strerror(-err));
        return err;
    }
    int first_err = 0;
    for (int i = 0; i < count; i++) {
        CLEANUP(mem_freep) char *path = mem_printf("%s/%s", directory, entries[i]->d_name);
        int err = config_file_read(l, path, true);
        if (err && !first_err)
            first_err = err;
        free(entries[i]);
    }
    free(entries);
    return first_err;
}

static int load_files(struct config_loader *l, const struct config_sources *sources)
{
    const char *file = sources->file ? sources->file : CONFIG_FILE_DEFAULT;
    int err = config_file_read(l, file, sources->file != NULL);
    int err_directory = load_directory(l, file);
    return err ? err : err_directory;
}

/* ---- environment and flags --------------------------------------------------------------- */

/* The value of NAME in the environment that the sources name; NULL: not set, or empty. */
static const char *get_variable(const struct config_sources *sources, const char *name)
{
    char *const *env = sources->environment ? sources->environment : environ;
    size_t len = strlen(name);
    for (; *env; env++) {
        if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
            return (*env)[len + 1] ? *env + len + 1 : NULL;
    }
    return NULL;
}

static const struct config_row *row_of_variable(const char *name)
{
    for (size_t i = 0; i < config_rows_count; i++) {
        CLEANUP(buf_fini) struct buf variable = BUF_INIT;
        config_row_environment(&config_rows[i], &variable);
        if (strcmp(buf_string(&variable), name) == 0)
            return &config_rows[i];
    }
    return NULL;
}

static void load_environment(struct config_loader *l, const struct config_sources *sources)
{
    char *const *env = sources->environment ? sources->environment : environ;
    for (; *env; env++) {
        const char *equals = strchr(*env, '=');
        if (strncmp(*env, "NETSONDE_", 9) != 0 || !equals)
            continue;
        CLEANUP(mem_freep) char *name = mem_string_n(*env, (size_t)(equals - *env));
        const struct config_row *row = row_of_variable(name);
        struct config_place at = {.source = CONFIG_FROM_ENVIRONMENT, .name = name};
        if (row)
            assign_text(l, row, &at, equals + 1);
        else if (strcmp(name, "NETSONDE_TOKEN") != 0) /* of `bench --publish` */
            log_warning("config", "%s is set, but there is no such key; it is ignored", name);
    }
}

static void load_flags(struct config_loader *l, const struct config_sources *sources)
{
    for (size_t i = 0; i < sources->flags_count; i++) {
        const char *flag = sources->flags[i].flag;
        const struct config_row *row = config_row_by_flag(flag);
        CHECK(row);
        struct config_place at = {.source = CONFIG_FROM_FLAG, .name = flag};
        if (row->type != CONFIG_TEXTS) {
            assign_text(l, row, &at, sources->flags[i].text);
            continue;
        }
        /* All of the same flag make one list, set again with each of them. */
        struct config_list texts = {0};
        for (size_t j = 0; j <= i; j++) {
            if (strcmp(sources->flags[j].flag, flag) == 0)
                config_list_split(&texts, sources->flags[j].text);
        }
        config_assign(l, row, &at, &texts);
        config_list_fini(&texts);
    }
}

bool config_check_flag(const struct config_flag *flag, char *why, size_t why_size)
{
    const struct config_row *row = config_row_by_flag(flag->flag);
    CHECK(row);
    struct config scratch = {0};
    struct config_list texts = {0};
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    if (row->type == CONFIG_TEXTS)
        config_list_split(&texts, flag->text);
    else
        config_list_add(&texts, flag->text);
    bool ok = config_value_set(row, &scratch, &texts, &text) == 0;
    if (!ok)
        snprintf(why, why_size, "%s: %s", flag->flag, buf_string(&text));
    config_value_fini(row, &scratch);
    config_list_fini(&texts);
    return ok;
}

/* ---- what no single row can say ---------------------------------------------------------- */

static void set_data_dir(struct config_loader *l, const char *path, const char *variable)
{
    struct config_place at = {.source = variable ? CONFIG_FROM_ENVIRONMENT : CONFIG_DEFAULT,
                              .name = variable};
    struct config_list texts = {0};
    config_list_add(&texts, path);
    config_assign(l, config_row_find(NULL, "data_dir"), &at, &texts);
    config_list_fini(&texts);
}

static void find_data_dir(struct config_loader *l, const struct config_sources *sources)
{
    const char *value;
    if (l->config->data_dir)
        return;
    if ((value = get_variable(sources, "STATE_DIRECTORY"))) {
        /* systemd lists several with colons; ours is the first. */
        CLEANUP(mem_freep) char *first = mem_string_n(value, strcspn(value, ":"));
        set_data_dir(l, first, "STATE_DIRECTORY");
    } else if (geteuid() == 0) {
        set_data_dir(l, "/var/lib/netsonde", NULL);
    } else if ((value = get_variable(sources, "XDG_DATA_HOME")) && value[0] == '/') {
        CLEANUP(mem_freep) char *path = mem_printf("%s/netsonde", value);
        set_data_dir(l, path, "XDG_DATA_HOME");
    } else if ((value = get_variable(sources, "HOME")) && value[0] == '/') {
        CLEANUP(mem_freep) char *path = mem_printf("%s/.local/share/netsonde", value);
        set_data_dir(l, path, NULL);
    } else {
        config_complain(l, &(struct config_place){0},
                        "data_dir: there is no home directory to keep data in (expected --data-dir "
                        "DIRECTORY)");
    }
}

struct config_place config_origin_place(const struct config *c, const char *section,
                                        const char *key)
{
    const struct config_origin *origin =
        &c->origins[config_row_index(config_row_find(section, key))];
    return (struct config_place){origin->source, origin->name, origin->line, origin->column};
}

static void check_together(struct config_loader *l)
{
    const struct config *c = l->config;
    if (c->serve.idle_timeout_ms <= c->serve.heartbeat_ms) {
        bool idle_set = config_is_set(c, "serve", "idle_timeout");
        struct config_place at =
            config_origin_place(c, "serve", idle_set ? "idle_timeout" : "heartbeat");
        config_complain(l, &at,
                        "serve.idle_timeout: every viewer would be closed before it is asked "
                        "(expected more than serve.heartbeat)");
    }
    for (size_t i = 0; c->collect.engines.count != 1 && i < c->collect.engines.count; i++) {
        if (strcmp(c->collect.engines.items[i], "auto") != 0)
            continue;
        struct config_place at = config_origin_place(c, "collect", "engines");
        config_complain(l, &at,
                        "collect.engines: auto stands alone (expected auto, or names of "
                        "engines)");
        break;
    }
    if (c->collect.engines.count == 0) {
        struct config_place at = config_origin_place(c, "collect", "engines");
        config_complain(l, &at,
                        "collect.engines: nothing would be measured (expected auto, or "
                        "names of engines)");
    }
    if (!*c->serve.tls_cert != !*c->serve.tls_key) {
        const char *given = *c->serve.tls_cert ? "tls_cert" : "tls_key";
        struct config_place at = config_origin_place(c, "serve", given);
        config_complain(l, &at,
                        "serve.%s: a certificate and its key belong together (expected "
                        "serve.%s, too)",
                        given, *c->serve.tls_cert ? "tls_key" : "tls_cert");
    }
    if (c->serve.listen.count == 0) {
        struct config_place at = config_origin_place(c, "serve", "listen");
        config_complain(l, &at,
                        "serve.listen: nobody could connect (expected at least one "
                        "address)");
    }
}

/* ---- life -------------------------------------------------------------------------------- */

int config_load(const struct config_sources *sources, struct config **ret, FILE *complaints)
{
    struct config_loader l = {.config = mem_alloc(sizeof(*l.config)), .complaints = complaints};
    l.config->origins = mem_array(config_rows_count, sizeof(*l.config->origins));
    load_defaults(&l);
    int err = load_files(&l, sources);
    load_environment(&l, sources);
    load_flags(&l, sources);
    find_data_dir(&l, sources);
    bool clean = !l.mistakes;
    if (clean)
        check_together(&l);
    config_lists_finish(&l, clean);
    if (!err && l.mistakes)
        err = -EINVAL;
    if (err)
        config_free(l.config);
    else
        *ret = l.config;
    return err;
}

void config_free(struct config *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < config_rows_count; i++) {
        config_value_fini(&config_rows[i], c);
        free(c->origins[i].name);
        config_list_fini(&c->origins[i].texts);
    }
    config_lists_fini(c);
    free(c->origins);
    free(c);
}

bool config_is_set(const struct config *c, const char *section, const char *key)
{
    const struct config_row *row = config_row_find(section, key);
    CHECK(row);
    return c->origins[config_row_index(row)].source != CONFIG_DEFAULT;
}
