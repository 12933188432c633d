/* engine.c: words for the capabilities, as `info` shows them. */
#include "collect/engine.h"

#include "base/check.h"

const char *capability_name(enum capability c)
{
    static const char *const names[CAPABILITIES] = {
        [CAPABILITY_INTERFACES] = "interfaces", [CAPABILITY_LINK_EVENTS] = "link_events",
        [CAPABILITY_PROTOCOLS] = "protocols",   [CAPABILITY_SOCKETS] = "sockets",
        [CAPABILITY_SOFTNET] = "softnet",       [CAPABILITY_CONNTRACK] = "conntrack",
        [CAPABILITY_SYSTEM] = "system",
    };
    CHECK(c < CAPABILITIES);
    return names[c];
}
