/*
 * meter_table.c: the tables of the packet engine. tx is from client to server, rx the other way, as
 * the client counts. A carrier's protocol is the name of the tunnel that goes through it.
 */
#include <netinet/in.h>
#include <stdio.h>

#include "base/defs.h"
#include "collect/packet/meter_internal.h"

static const char *carrier_name(const struct flow_key *key)
{
    switch (key->protocol) {
    case IPPROTO_UDP:
        return "vxlan";
    case IPPROTO_GRE:
        return "gre";
    case IPPROTO_IPIP:
        return key->family == 4 ? "4in4" : "4in6";
    default:
        return key->family == 4 ? "6in4" : "6in6";
    }
}

static const char *protocol_name(uint8_t protocol)
{
    switch (protocol) {
    case IPPROTO_TCP:
        return "tcp";
    case IPPROTO_UDP:
        return "udp";
    case IPPROTO_ICMP:
        return "icmp";
    case IPPROTO_ICMPV6:
        return "icmpv6";
    case IPPROTO_IGMP:
        return "igmp";
    case IPPROTO_SCTP:
        return "sctp";
    case IPPROTO_DCCP:
        return "dccp";
    case IPPROTO_UDPLITE:
        return "udplite";
    case IPPROTO_GRE:
        return "gre";
    case IPPROTO_ESP:
        return "esp";
    case IPPROTO_AH:
        return "ah";
    default:
        return NULL;
    }
}

static void put_flow(const struct meter *m, struct table *table, const struct flow *f)
{
    struct cell *row = table_row(table, f->id);
    char text[FLOW_ENDPOINT_TEXT];
    snprintf(text, sizeof(text), "ip-%u", f->key.protocol);
    const char *protocol = f->key.carrier ? carrier_name(&f->key) : protocol_name(f->key.protocol);
    cell_text(table, &row[FLOW_PROTOCOL], protocol ? protocol : text);
    for (uint8_t server = 0; server < 2; server++) {
        uint8_t side = f->client ^ server;
        flow_endpoint_text(f->key.family, f->key.address[side], f->key.port[side], text);
        cell_text(table, &row[server ? FLOW_SERVER : FLOW_CLIENT], text);
    }
    if (f->application)
        cell_text(table, &row[FLOW_APPLICATION],
                  recognizer_name(m->settings.detector, f->application));
    cell_text(table, &row[FLOW_HOST], f->host);
    cell_uint(&row[FLOW_TX_BYTES], f->bytes[f->client]);
    cell_uint(&row[FLOW_RX_BYTES], f->bytes[!f->client]);
    cell_uint(&row[FLOW_PACKETS], f->packets[0] + f->packets[1]);
    if (f->tcp.rtt_ns)
        cell_real(&row[FLOW_RTT_MS], (double)f->tcp.rtt_ns / (double)NS_PER_MS);
    if (f->key.protocol == IPPROTO_TCP)
        cell_uint(&row[FLOW_RETRANSMITS], f->again[0] + (uint64_t)f->again[1]);
    cell_uint(&row[FLOW_OPENED], (uint64_t)MAX(f->opened_ns / NS_PER_MS, 0));
    cell_text(table, &row[FLOW_ALPN], f->alpn);
}

struct table *meter_flows_table(struct meter *m)
{
    size_t rows = MIN(flows_count(m->flows), m->settings.rows_max);
    struct table *table = table_new(TABLE_FLOWS, rows);
    for (struct flow *f = flows_newest(m->flows); f && rows; f = flows_older(m->flows, f), rows--)
        put_flow(m, table, f);
    return table;
}

struct heard *meter_heard(struct meter *m)
{
    return m->heard;
}

struct table *meter_lookups_table(struct meter *m)
{
    return lookups_table(m->lookups);
}
