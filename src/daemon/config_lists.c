/*
 * config_lists.c: see config_lists.h. An item is a draft of what it becomes: src/alert knows the
 * keys and judges each text, here every mistake gets its place. Beside the finished rule or channel
 * lies the item as it was written, for dump-config and for mistakes that only show when all files
 * are read (config_together.c).
 */
#include "daemon/config_lists.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alert/channel.h"
#include "alert/rule.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/config_reader.h"
#include "daemon/config_value.h"

#define CHANNELS_MAX 64
#define DEFAULT_RULES_MAX 10
#define WHY_MAX 512

/* ---- both kinds as one --------------------------------------------------------------------- */

struct kind {
    const char *name, *one, *doc, *example;
    size_t most;
    const char *map; /* the key whose value may be a mapping, label: glob; NULL: none */
    void *(*draft_new)(void);
    void (*draft_free)(void *draft);
    int (*set)(void *draft, const char *key, const char *text, char *why, size_t size);
    /* Uses the draft up and adds what it became; or -EINVAL. */
    int (*finish)(void *draft, struct config *c, const char **ret_key, char *why, size_t size);
    const char *(*name_at)(const struct config *c, size_t index);
    bool (*key_at)(size_t index, struct config_item_key *ret);
};

static void *rule_begin(void)
{
    return rule_draft_new(RULE_FROM_FILE);
}

static void rule_end(void *draft)
{
    rule_draft_free(draft);
}

static int rule_set(void *draft, const char *key, const char *text, char *why, size_t size)
{
    return rule_draft_set(draft, key, text, why, size);
}

static int rule_finish(void *draft, struct config *c, const char **ret_key, char *why, size_t size)
{
    struct rule *rule;
    int err = rule_draft_finish(draft, &rule, ret_key, why, size);
    if (err)
        return err;
    c->rules = mem_resize(c->rules, c->rules_count + 1, sizeof(*c->rules));
    c->rules[c->rules_count++] = rule;
    return 0;
}

static const char *rule_name_at(const struct config *c, size_t index)
{
    return c->rules[index]->name;
}

static bool rule_item_key_at(size_t index, struct config_item_key *ret)
{
    const struct rule_key *key = rule_key_at(index);
    if (key)
        *ret = (struct config_item_key){key->name, key->expected, key->doc, key->list};
    return key != NULL;
}

static void *channel_begin(void)
{
    return channel_draft_new();
}

static void channel_end(void *draft)
{
    channel_draft_free(draft);
}

static int channel_set(void *draft, const char *key, const char *text, char *why, size_t size)
{
    return channel_draft_set(draft, key, text, why, size);
}

static int channel_finish(void *draft, struct config *c, const char **ret_key, char *why,
                          size_t size)
{
    struct channel_spec *spec;
    int err = channel_draft_finish(draft, &spec, ret_key, why, size);
    if (err)
        return err;
    c->channels = mem_resize(c->channels, c->channels_count + 1, sizeof(*c->channels));
    c->channels[c->channels_count++] = spec;
    return 0;
}

static const char *channel_name_at(const struct config *c, size_t index)
{
    return c->channels[index]->name;
}

static bool channel_item_key_at(size_t index, struct config_item_key *ret)
{
    const struct channel_key *key = channel_key_at(index);
    if (key)
        *ret = (struct config_item_key){key->name, key->expected, key->doc, key->list};
    return key != NULL;
}

