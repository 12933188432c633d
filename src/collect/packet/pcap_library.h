/*
 * pcap_library.h: libpcap's functions, looked up when a source is opened (dlopen), because it
 * brings libraries of its own that nobody else needs. Their types are those of its header.
 */
#pragma once

#include <pcap/pcap.h>
#include <stddef.h>

struct pcap_library {
    void *handle;
    __typeof__(pcap_activate) *activate;
    __typeof__(pcap_close) *close;
    __typeof__(pcap_compile) *compile;
    __typeof__(pcap_create) *create;
    __typeof__(pcap_datalink) *datalink;
    __typeof__(pcap_datalink_val_to_name) *datalink_name;
    __typeof__(pcap_dispatch) *dispatch;
    __typeof__(pcap_fopen_offline_with_tstamp_precision) *open_file;
    __typeof__(pcap_freecode) *freecode;
    __typeof__(pcap_geterr) *geterr;
    __typeof__(pcap_get_selectable_fd) *selectable_fd;
    __typeof__(pcap_offline_filter) *offline_filter;
    __typeof__(pcap_set_buffer_size) *set_buffer_size;
    __typeof__(pcap_set_promisc) *set_promisc;
    __typeof__(pcap_set_snaplen) *set_snaplen;
    __typeof__(pcap_set_timeout) *set_timeout;
    __typeof__(pcap_set_tstamp_precision) *set_precision;
    __typeof__(pcap_setfilter) *setfilter;
    __typeof__(pcap_setnonblock) *setnonblock;
    __typeof__(pcap_stats) *stats;
    __typeof__(pcap_statustostr) *statustostr;
};

/* 0 or -errno; `why` then says in a sentence what is missing. */
int pcap_library_load(struct pcap_library *lib, char *why, size_t why_size);
void pcap_library_unload(struct pcap_library *lib); /* also one that is not loaded */
