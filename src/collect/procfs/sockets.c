/*
 * sockets.c: sockets one by one from /proc/net/{tcp,udp,raw}{,6}: without cookies, bytes and round
 * trips, but everywhere. For the census, on the survey thread.
 *
 *    sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
 *     0: 0100007F:1D35 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2190
 * 1 ...
 *
 * An address is printed as 32-bit words in the machine's byte order, each of them as a number
 * (proc_net(5), get_tcp4_sock in net/ipv4/tcp_ipv4.c). The files are long where there are many
 * sockets, so they are read in pieces and never held as a whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/mem.h"
#include "collect/procfs/parts.h"

#define PIECE_BYTES 32768

static const struct {
    const char *path;
    uint16_t protocol;
    uint8_t family;
} files[] = {
    {"net/tcp", IPPROTO_TCP, AF_INET},         {"net/tcp6", IPPROTO_TCP, AF_INET6},
    {"net/udp", IPPROTO_UDP, AF_INET},         {"net/udp6", IPPROTO_UDP, AF_INET6},
    {"net/udplite", IPPROTO_UDPLITE, AF_INET}, {"net/udplite6", IPPROTO_UDPLITE, AF_INET6},
    {"net/raw", IPPROTO_RAW, AF_INET},         {"net/raw6", IPPROTO_RAW, AF_INET6},
};

struct sockets {
    const char *proc_root;
    char *piece;
};

struct sockets *sockets_new(const char *proc_root)
{
    struct sockets *s = mem_alloc(sizeof(*s));
    s->proc_root = proc_root;
    return s;
}

void sockets_free(struct sockets *s)
{
    if (!s)
        return;
    free(s->piece);
    free(s);
}

/* "0100007F:1D35" */
static bool scan_endpoint(struct scan *line, uint8_t family, struct endpoint *ret)
{
    struct scan word;
    size_t words = family == AF_INET ? 1 : 4;
    if (!scan_word(line, &word) || scan_len(&word) != words * 8 + 5 || word.at[words * 8] != ':')
        return false;
    *ret = (struct endpoint){.family = family};
    for (size_t i = 0; i < words; i++) {
        struct scan digits = {word.at + i * 8, word.at + i * 8 + 8};
        uint32_t value;
        if (!scan_hex(&digits, &value))
            return false;
        memcpy(ret->address + i * 4, &value, 4);
    }
    struct scan digits = {word.at + words * 8 + 1, word.end};
    uint32_t port;
    if (!scan_hex(&digits, &port))
        return false;
    ret->port = (uint16_t)port;
    return true;
}

bool sockets_parse_line(struct scan line, uint16_t protocol, uint8_t family,
                        struct socket_seen *ret)
{
    struct scan word;
    uint32_t state;
    uint64_t uid, timeout, inode;
    *ret = (struct socket_seen){.protocol = protocol, .method = "procfs"};
    if (!scan_word(&line, &word) || !scan_endpoint(&line, family, &ret->local) ||
        !scan_endpoint(&line, family, &ret->remote) || !scan_hex(&line, &state) ||
        !scan_word(&line, &word) || !scan_word(&line, &word) || !scan_word(&line, &word) ||
        !scan_u64(&line, &uid) || !scan_u64(&line, &timeout) || !scan_u64(&line, &inode))
        return false;
    if (state == 0 || state >= SOCKET_STATES || uid > UINT32_MAX || inode > UINT32_MAX)
        return false;
    ret->state = (uint8_t)state;
    ret->uid = (uint32_t)uid;
    ret->inode = (uint32_t)inode;
    return true;
}

/* 0 or -errno; lines that made no sense are added to *bad. */
static int sockets_read_file(struct sockets *s, size_t i, struct census *census, size_t *bad)
{
    char *path = mem_printf("%s/%s", s->proc_root, files[i].path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int err = fd < 0 ? -errno : 0;
    free(path);
    if (fd < 0)
        return err;
    size_t len = 0;
    bool heading = true;
    for (;;) {
        ssize_t got = read(fd, s->piece + len, PIECE_BYTES - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            err = got < 0 ? -errno : 0;
            break;
        }
        struct scan text = scan_text(s->piece, len + (size_t)got), line;
        while (scan_line(&text, &line)) {
            struct socket_seen seen;
            if (!heading && sockets_parse_line(line, files[i].protocol, files[i].family, &seen))
                census_socket(census, &seen);
            else
                *bad += !heading;
            heading = false;
        }
        len = scan_len(&text);
        if (len == PIECE_BYTES) { /* no line is so long */
            err = -EBADMSG;
            break;
        }
        memmove(s->piece, text.at, len);
    }
    close(fd);
    return err;
}

size_t sockets_survey(struct sockets *s, struct census *census)
{
    size_t bad = 0, read = 0;
    bool whole = true;
    if (!s->piece)
        s->piece = mem_alloc(PIECE_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        int err = sockets_read_file(s, i, census, &bad);
        read += !err;
        whole &= !err || err == -ENOENT;
    }
    /* Of what could not be read as a whole nothing may be concluded. */
    if (whole && read && !bad)
        census_sockets_complete(census, "procfs");
    if (bad || !whole)
        census_lost(census, MAX(bad, (size_t)1), "socket lines of /proc");
    return bad;
}
