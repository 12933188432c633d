/* pcap_library.c: see pcap_library.h. */
#include "collect/packet/pcap_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>

#include "base/defs.h"

int pcap_library_load(struct pcap_library *lib, char *why, size_t why_size)
{
    const struct {
        const char *name;
        void **into;
    } symbols[] = {
        {"pcap_activate", (void **)&lib->activate},
        {"pcap_close", (void **)&lib->close},
        {"pcap_compile", (void **)&lib->compile},
        {"pcap_create", (void **)&lib->create},
        {"pcap_datalink", (void **)&lib->datalink},
        {"pcap_datalink_val_to_name", (void **)&lib->datalink_name},
        {"pcap_dispatch", (void **)&lib->dispatch},
        {"pcap_fopen_offline_with_tstamp_precision", (void **)&lib->open_file},
        {"pcap_freecode", (void **)&lib->freecode},
        {"pcap_geterr", (void **)&lib->geterr},
        {"pcap_get_selectable_fd", (void **)&lib->selectable_fd},
        {"pcap_offline_filter", (void **)&lib->offline_filter},
        {"pcap_set_buffer_size", (void **)&lib->set_buffer_size},
        {"pcap_set_promisc", (void **)&lib->set_promisc},
        {"pcap_set_snaplen", (void **)&lib->set_snaplen},
        {"pcap_set_timeout", (void **)&lib->set_timeout},
        {"pcap_set_tstamp_precision", (void **)&lib->set_precision},
        {"pcap_setfilter", (void **)&lib->setfilter},
        {"pcap_setnonblock", (void **)&lib->setnonblock},
        {"pcap_stats", (void **)&lib->stats},
        {"pcap_statustostr", (void **)&lib->statustostr},
    };
    lib->handle = dlopen("libpcap.so.0.8", RTLD_NOW | RTLD_LOCAL); /* Debian and Ubuntu */
    if (!lib->handle)
        lib->handle = dlopen("libpcap.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!lib->handle) {
        snprintf(why, why_size, "The library libpcap is not installed.");
        return -ENOENT;
    }
    for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
        *symbols[i].into = dlsym(lib->handle, symbols[i].name);
        if (!*symbols[i].into) {
            snprintf(why, why_size, "The library libpcap is older than 1.5: it has no %s.",
                     symbols[i].name);
            pcap_library_unload(lib);
            return -ENOSYS;
        }
    }
    return 0;
}

void pcap_library_unload(struct pcap_library *lib)
{
    if (lib->handle)
        dlclose(lib->handle);
    lib->handle = NULL;
}
