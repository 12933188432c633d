/*
 * detect.c: see detect.h. What nDPI keeps of a flow is a struct of its headers, so a library of
 * another version would write elsewhere: number of the interface, release and the struct's size
 * must be those of the headers. Flows are looked at for as many packets as nDPI's own reader does.
 */
#include "collect/packet/detect.h"

#include <stdio.h>

#ifdef HAVE_NDPI

#include <dlfcn.h>
#include <ndpi_api.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/mem.h"

#define TCP_PACKETS_MAX 80
#define UDP_PACKETS_MAX 24
#define NUMBER(n) TEXT_OF(n)
#define TEXT_OF(n) #n
#define RELEASE NUMBER(NDPI_MAJOR) "." NUMBER(NDPI_MINOR)

struct library {
    void *handle;
    __typeof__(ndpi_detection_get_sizeof_ndpi_flow_struct) *flow_size;
    __typeof__(ndpi_detection_giveup) *give_up;
    __typeof__(ndpi_detection_process_packet) *process;
    __typeof__(ndpi_exit_detection_module) *exit;
    __typeof__(ndpi_extra_dissection_possible) *more_possible;
    __typeof__(ndpi_finalize_initialization) *finalize;
    __typeof__(ndpi_flow_malloc) *flow_malloc;
    __typeof__(ndpi_free_flow) *flow_free;
    __typeof__(ndpi_get_api_version) *api_version;
    __typeof__(ndpi_get_num_supported_protocols) *count;
    __typeof__(ndpi_get_proto_name) *name;
    __typeof__(ndpi_init_detection_module) *init;
    __typeof__(ndpi_revision) *revision;
    __typeof__(ndpi_set_protocol_detection_bitmask2) *set_protocols;
};

struct recognizer {
    struct library lib;
    struct ndpi_detection_module_struct *module;
    uint16_t count;
    char *names[DETECT_APPLICATIONS_MAX];
};

struct detection {
    struct ndpi_flow_struct flow; /* first and only: nDPI allocates it */
};

static bool library_find(struct library *lib)
{
    const struct {
        const char *name;
        void **into;
    } symbols[] = {
        {"ndpi_detection_get_sizeof_ndpi_flow_struct", (void **)&lib->flow_size},
        {"ndpi_detection_giveup", (void **)&lib->give_up},
        {"ndpi_detection_process_packet", (void **)&lib->process},
        {"ndpi_exit_detection_module", (void **)&lib->exit},
        {"ndpi_extra_dissection_possible", (void **)&lib->more_possible},
        {"ndpi_finalize_initialization", (void **)&lib->finalize},
        {"ndpi_flow_malloc", (void **)&lib->flow_malloc},
        {"ndpi_free_flow", (void **)&lib->flow_free},
        {"ndpi_get_api_version", (void **)&lib->api_version},
        {"ndpi_get_num_supported_protocols", (void **)&lib->count},
        {"ndpi_get_proto_name", (void **)&lib->name},
        {"ndpi_init_detection_module", (void **)&lib->init},
        {"ndpi_revision", (void **)&lib->revision},
        {"ndpi_set_protocol_detection_bitmask2", (void **)&lib->set_protocols},
    };
    for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
        *symbols[i].into = dlsym(lib->handle, symbols[i].name);
        if (!*symbols[i].into)
            return false;
    }
    return true;
}

static bool library_load(struct library *lib, char *why, size_t why_size)
{
    lib->handle = dlopen("libndpi.so." RELEASE, RTLD_NOW | RTLD_LOCAL);
    if (!lib->handle) {
        snprintf(why, why_size,
                 "Flows have no application and no host: the library nDPI " RELEASE
                 " is not installed.");
        return false;
    }
    if (!library_find(lib) || lib->api_version() != NDPI_API_VERSION ||
        lib->flow_size() != sizeof(struct ndpi_flow_struct) ||
        strncmp(lib->revision(), RELEASE ".", sizeof(RELEASE)) != 0) {
        snprintf(why, why_size,
                 "Flows have no application and no host: the library nDPI that is installed is "
                 "not the version " RELEASE " that this program was built for.");
        dlclose(lib->handle);
        return false;
    }
    return true;
}

struct recognizer *recognizer_new(char *why, size_t why_size)
{
    struct library lib = {0};
    NDPI_PROTOCOL_BITMASK all;
    if (!library_load(&lib, why, why_size))
        return NULL;
    struct ndpi_detection_module_struct *module = lib.init(ndpi_no_prefs);
    if (!module) {
        snprintf(why, why_size, "Flows have no application and no host: nDPI does not start.");
        dlclose(lib.handle);
        return NULL;
    }
    NDPI_BITMASK_SET_ALL(all);
    lib.set_protocols(module, &all);
    lib.finalize(module);
    struct recognizer *d = mem_alloc(sizeof(*d));
    d->lib = lib;
    d->module = module;
    d->count = (uint16_t)MIN(lib.count(module), (u_int)DETECT_APPLICATIONS_MAX);
    for (uint16_t i = 0; i < d->count; i++)
        d->names[i] = mem_string(i ? lib.name(module, i) : "unknown");
    return d;
}

