/*
 * packet_load.c: sends frames into a device as fast as it can, or at a rate: what the packet engine
 * is measured with live.
 *
 *     packet_load DEVICE SECONDS RATE BYTES FLOWS
 *
 * RATE is packets a second, 0: as many as can be; BYTES of a frame, 60 to 1514; FLOWS different UDP
 * conversations, one packet of each in turn. Needs CAP_NET_RAW. Frames go past the queueing
 * discipline (PACKET_QDISC_BYPASS), a batch in one system call. Prints one line of JSON; what the
 * device refused is counted and not sent again.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/defs.h"
#include "base/text.h"

#define BATCH 64
#define FRAME_MAX 1514

struct batch {
    struct mmsghdr msg[BATCH];
    struct iovec iov[BATCH];
    uint8_t frame[BATCH][FRAME_MAX];
};

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint16_t checksum(const uint8_t *at, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i += 2)
        sum += (uint32_t)(at[i] << 8 | at[i + 1]);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~(sum + (sum >> 16));
}

static void make_frame(uint8_t *frame, size_t bytes)
{
    memset(frame, 0, bytes);
    memset(frame, 0xff, 6); /* to all: no address has to be known, and none answers */
    frame[6] = 0x02;
    put16(frame + 12, ETH_P_IP);
    uint8_t *ip = frame + 14;
    ip[0] = 0x45;
    put16(ip + 2, (unsigned)(bytes - 14));
    ip[8] = 64;
    ip[9] = IPPROTO_UDP;
    put16(ip + 20 + 4, (unsigned)(bytes - 34));
    put16(ip + 20 + 2, 9);
}

/* 198.18.0.0/15 is for benchmarks (RFC 2544). */
static void make_flow(uint8_t *frame, uint32_t flow)
{
    uint8_t *ip = frame + 14;
    const uint32_t from = htonl(0xc6120000 | (flow >> 14 & 0xffff)), to = htonl(0xc6130001);
    memcpy(ip + 12, &from, 4);
    memcpy(ip + 16, &to, 4);
    put16(ip + 20, 1024 + (flow & 0x3fff));
    put16(ip + 10, 0);
    put16(ip + 10, checksum(ip, 20));
}

static int open_device(const char *device)
{
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
    int on = 1, room = 8 << 20, fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    to.sll_ifindex = (int)if_nametoindex(device);
    if (fd < 0 || !to.sll_ifindex || bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        return -1;
    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
    return fd;
}

int main(int argc, char **argv)
{
    static struct batch b;
    uint64_t seconds, rate, bytes, flows, sent = 0, refused = 0;
    if (argc != 6 || text_u64(argv[2], &seconds) || text_u64(argv[3], &rate) ||
        text_u64(argv[4], &bytes) || text_u64(argv[5], &flows) || bytes < 60 || bytes > FRAME_MAX ||
        !flows || flows > UINT32_MAX || !seconds || seconds > 3600) {
        fprintf(stderr, "usage: packet_load DEVICE SECONDS RATE BYTES FLOWS\n");
        return 2;
    }
    int fd = open_device(argv[1]);
    if (fd < 0) {
        fprintf(stderr, "packet_load: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    for (size_t i = 0; i < BATCH; i++) {
        make_frame(b.frame[i], bytes);
        b.iov[i] = (struct iovec){b.frame[i], bytes};
        b.msg[i].msg_hdr = (struct msghdr){.msg_iov = &b.iov[i], .msg_iovlen = 1};
    }
    int64_t began_ns = clock_mono_ns(), end_ns = began_ns + (int64_t)seconds * NS_PER_S, now_ns;
    for (uint32_t flow = 0; (now_ns = clock_mono_ns()) < end_ns;) {
        if (rate && (double)(sent + refused) >
                        (double)(now_ns - began_ns) / (double)NS_PER_S * (double)rate)
            continue; /* busy: a sleep would send in bursts */
        for (size_t i = 0; i < BATCH; i++) {
            make_flow(b.frame[i], flow);
            flow = flow + 1 == flows ? 0 : flow + 1;
        }
        int count = sendmmsg(fd, b.msg, BATCH, 0);
        sent += count > 0 ? (uint64_t)count : 0;
        refused += BATCH - (count > 0 ? (uint64_t)count : 0);
    }
    double took = (double)(now_ns - began_ns) / (double)NS_PER_S;
    printf("{\"sent\":%llu,\"refused\":%llu,\"seconds\":%.3f,\"per_second\":%.0f}\n",
           (unsigned long long)sent, (unsigned long long)refused, took, (double)sent / took);
    close(fd);
    return 0;
}
