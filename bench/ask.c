/*
 * ask.c: how long a server takes to answer: `ask PORT` reads a path from each line, asks for it
 * over one connection to 127.0.0.1, and says in nanoseconds how long it was from the question to
 * the last byte of the answer. Nothing is made of the answer, and its place is there before: what
 * this program does itself would count for the server.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MAX (256U << 20)

static long long now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "ask: %s: %s\n", what, errno ? strerror(errno) : "not a good answer");
    exit(1);
}

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    const struct timeval patience = {.tv_sec = 600};
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        fail("connect");
    return fd;
}

/* How long the answer is whose head is there, 0 when it comes in chunks. */
static size_t length_of(const char *text, const char *end_of_head)
{
    static const char name[] = "\r\nContent-Length:";
    const char *length = strcasestr(text, name);
    if (!length || length >= end_of_head)
        return 0;
    return (size_t)(end_of_head - text) + strtoul(length + strlen(name), NULL, 10);
}

/* Up to its end; `text` has room for ANSWER_MAX bytes and a NUL. */
static size_t receive(int fd, char *text)
{
    static const char last_chunk[] = "\r\n0\r\n\r\n";
    const size_t last_len = strlen(last_chunk);
    size_t len = 0, wanted = 0;
    for (bool head = false;;) {
        ssize_t n = recv(fd, text + len, ANSWER_MAX - len, 0);
        if (n <= 0)
            fail("recv");
        len += (size_t)n;
        text[len] = '\0';
        const char *end = head ? NULL : strstr(text, "\r\n\r\n");
        if (end) {
            head = true;
            wanted = length_of(text, end + 4);
        }
        if (head && wanted && len >= wanted)
            return len;
        if (head && !wanted && memcmp(text + len - last_len, last_chunk, last_len) == 0)
            return len;
    }
}

int main(int argc, char **argv)
{
    int port = argc == 2 ? (int)strtol(argv[1], NULL, 10) : 0;
    if (port <= 0) {
        fprintf(stderr, "usage: ask PORT < paths\n");
        return 2;
    }
    int fd = connect_to(port);
    char *answer = malloc(ANSWER_MAX + 1), *path = NULL, question[16384];
    size_t room = 0;
    if (!answer)
        fail("malloc");
    memset(answer, 1, 8U << 20); /* so that the first one does not wait for memory */
    while (getline(&path, &room, stdin) > 0) {
        path[strcspn(path, "\n")] = '\0';
        int len = snprintf(question, sizeof(question),
                           "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", path, port);
        if (len >= (int)sizeof(question))
            fail("the path is too long");
        errno = 0;
        long long began = now_ns();
        if (send(fd, question, (size_t)len, MSG_NOSIGNAL) != len)
            fail("send");
        receive(fd, answer);
        long long took = now_ns() - began;
        if (strncmp(answer, "HTTP/1.1 200 ", 13) != 0)
            fail(path);
        printf("%lld\n", took);
        fflush(stdout);
    }
    free(path);
    free(answer);
    close(fd);
    return 0;
}
