/* engine.c: words for the capabilities, as `info` shows them. */
#include "collect/engine.h"

#include "base/check.h"

const char *capability_name(enum capability c)
{
    static const char *const names[CAPABILITIES] = {
        [CAPABILITY_INTERFACES] = "interfaces",
        [CAPABILITY_LINK_EVENTS] = "link_events",
        [CAPABILITY_PROTOCOLS] = "protocols",
        [CAPABILITY_SOCKETS] = "sockets",
        [CAPABILITY_SOFTNET] = "softnet",
        [CAPABILITY_CONNTRACK] = "conntrack",
        [CAPABILITY_SYSTEM] = "system",
        [CAPABILITY_QUEUES] = "queues",
        [CAPABILITY_NIC] = "nic",
        [CAPABILITY_CONNECTIONS] = "connections",
        [CAPABILITY_CONNECTION_QUALITY] = "connection_quality",
        [CAPABILITY_CONNECTION_EVENTS] = "connection_events",
        [CAPABILITY_PROCESS_TRAFFIC] = "process_traffic",
        [CAPABILITY_RETRANSMITS] = "retransmits",
        [CAPABILITY_DROPS] = "drops",
        [CAPABILITY_DNS] = "dns",
        [CAPABILITY_FLOWS] = "flows",
    };
    CHECK(c < CAPABILITIES);
    return names[c];
}
