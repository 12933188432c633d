/*
 * tap.c: see tap.h. Live: no immediate mode, so that libpcap takes TPACKET_V3, whose blocks are
 * handed over full or after TIMEOUT_MS. Files are read by savefile.c, but for classic ones with a
 * filter or of a kind that only libpcap knows.
 */
#include "collect/packet/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/mem.h"
#include "collect/packet/filter.h"
#include "collect/packet/pcap_library.h"
#include "collect/packet/savefile.h"
#include "wire/packet.h"

#define TIMEOUT_MS 50
#define BUFFER_BYTES (32 * 1024 * 1024) /* of the kernel, a device: 0.1 s at 10 Gbit/s, cut */

#define SECONDS_MAX ((int64_t)1 << 33)
#define FILE_BUFFER_BYTES (256 * 1024)

struct tap {
    struct pcap_library lib;
    pcap_t *handle; /* NULL: `own` reads */
    struct savefile *own;
    struct filter *filter; /* of `own`; NULL: every packet */
    char *name;
    uint32_t link; /* of `handle` */
    bool file;
    struct pcap_stat last;
    uint64_t kernel_drops, interface_drops;
    tap_packets_fn *packets; /* during tap_read */
    void *user;
};

bool tap_possible(char *why, size_t why_size)
{
    struct pcap_library lib;
    if (pcap_library_load(&lib, why, why_size) < 0)
        return false;
    pcap_library_unload(&lib);
    return true;
}

static struct tap *tap_new(const char *name, char *why, size_t why_size, int *ret_err)
{
    struct tap *s = mem_alloc(sizeof(*s));
    *ret_err = pcap_library_load(&s->lib, why, why_size);
    if (*ret_err) {
        free(s);
        return NULL;
    }
    s->name = mem_string(name);
    return s;
}

void tap_close(struct tap *s)
{
    if (!s)
        return;
    if (s->handle)
        s->lib.close(s->handle);
    pcap_library_unload(&s->lib);
    savefile_close(s->own);
    filter_free(s->filter);
    free(s->name);
    free(s);
}

/* libpcap's numbers for links are those of files, but for one. */
static int tap_take_link(struct tap *s, char *why, size_t why_size)
{
    int link = s->lib.datalink(s->handle);
    s->link = link == DLT_RAW ? PACKET_LINK_RAW : (uint32_t)link;
    if (link >= 0 && packet_link_known(s->link))
        return 0;
    const char *name = link >= 0 ? s->lib.datalink_name(link) : NULL;
    snprintf(why, why_size, "%.100s: its link layer %s (%d) is not one that can be read.", s->name,
             name ? name : "without a name", link);
    return -EPROTONOSUPPORT;
}

static int tap_take_filter(struct tap *s, const char *filter, char *why, size_t why_size)
{
    struct bpf_program program;
    if (!filter || !*filter)
        return 0;
    if (s->lib.compile(s->handle, &program, filter, 1, PCAP_NETMASK_UNKNOWN) < 0) {
        snprintf(why, why_size, "packet.filter: %.150s.", s->lib.geterr(s->handle));
        return -EINVAL;
    }
    int err = s->lib.setfilter(s->handle, &program);
    s->lib.freecode(&program);
    if (err < 0) {
        snprintf(why, why_size, "packet.filter: %.150s.", s->lib.geterr(s->handle));
        return -EINVAL;
    }
    return 0;
}

static int error_of(int status)
{
    switch (status) {
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
        return -EPERM;
    case PCAP_ERROR_NO_SUCH_DEVICE:
        return -ENODEV;
    case PCAP_ERROR_IFACE_NOT_UP:
        return -ENETDOWN;
    default:
        return -EIO;
    }
}

