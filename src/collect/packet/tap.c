/*
 * tap.c: see tap.h. The library's functions are looked up once for each source; their types
 * are those of its header. Live: no immediate mode, so that libpcap takes TPACKET_V3, whose blocks
 * are handed over full or after TIMEOUT_MS.
 */
#include "collect/packet/tap.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/mem.h"
#include "collect/packet/savefile.h"
#include "wire/packet.h"

#define TIMEOUT_MS 50
#define BUFFER_BYTES (32 * 1024 * 1024) /* of the kernel, a device: 0.1 s at 10 Gbit/s, cut */

#define SECONDS_MAX ((int64_t)1 << 33)
#define FILE_BUFFER_BYTES (256 * 1024)

struct library {
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

struct tap {
    struct library lib;
    pcap_t *handle; /* NULL: `own` reads */
    struct savefile *own;
    char *name;
    uint32_t link;
    bool file;
    struct pcap_stat last;
    uint64_t kernel_drops, interface_drops;
    tap_packets_fn *packets; /* during tap_read */
    void *user;
};

static int library_load(struct library *lib, char *why, size_t why_size)
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
            dlclose(lib->handle);
            return -ENOSYS;
        }
    }
    return 0;
}

bool tap_possible(char *why, size_t why_size)
{
    struct library lib;
    if (library_load(&lib, why, why_size) < 0)
        return false;
    dlclose(lib.handle);
    return true;
}

static struct tap *tap_new(const char *name, char *why, size_t why_size, int *ret_err)
{
    struct tap *s = mem_alloc(sizeof(*s));
    *ret_err = library_load(&s->lib, why, why_size);
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
    if (s->lib.handle)
        dlclose(s->lib.handle);
    savefile_close(s->own);
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

/* Without a filter and in the classic format a file is read without libpcap. */
static struct tap *tap_open_own(const char *path, const char *filter, FILE *file)
{
    uint32_t link;
    int fd = filter && *filter ? -1 : dup(fileno(file));
    struct savefile *own = fd < 0 ? NULL : savefile_open(fd, &link);
    if (!own || !packet_link_known(link)) {
        if (own)
            savefile_close(own);
        else if (fd >= 0)
            close(fd);
        rewind(file);
        return NULL;
    }
    struct tap *s = mem_alloc(sizeof(*s));
    s->own = own;
    s->link = link;
    s->file = true;
    s->name = mem_string(path);
    return s;
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
    struct tap *s = tap_open_own(path, filter, file);
    if (s) {
        fclose(file);
        *ret = s;
        return 0;
    }
    s = tap_new(path, why, why_size, &err);
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

static int tap_read_own(struct tap *s, int most, tap_packets_fn *packets, void *user, char *why,
                        size_t why_size)
{
    struct packet_frame frames[TAP_BATCH];
    char text[128];
    int count = 0, got = 1;
    while (count < most) {
        got = savefile_several(s->own, frames, (size_t)MIN(most - count, TAP_BATCH), text,
                               sizeof(text));
        if (got <= 0)
            break;
        packets(user, s->link, frames, (size_t)got);
        count += got;
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