static const struct kind kinds[CONFIG_LISTS] = {
    [CONFIG_LIST_CHANNELS] =
        {.name = "channels",
         .one = "channel",
         .doc = "Where alerts are told. The channels `websocket` (the dashboard) and `log` (the "
                "daemon's own log) are there in any case.",
         .example = "channels:\n"
                    "  - name: ops\n"
                    "    type: webhook\n"
                    "    url: https://hooks.example.net/netsonde\n"
                    "    secret_file: /etc/netsonde/hook.token\n",
         .most = CHANNELS_MAX,
         .draft_new = channel_begin,
         .draft_free = channel_end,
         .set = channel_set,
         .finish = channel_finish,
         .name_at = channel_name_at,
         .key_at = channel_item_key_at},
    [CONFIG_LIST_ALERTS] =
        {.name = "alerts",
         .one = "rule",
         .doc = "What is an alert: rules, beside those that everybody has, which `netsonde "
                "dump-config` shows. A rule with the name of one of these takes its place; with "
                "`enabled: off` it turns it off.",
         .example = "alerts:\n"
                    "  - name: uplink_busy\n"
                    "    metric: node_network_transmit_bytes_total\n"
                    "    match: {device: \"eth*\"}\n"
                    "    warning: 800Mbit\n"
                    "    for: 1m\n"
                    "    channels: [log, websocket]\n",
         .most = RULES_MAX - DEFAULT_RULES_MAX,
         .map = "match",
         .draft_new = rule_begin,
         .draft_free = rule_end,
         .set = rule_set,
         .finish = rule_finish,
         .name_at = rule_name_at,
         .key_at = rule_item_key_at},
};

const char *config_list_name(enum config_list_kind kind)
{
    return kinds[kind].name;
}

const char *config_list_doc(enum config_list_kind kind)
{
    return kinds[kind].doc;
}

const char *config_list_example(enum config_list_kind kind)
{
    return kinds[kind].example;
}

bool config_list_key_at(enum config_list_kind kind, size_t index, struct config_item_key *ret)
{
    return kinds[kind].key_at(index, ret);
}

enum config_list_kind config_list_find(const char *name)
{
    int kind = 0;
    while (kind < CONFIG_LISTS && strcmp(kinds[kind].name, name) != 0)
        kind++;
    return (enum config_list_kind)kind;
}

size_t config_list_count(const struct config *c, enum config_list_kind kind)
{
    return kind == CONFIG_LIST_CHANNELS ? c->channels_count : c->rules_count;
}

/* ---- one item ------------------------------------------------------------------------------ */

struct item {
    struct reader *reader;
    const struct kind *kind;
    void *draft;
    struct config_entry entry;
};

static void entry_fini(struct config_entry *entry)
{
    for (size_t i = 0; i < entry->pairs_count; i++) {
        free(entry->pairs[i].key);
        free(entry->pairs[i].text);
    }
    free(entry->pairs);
    free(entry->file);
    *entry = (struct config_entry){0};
}

/* The first pair of that key; with `text` the one that has it. NULL: none. */
static const struct config_pair *find_pair(const struct config_entry *entry, const char *key,
                                           const char *text)
{
    for (size_t i = 0; i < entry->pairs_count; i++) {
        const struct config_pair *pair = &entry->pairs[i];
        if (strcmp(pair->key, key) == 0 && (!text || strcmp(pair->text, text) == 0))
            return pair;
    }
    return NULL;
}

struct config_place config_entry_place(const struct config_entry *entry, const char *key,
                                       const char *text)
{
    const struct config_pair *pair = find_pair(entry, key, text);
    return (struct config_place){
        .source = entry->file ? CONFIG_FROM_FILE : CONFIG_DEFAULT,
        .name = entry->file,
        .line = pair ? pair->line : entry->line,
        .column = pair ? pair->column : entry->column,
    };
}

static void set_text(struct item *item, const char *key, const struct config_place *at,
                     const char *text)
{
    char why[WHY_MAX] = "";
    struct config_entry *entry = &item->entry;
    if (item->kind->set(item->draft, key, text, why, sizeof(why)) < 0) {
        config_complain(item->reader->loader, at, "%s.%s: %s", item->kind->name, key, why);
        return;
    }
    entry->pairs = mem_resize(entry->pairs, entry->pairs_count + 1, sizeof(*entry->pairs));
    entry->pairs[entry->pairs_count++] =
        (struct config_pair){mem_string(key), mem_string(text), at->line, at->column};
}

