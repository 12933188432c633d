/*
 * defaults.c: the rules that everybody has. They are few, and chosen to be quiet: each is about
 * something that a person would want to know of an idle laptop and of a busy server alike. A rate
 * that is healthy on one of them is a flood on the other, so what can be is a share of something
 * (`per`), means are taken over a minute or more (`window`), and a link counts only if it is a real
 * one (`where`) that has been up before (`edge`): a free socket is no fault.
 *
 * Written as in a file, so that netsonde's own rules can be copied from the documentation, changed
 * and put in their place under the same name.
 */
#include <stdlib.h>

#include "alert/rule.h"
#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"

#define KEYS_MAX 11

struct setting {
    const char *key, *text;
};

static const struct setting defaults[][KEYS_MAX] = {
    {{"name", "link_down"},
     {"metric", "node_network_up"},
     {"where", "netsonde_network_physical"},
     {"when", "below"},
     {"critical", "1"},
     {"for", "3s"},
     {"keep", "3s"},
     {"edge", "on"},
     {"mutes", "device"},
     {"summary", "{device} has lost its link"}},
    /* Errors of a line and drops of a host that cannot keep up; a few frames of a protocol that
     * nobody here speaks are dropped on any network. */
    {{"name", "interface_errors"},
     {"metric", "node_network_*_[ed]r[ro][sp]_total"},
     {"where", "netsonde_network_physical"},
     {"warning", "20"},
     {"critical", "1000"},
     {"clear", "5"},
     {"window", "5m"},
     {"keep", "2m"},
     {"summary", "{device}: {value} of {metric}, more than {threshold}"}},
    {{"name", "link_saturated"},
     {"metric", "node_network_*_bytes_total"},
     {"where", "netsonde_network_physical"},
     {"per", "node_network_speed_bytes"},
     {"warning", "95%"},
     {"clear", "80%"},
     {"window", "1m"},
     {"for", "5m"},
     {"keep", "1m"},
     {"summary", "{device} is full: {value} of its speed ({metric})"}},
    {{"name", "tcp_retransmits"},
     {"metric", "node_netstat_Tcp_RetransSegs"},
     {"per", "node_netstat_Tcp_OutSegs"},
     {"per_least", "10"},
     {"warning", "5%"},
     {"critical", "20%"},
     {"clear", "3%"},
     {"window", "5m"},
     {"keep", "1m"},
     {"summary", "TCP sends {value} of its segments again (more than {threshold})"}},
    {{"name", "listen_overflow"},
     {"metric", "node_netstat_TcpExt_ListenOverflows"},
     {"warning", "0.1"},
     {"critical", "10"},
     {"window", "1m"},
     {"keep", "2m"},
     {"summary", "a listening socket's queue is full: {value} turned away"}},
    {{"name", "conntrack_full"},
     {"metric", "node_nf_conntrack_entries"},
     {"per", "node_nf_conntrack_entries_limit"},
     {"warning", "80%"},
     {"critical", "95%"},
     {"clear", "75%"},
     {"window", "30s"},
     {"keep", "1m"},
     {"summary", "the table of tracked connections is {value} full"}},
    {{"name", "softnet_drops"},
     {"metric", "node_softnet_dropped_total"},
     {"warning", "1"},
     {"critical", "100"},
     {"window", "1m"},
     {"keep", "2m"},
     {"summary", "CPU {cpu} cannot keep up with received packets: {value} dropped"}},
    /* What failed has no answer within half a second either. */
    {{"name", "dns_trouble"},
     {"metric", "netsonde_dns_lookup_seconds_bucket"},
     {"match", "le=0.5"},
     {"per", "netsonde_dns_queries_total"},
     {"per_least", "0.1"},
     {"when", "below"},
     {"warning", "75%"},
     {"critical", "25%"},
     {"window", "2m"},
     {"keep", "1m"},
     {"summary", "only {value} of DNS lookups are answered within half a second"}},
    /* Where nothing happens for hours every download is unusual: only those that last are told. */
    {{"name", "traffic_unusual"},
     {"metric", "node_network_*_bytes_total"},
     {"where", "netsonde_network_physical"},
     {"for", "2m"},
     {"anomaly", "on"},
     {"keep", "1m"}},
    /* A burst that found a buffer full is on the charts; this is about a host that is too much. */
    {{"name", "own_losses"},
     {"metric", "netsonde_*_lost_total"},
     {"warning", "0.1"},
     {"window", "1m"},
     {"for", "90s"},
     {"keep", "5m"},
     {"summary", "netsonde itself loses data: {value} of {metric}"}},
};

static struct rule *make(const struct setting *settings)
{
    struct rule_draft *d = rule_draft_new(RULE_DEFAULT);
    struct rule *r = NULL;
    const char *key;
    char why[160];
    for (size_t i = 0; i < KEYS_MAX && settings[i].key; i++)
        CHECK(rule_draft_set(d, settings[i].key, settings[i].text, why, sizeof(why)) == 0);
    CHECK(rule_draft_finish(d, &r, &key, why, sizeof(why)) == 0);
    return r;
}

size_t rules_default(struct rule ***ret)
{
    *ret = mem_array(ARRAY_LEN(defaults), sizeof(**ret));
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        (*ret)[i] = make(defaults[i]);
    return ARRAY_LEN(defaults);
}