static int tap_activate(struct tap *s, const char *device, uint32_t snaplen, char *why,
                        size_t why_size)
{
    char text[PCAP_ERRBUF_SIZE] = "";
    s->handle = s->lib.create(device, text);
    if (!s->handle) {
        snprintf(why, why_size, "%.60s: %.150s.", device, text);
        return -EIO;
    }
    s->lib.set_snaplen(s->handle, (int)snaplen);
    s->lib.set_promisc(s->handle, 0); /* this host's traffic is what is asked about */
    s->lib.set_timeout(s->handle, TIMEOUT_MS);
    s->lib.set_buffer_size(s->handle, BUFFER_BYTES);
    s->lib.set_precision(s->handle, PCAP_TSTAMP_PRECISION_NANO);
    int status = s->lib.activate(s->handle);
    if (status < 0) {
        const char *more = s->lib.geterr(s->handle);
        snprintf(why, why_size, "%.60s: %.60s%s%.100s.", device, s->lib.statustostr(status),
                 *more ? ": " : "", more);
        return error_of(status);
    }
    if (s->lib.setnonblock(s->handle, 1, text) < 0) {
        snprintf(why, why_size, "%.60s: %.150s.", device, text);
        return -EIO;
    }
    return 0;
}

int tap_open_device(const char *device, const char *filter, uint32_t snaplen, struct tap **ret,
                    char *why, size_t why_size)
{
    int err;
    struct tap *s = tap_new(device, why, why_size, &err);
    if (!s)
        return err;
    err = tap_activate(s, device, snaplen, why, why_size);
    if (!err)
        err = tap_take_link(s, why, why_size);
    if (!err)
        err = tap_take_filter(s, filter, why, why_size);
    if (err)
        tap_close(s);
    else
        *ret = s;
    return err;
}

static int tap_object(const struct tap *s, uint32_t link, char *why, size_t why_size)
{
    const char *objection = s->filter ? filter_objection(s->filter, link) : NULL;
    if (!objection)
        return 0;
    snprintf(why, why_size, "packet.filter: of packets with the link layer %u: %.150s.", link,
             objection);
    return -EINVAL;
}

static int tap_take_own(struct tap *s, const char *filter, char *why, size_t why_size)
{
    if (!filter || !*filter)
        return 0;
    int err = filter_new(filter, &s->filter, why, why_size);
    for (size_t i = 0; !err && i < savefile_links(s->own); i++)
        err = tap_object(s, savefile_link(s->own, i), why, why_size);
    return err;
}

/* 0 or -errno; -ENOTSUP: it is libpcap's. */
static int tap_open_own(const char *path, const char *filter, FILE *file, struct tap **ret,
                        char *why, size_t why_size)
{
    char text[128] = "";
    struct savefile *own = NULL;
    int fd = fcntl(fileno(file), F_DUPFD_CLOEXEC, 0);
    int err = fd < 0 ? -errno : savefile_open(fd, &own, text, sizeof(text));
    if (err) {
        snprintf(why, why_size, "%.100s: %s.", path, *text ? text : strerror(-err));
        if (fd >= 0)
            close(fd);
        return err;
    }
    if (!savefile_is_pcapng(own) && filter && *filter) {
        savefile_close(own);
        return -ENOTSUP;
    }
    struct tap *s = mem_alloc(sizeof(*s));
    s->own = own;
    s->file = true;
    s->name = mem_string(path);
    err = tap_take_own(s, filter, why, why_size);
    if (err)
        tap_close(s);
    else
        *ret = s;
    return err;
}

int tap_open_file(const char *path, const char *filter, struct tap **ret, char *why,
                  size_t why_size)
{
    int err;
    char text[PCAP_ERRBUF_SIZE] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* not to wait for a pipe */
    FILE *file = fd >= 0 ? fdopen(fd, "rb") : NULL;
    if (!file) {
        err = -errno;
        snprintf(why, why_size, "%.150s: %s.", path, strerror(errno));
        return err;
    }
    /* Whoever waits for a pipe cannot be told to stop. */
    struct stat st;
    if (fstat(fileno(file), &st) < 0 || !S_ISREG(st.st_mode)) {
        snprintf(why, why_size, "%.150s: not a regular file.", path);
        fclose(file);
        return -EINVAL;
    }
    err = tap_open_own(path, filter, file, ret, why, why_size);
    if (err != -ENOTSUP) {
        fclose(file);
        return err;
    }
    rewind(file);
    struct tap *s = tap_new(path, why, why_size, &err);
    setvbuf(file, NULL, _IOFBF, FILE_BUFFER_BYTES); /* stdio's own is a page */
    if (!s) {
        fclose(file);
        return err;
    }
    s->file = true;
    s->handle = s->lib.open_file(file, PCAP_TSTAMP_PRECISION_NANO, text);
    if (!s->handle) {
        snprintf(why, why_size, "%.100s: %.150s.", path, text);
        fclose(file);
        err = -EBADMSG;
    } else {
        err = tap_take_link(s, why, why_size);
    }
    if (!err)
        err = tap_take_filter(s, filter, why, why_size);
    if (err)
        tap_close(s);
    else
        *ret = s;
    return err;
}