/* `match: {device: "eth*"}` is device=eth*. */
static void read_map(struct item *item, const char *key)
{
    struct reader *r = item->reader;
    for (reader_next(r); !reader_at_end(r, YAML_MAPPING_END_EVENT); reader_next(r)) {
        CLEANUP(mem_freep) char *label = reader_take_scalar(r, "the name of a label");
        reader_next(r);
        struct config_place at = reader_here(r);
        CLEANUP(mem_freep) char *glob = reader_take_scalar(r, "a text");
        if (!label || !glob)
            continue;
        CLEANUP(mem_freep) char *text = mem_printf("%s=%s", label, glob);
        set_text(item, key, &at, text);
    }
}

static void read_value(struct item *item, const struct config_item_key *key)
{
    struct reader *r = item->reader;
    struct config_place at = reader_here(r);
    if (reader_is_empty(r)) {
        config_complain(r->loader, &at, "%s.%s: the value is missing (expected %s)",
                        item->kind->name, key->name, key->expected);
        return;
    }
    if (r->event.type == YAML_MAPPING_START_EVENT && item->kind->map &&
        strcmp(item->kind->map, key->name) == 0) {
        read_map(item, key->name);
        return;
    }
    bool many = r->event.type == YAML_SEQUENCE_START_EVENT && key->list;
    if (!many) {
        CLEANUP(mem_freep) char *text = reader_take_scalar(r, key->expected);
        if (text)
            set_text(item, key->name, &at, text);
        return;
    }
    for (reader_next(r); !reader_at_end(r, YAML_SEQUENCE_END_EVENT); reader_next(r)) {
        at = reader_here(r);
        CLEANUP(mem_freep) char *text = reader_take_scalar(r, "a text");
        if (text)
            set_text(item, key->name, &at, text);
    }
}

static void complain_unknown(struct item *item, const struct config_place *at, const char *name)
{
    struct config_item_key key;
    const char *near = NULL;
    size_t best = 3; /* more than two slips are another word */
    CLEANUP(buf_fini) struct buf word = BUF_INIT;
    CLEANUP(buf_fini) struct buf all = BUF_INIT;
    for (size_t i = 0; item->kind->key_at(i, &key); i++) {
        size_t slips = text_slips(name, key.name);
        if (slips < best) {
            best = slips;
            near = key.name;
        }
        buf_printf(&all, "%s%s", i ? ", " : "", key.name);
    }
    config_quote(&word, name);
    if (near)
        config_complain(item->reader->loader, at, "%s: there is no key %s (did you mean %s?)",
                        item->kind->name, buf_string(&word), near);
    else
        config_complain(item->reader->loader, at, "%s: there is no key %s (expected one of %s)",
                        item->kind->name, buf_string(&word), buf_string(&all));
}

static bool find_key(const struct kind *kind, const char *name, size_t *ret_index,
                     struct config_item_key *ret)
{
    for (size_t i = 0; kind->key_at(i, ret); i++) {
        *ret_index = i;
        if (strcmp(ret->name, name) == 0)
            return true;
    }
    return false;
}

/* `lines`: where each key was, in the order of the table; 0: not yet. */
static void read_item_key(struct item *item, size_t *lines)
{
    struct reader *r = item->reader;
    struct config_place at = reader_here(r);
    struct config_item_key key;
    size_t index = 0;
    CLEANUP(mem_freep) char *name = reader_take_scalar(r, "the name of a key");
    reader_next(r);
    if (name && !find_key(item->kind, name, &index, &key)) {
        complain_unknown(item, &at, name);
        reader_skip(r);
    } else if (name && lines[index]) {
        config_complain(r->loader, &at, "the key %s is there twice (first in line %zu)", name,
                        lines[index]);
        reader_skip(r);
    } else if (name) {
        lines[index] = at.line;
        read_value(item, &key);
    } else {
        reader_skip(r);
    }
}

static size_t count_keys(const struct kind *kind)
{
    struct config_item_key key;
    size_t count = 0;
    while (kind->key_at(count, &key))
        count++;
    return count;
}

