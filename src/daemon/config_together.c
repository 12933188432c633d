/*
 * config_together.c: what several items of the lists mean together, once all files are read: names
 * of channels that do not exist, fallbacks in a circle; the channels that are there in any case;
 * and the rules that are in force.
 */
#include <stdlib.h>
#include <string.h>

#include "alert/channel.h"
#include "alert/rule.h"
#include "base/check.h"
#include "base/mem.h"
#include "daemon/config_lists.h"
#include "daemon/config_value.h"

#define WHY_MAX 512

/* ---- channels and their names ------------------------------------------------------------ */

static struct channel_spec *make_channel(const char *name)
{
    char why[WHY_MAX];
    const char *key;
    struct channel_spec *spec = NULL;
    struct channel_draft *draft = channel_draft_new();
    CHECK(channel_draft_set(draft, "name", name, why, sizeof(why)) == 0);
    CHECK(channel_draft_set(draft, "type", name, why, sizeof(why)) == 0);
    CHECK(channel_draft_finish(draft, &spec, &key, why, sizeof(why)) == 0);
    return spec;
}

static size_t find_channel(const struct config *c, const char *name)
{
    size_t i = 0;
    while (i < c->channels_count && strcmp(c->channels[i]->name, name) != 0)
        i++;
    return i;
}

/* Puts the channel of that name at this place, or one without anything special. */
static void put_in_place(struct config *c, size_t place, const char *name)
{
    size_t at = find_channel(c, name);
    struct config_entry **entries = &c->entries[CONFIG_LIST_CHANNELS];
    if (at == c->channels_count) {
        c->channels = mem_resize(c->channels, at + 1, sizeof(*c->channels));
        *entries = mem_resize(*entries, at + 1, sizeof(**entries));
        c->channels[at] = make_channel(name);
        (*entries)[at] = (struct config_entry){0};
        c->channels_count++;
    }
    struct channel_spec *spec = c->channels[at];
    struct config_entry entry = (*entries)[at];
    memmove(&c->channels[place + 1], &c->channels[place], (at - place) * sizeof(*c->channels));
    memmove(&(*entries)[place + 1], &(*entries)[place], (at - place) * sizeof(**entries));
    c->channels[place] = spec;
    (*entries)[place] = entry;
}

static void check_channels(struct config_loader *l)
{
    char why[WHY_MAX] = "";
    const char *key = NULL;
    size_t index = 0;
    const struct config *c = l->config;
    if (channel_check_all((const struct channel_spec *const *)c->channels, c->channels_count,
                          &index, &key, why, sizeof(why)) == 0)
        return;
    struct config_place at =
        config_entry_place(&c->entries[CONFIG_LIST_CHANNELS][index], key, NULL);
    config_complain(l, &at, "channels.%s: %s", key, why);
}

static void complain_no_channel(struct config_loader *l, const struct config_place *at,
                                const char *what, const char *name)
{
    CLEANUP(buf_fini) struct buf word = BUF_INIT;
    CLEANUP(buf_fini) struct buf all = BUF_INIT;
    config_quote(&word, name);
    for (size_t i = 0; i < l->config->channels_count; i++)
        buf_printf(&all, "%s%s", i ? ", " : "", l->config->channels[i]->name);
    config_complain(l, at, "%s: there is no channel %s (expected names out of %s)", what,
                    buf_string(&word), buf_string(&all));
}

static void check_rules(struct config_loader *l)
{
    const struct config *c = l->config;
    for (size_t i = 0; i < c->rules_count; i++) {
        for (size_t k = 0; k < c->rules[i]->channels_count; k++) {
            const char *name = c->rules[i]->channels[k];
            if (find_channel(c, name) < c->channels_count)
                continue;
            struct config_place at =
                config_entry_place(&c->entries[CONFIG_LIST_ALERTS][i], "channels", name);
            complain_no_channel(l, &at, "alerts.channels", name);
        }
    }
}

static void check_default_channels(struct config_loader *l)
{
    const struct config *c = l->config;
    struct config_place at = config_origin_place(c, "alerting", "channels");
    const struct config_list *names = &c->alerting.channels;
    if (names->count > RULE_CHANNELS_MAX)
        config_complain(l, &at, "alerting.channels: too many (expected at most %d)",
                        RULE_CHANNELS_MAX);
    for (size_t i = 0; i < names->count; i++) {
        size_t first = 0;
        while (strcmp(names->items[first], names->items[i]) != 0)
            first++;
        if (first < i)
            config_complain(l, &at, "alerting.channels: %s is there twice (expected it once)",
                            names->items[i]);
        else if (find_channel(c, names->items[i]) == c->channels_count)
            complain_no_channel(l, &at, "alerting.channels", names->items[i]);
    }
}

void config_lists_finish(struct config_loader *l, bool check)
{
    put_in_place(l->config, 0, channel_type_name(CHANNEL_TYPE_WEBSOCKET));
    put_in_place(l->config, 1, channel_type_name(CHANNEL_TYPE_LOG));
    if (!check)
        return;
    check_channels(l);
    check_rules(l);
    check_default_channels(l);
}

/* ---- what is in force ---------------------------------------------------------------------- */

static bool is_replaced(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->rules_count; i++) {
        if (strcmp(c->rules[i]->name, name) == 0)
            return true;
    }
    return false;
}

struct rule **config_rules(const struct config *c, size_t *ret_count)
{
    struct rule **defaults, **all;
    size_t defaults_count = rules_default(&defaults), count = 0;
    all = mem_array(MAX(defaults_count + c->rules_count, (size_t)1), sizeof(*all));
    for (size_t i = 0; i < defaults_count; i++) {
        if (is_replaced(c, defaults[i]->name))
            rule_unref(defaults[i]);
        else
            all[count++] = defaults[i];
    }
    free(defaults);
    for (size_t i = 0; i < c->rules_count; i++)
        all[count++] = rule_ref(c->rules[i]);
    *ret_count = count;
    return all;
}