static void tap_packet(u_char *user, const struct pcap_pkthdr *head, const u_char *frame)
{
    struct tap *s = (struct tap *)(void *)user;
    /* A file may claim that less was on the wire than was captured. */
    uint32_t wire = MAX(head->len, head->caplen);
    /* pcapng has 64 bits for a time: what is before 1970 or after 2242 is shown as the end of that.
     */
    int64_t seconds = MIN(MAX((int64_t)head->ts.tv_sec, 0), SECONDS_MAX);
    int64_t t_ns = seconds * NS_PER_S + head->ts.tv_usec; /* nanoseconds */
    const struct packet_frame one = {frame, head->caplen, wire, t_ns};
    s->packets(s->user, s->link, &one, 1);
}

/* Those that match move to the front: how many. */
static size_t tap_choose(const struct tap *s, uint32_t link, struct packet_frame *frames,
                         size_t count)
{
    size_t chosen = 0;
    bool swapped = savefile_is_swapped(s->own);
    for (size_t i = 0; i < count; i++) {
        if (filter_matches(s->filter, link, swapped, &frames[i]))
            frames[chosen++] = frames[i];
    }
    return chosen;
}

static int tap_read_own(struct tap *s, int most, tap_packets_fn *packets, void *user, char *why,
                        size_t why_size)
{
    struct packet_frame frames[TAP_BATCH];
    char text[128];
    int count = 0, got = 1;
    while (count < most) {
        uint32_t link;
        got = savefile_several(s->own, &link, frames, (size_t)MIN(most - count, TAP_BATCH), text,
                               sizeof(text));
        if (got <= 0)
            break;
        count += got;
        if (tap_object(s, link, why, why_size) < 0)
            return -EINVAL;
        size_t chosen = s->filter ? tap_choose(s, link, frames, (size_t)got) : (size_t)got;
        if (chosen)
            packets(user, link, frames, chosen);
    }
    /* What was read before counts; what is wrong is met again at the next call. */
    if (count || got > 0)
        return count;
    if (got < 0)
        snprintf(why, why_size, "%.100s: %s.", s->name, text);
    return got < 0 ? got : -ENODATA;
}

int tap_read(struct tap *s, int most, tap_packets_fn *packets, void *user, char *why,
             size_t why_size)
{
    if (s->own)
        return tap_read_own(s, most, packets, user, why, why_size);
    s->packets = packets;
    s->user = user;
    int count = s->lib.dispatch(s->handle, most, tap_packet, (u_char *)s);
    if (count >= 0)
        return count || !s->file ? count : -ENODATA;
    snprintf(why, why_size, "%.100s: %.150s.", s->name, s->lib.geterr(s->handle));
    return s->file ? -EBADMSG : -ENODEV;
}

int tap_fd(const struct tap *s)
{
    return s->file ? -1 : s->lib.selectable_fd(s->handle);
}

const char *tap_name(const struct tap *s)
{
    return s->name;
}

void tap_drops(struct tap *s, uint64_t *ret_kernel, uint64_t *ret_interface)
{
    struct pcap_stat now;
    if (!s->file && s->lib.stats(s->handle, &now) == 0) {
        /* 32 bits that wrap. */
        s->kernel_drops += (u_int)(now.ps_drop - s->last.ps_drop);
        s->interface_drops += (u_int)(now.ps_ifdrop - s->last.ps_ifdrop);
        s->last = now;
    }
    *ret_kernel = s->kernel_drops;
    *ret_interface = s->interface_drops;
}