/* False, and a complaint, when another item has that name. */
static bool is_new(struct item *item, const char *name)
{
    struct config *c = item->reader->loader->config;
    enum config_list_kind kind = (enum config_list_kind)(item->kind - kinds);
    for (size_t i = 0; i < config_list_count(c, kind); i++) {
        if (strcmp(item->kind->name_at(c, i), name) != 0)
            continue;
        struct config_place at = config_entry_place(&item->entry, "name", NULL);
        struct config_place first = config_entry_place(&c->entries[kind][i], "name", NULL);
        config_complain(item->reader->loader, &at,
                        "%s.name: the %s %s is there twice (first in %s:%zu:%zu)", item->kind->name,
                        item->kind->one, name, first.name, first.line, first.column);
        return false;
    }
    return true;
}

/* What was read becomes a rule or a channel. */
static void finish_item(struct item *item)
{
    char why[WHY_MAX] = "";
    const char *key = NULL;
    struct config_loader *l = item->reader->loader;
    struct config *c = l->config;
    enum config_list_kind kind = (enum config_list_kind)(item->kind - kinds);
    size_t count = config_list_count(c, kind);
    const struct config_pair *name = find_pair(&item->entry, "name", NULL);
    if (name && !is_new(item, name->text))
        return;
    if (count == item->kind->most) {
        struct config_place at = config_entry_place(&item->entry, "name", NULL);
        config_complain(l, &at, "%s: one too many (expected at most %zu)", item->kind->name,
                        item->kind->most);
        return;
    }
    if (item->kind->finish(item->draft, c, &key, why, sizeof(why)) < 0) {
        struct config_place at = config_entry_place(&item->entry, key, NULL);
        config_complain(l, &at, "%s.%s: %s", item->kind->name, key, why);
        return;
    }
    item->draft = NULL;
    c->entries[kind] = mem_resize(c->entries[kind], count + 1, sizeof(*c->entries[kind]));
    c->entries[kind][count] = item->entry;
    item->entry = (struct config_entry){0};
}

static void read_item(struct reader *r, const struct kind *kind)
{
    struct config_place at = reader_here(r);
    if (r->event.type != YAML_MAPPING_START_EVENT) {
        if (r->event.type != YAML_ALIAS_EVENT && r->event.type != YAML_STREAM_END_EVENT)
            config_complain(r->loader, &at, "%s: a %s has keys (expected {name: NAME, ...})",
                            kind->name, kind->one);
        reader_skip(r);
        return;
    }
    size_t mistakes = r->loader->mistakes;
    size_t *lines CLEANUP(mem_freep) = mem_array(count_keys(kind), sizeof(*lines));
    struct item item = {.reader = r, .kind = kind, .draft = kind->draft_new()};
    item.entry =
        (struct config_entry){.file = mem_string(at.name), .line = at.line, .column = at.column};
    for (reader_next(r); !reader_at_end(r, YAML_MAPPING_END_EVENT); reader_next(r))
        read_item_key(&item, lines);
    if (r->loader->mistakes == mistakes && !r->broken)
        finish_item(&item);
    kind->draft_free(item.draft);
    entry_fini(&item.entry);
}

void config_list_read(struct reader *r, enum config_list_kind kind)
{
    struct config_place at = reader_here(r);
    if (reader_is_empty(r))
        return;
    if (r->event.type != YAML_SEQUENCE_START_EVENT) {
        if (r->event.type != YAML_ALIAS_EVENT && r->event.type != YAML_STREAM_END_EVENT)
            config_complain(r->loader, &at,
                            "%s: a list belongs here (expected [{name: NAME, ...}, ...])",
                            kinds[kind].name);
        reader_skip(r);
        return;
    }
    for (reader_next(r); !reader_at_end(r, YAML_SEQUENCE_END_EVENT); reader_next(r))
        read_item(r, &kinds[kind]);
}

/* ---- the end ------------------------------------------------------------------------------- */

void config_lists_fini(struct config *c)
{
    for (int kind = 0; kind < CONFIG_LISTS; kind++) {
        for (size_t i = 0; i < config_list_count(c, (enum config_list_kind)kind); i++)
            entry_fini(&c->entries[kind][i]);
        free(c->entries[kind]);
    }
    for (size_t i = 0; i < c->channels_count; i++)
        channel_spec_free(c->channels[i]);
    for (size_t i = 0; i < c->rules_count; i++)
        rule_unref(c->rules[i]);
    free(c->channels);
    free(c->rules);
}
