/* main.c -- the limit servers: arguments, the listener, the passes. */
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "limit/server.h"
#include "load/fail.h"
#include "load/files.h"

enum { LARGEST_FRAME = 64 << 20, BACKLOG = 4096 };

static const char USAGE[] = "limit: what a server could do if it had nothing to do but sockets.\n"
                            "\n"
                            "    limit [--port N] [--mode send|coalesced]\n"
                            "\n"
                            "  --port N      on 127.0.0.1; 0 (default) for any. The first line says which: PORT N\n"
                            "  --mode NAME   send (default): one send() per delivery\n"
                            "                coalesced: one send() per connection and pass\n";

static const struct option NAMES[] = {
    {"port", required_argument, NULL, 'p'},
    {"mode", required_argument, NULL, 'm'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static in_port_t parse_port(const char *text)
{
    char *end;
    const unsigned long port = strtoul(text, &end, 10);
    if (*text == '\0' || *end != '\0' || port > UINT16_MAX)
        fail("not a port: %s", text);
    return htons((uint16_t)port);
}

static bool parse_mode(const char *text)
{
    if (strcmp(text, "coalesced") != 0 && strcmp(text, "send") != 0)
        fail("no such mode: %s", text);
    return *text == 'c';
}

/* --- what is watched besides sessions ---------------------------------------------- */

static void accept_all(net_conn *listener)
{
    int fd;
    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        session_start(listener->owner, fd);
    if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
        fail("accept4: %s", strerror(errno));
}

static void stop(net_conn *signals)
{
    (void)signals;
    exit(0);
}

static const net_handler LISTENER = {.ready = accept_all};
static const net_handler SIGNALS = {.ready = stop};

static void watch_signals(limit_server *server, net_conn *signals)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    *signals = (net_conn){.fd = -1, .handler = &SIGNALS};
    if (!net_adopt(&server->net, signals, signalfd(-1, &set, SFD_CLOEXEC)))
        fail("signalfd: %s", strerror(errno));
}

/* TCP_NODELAY is inherited by what is accepted. */
static void listen_at(limit_server *server, struct sockaddr_in *address)
{
    const int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr *generic = (struct sockaddr *)address;
    socklen_t size = sizeof *address;
    server->listener = (net_conn){.fd = -1, .handler = &LISTENER, .owner = server};
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 || bind(fd, generic, size) != 0 ||
        listen(fd, BACKLOG) != 0 || getsockname(fd, generic, &size) != 0 ||
        !net_adopt(&server->net, &server->listener, fd))
        fail("cannot listen: %s", strerror(errno));
    printf("PORT %u\n", ntohs(address->sin_port));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static limit_server server;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    net_conn signals;
    int name;
    while ((name = getopt_long(argc, argv, "", NAMES, NULL)) != -1) {
        switch (name) {
        case 'p': address.sin_port = parse_port(optarg); break;
        case 'm': server.coalesced = parse_mode(optarg); break;
        case 'h': fputs(USAGE, stdout); return 0;
        default: return 2;
        }
    }
    files_most();
    net_init(&server.net, LARGEST_FRAME, false);
    watch_signals(&server, &signals);
    listen_at(&server, &address);
    for (;;) {
        net_pass(&server.net, -1);
        sessions_free_gone(&server);
    }
}