void recognizer_free(struct recognizer *d)
{
    if (!d)
        return;
    for (uint16_t i = 0; i < d->count; i++)
        free(d->names[i]);
    d->lib.exit(d->module);
    /* The library stays loaded: it keeps tables in variables of its own, which would be lost. */
    free(d);
}

const char *recognizer_name(const struct recognizer *d, uint16_t application)
{
    return application < d->count ? d->names[application] : NULL;
}

struct detection *detection_new(struct recognizer *d)
{
    struct detection *flow = d->lib.flow_malloc(sizeof(struct ndpi_flow_struct));
    if (flow)
        memset(flow, 0, sizeof(*flow));
    return flow;
}

void detection_free(struct recognizer *d, struct detection *flow)
{
    if (flow)
        d->lib.flow_free(&flow->flow);
}

/* What the flow's union holds goes by the protocol that was found in its packets, not by one that
 * was guessed from its ports: the text of TLS is there for no other. */
static const char *alpn_of(const struct detection *flow, ndpi_protocol found)
{
    static const uint16_t with_tls[] = {NDPI_PROTOCOL_TLS, NDPI_PROTOCOL_QUIC};
    for (size_t i = 0; i < ARRAY_LEN(with_tls); i++) {
        if (found.master_protocol == with_tls[i] || found.app_protocol == with_tls[i])
            return flow->flow.protos.tls_quic.alpn;
    }
    return NULL;
}

static void detection_tell(const struct recognizer *d, const struct detection *flow,
                           ndpi_protocol found, struct detection_result *ret)
{
    /* "TLS, and in it YouTube": the inner one, where it is known. */
    uint16_t application =
        found.app_protocol != NDPI_PROTOCOL_UNKNOWN ? found.app_protocol : found.master_protocol;
    ret->application = application < d->count ? application : 0;
    ret->host = flow->flow.host_server_name[0] ? flow->flow.host_server_name : NULL;
    ret->alpn = alpn_of(flow, found);
}

void detection_give_up(struct recognizer *d, struct detection *flow, struct detection_result *ret)
{
    u_int8_t guessed;
    ndpi_protocol found = d->lib.give_up(d->module, &flow->flow, 1, &guessed);
    detection_tell(d, flow, found, ret);
    ret->alpn = NULL; /* perhaps guessed; what was found was told before */
    ret->decided = true;
}

void detection_packet(struct recognizer *d, struct detection *flow,
                      const struct packet_layer *layer, uint64_t packets, int64_t t_ns,
                      struct detection_result *ret)
{
    ndpi_protocol found =
        d->lib.process(d->module, &flow->flow, layer->ip,
                       (unsigned short)MIN(layer->ip_captured_bytes, (uint32_t)UINT16_MAX),
                       (u_int64_t)(t_ns / NS_PER_MS));
    bool enough = (layer->protocol == IPPROTO_TCP && packets > TCP_PACKETS_MAX) ||
                  (layer->protocol == IPPROTO_UDP && packets > UDP_PACKETS_MAX);
    bool known = found.app_protocol != NDPI_PROTOCOL_UNKNOWN;
    detection_tell(d, flow, found, ret);
    ret->decided = enough || (known && !d->lib.more_possible(d->module, &flow->flow));
    if (ret->decided && !known)
        detection_give_up(d, flow, ret);
}

#else

struct recognizer *recognizer_new(char *why, size_t why_size)
{
    snprintf(why, why_size,
             "Flows have no application and no host: this program was built without nDPI.");
    return NULL;
}

void recognizer_free(struct recognizer *d)
{
    (void)d;
}

const char *recognizer_name(const struct recognizer *d, uint16_t application)
{
    (void)d;
    (void)application;
    return NULL;
}

struct detection *detection_new(struct recognizer *d)
{
    (void)d;
    return NULL;
}

void detection_free(struct recognizer *d, struct detection *flow)
{
    (void)d;
    (void)flow;
}

void detection_packet(struct recognizer *d, struct detection *flow,
                      const struct packet_layer *layer, uint64_t packets, int64_t t_ns,
                      struct detection_result *ret)
{
    (void)d;
    (void)flow;
    (void)layer;
    (void)packets;
    (void)t_ns;
    *ret = (struct detection_result){.decided = true};
}

void detection_give_up(struct recognizer *d, struct detection *flow, struct detection_result *ret)
{
    (void)d;
    (void)flow;
    *ret = (struct detection_result){.decided = true};
}

#endif
