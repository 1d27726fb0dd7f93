/* Clients: their connections, what they share in every protocol, and the event loop. */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define STALLED_NS 60000000000ull /* joining without any progress */

/* One read buffer for all clients: a partial frame at its end is kept in the client's tail. */
static char *buffer;
static size_t buffer_size = 1 << 18;

/* ---- sending ---- */

void client_write(struct client *client, const char *data, size_t length)
{
    ssize_t written = send(client->fd, data, length, MSG_NOSIGNAL);
    if (written < 0 && (errno == EPIPE || errno == ECONNRESET))
        return; /* the read side reports it */
    /* Requests are small and few, so a full socket buffer means a server that stopped reading. */
    if (written != (ssize_t)length)
        die("client %u could not write %zu bytes: %s", client->index, length, strerror(errno));
}

const char *client_conversation(const struct load *load, const struct client *client)
{
    size_t place = client->index % load->connections; /* handshake: clients return as later users */
    return load->conversations[place * load->conversation_count / load->connections];
}

/* Sends a message of 60 characters, which its number ends, to the client's conversation. */
void client_send_message(struct load *load, struct client *client)
{
    client_send_message_to(load, client, client_conversation(load, client));
}

void client_send_message_to(struct load *load, struct client *client, const char *conversation)
{
    char text[sizeof MESSAGE_PREFIX + 20];
    snprintf(text, sizeof text, MESSAGE_PREFIX "%012" PRIu64, load->sent);
    load->protocol->send_message(client, conversation, text, (unsigned)(load->sent % ACK_IDS));
    load->sent++;
}

/* ---- receiving ---- */

void client_joined(struct load *load, struct client *client)
{
    client->state = JOINED;
    load->joined++;
    if (load->mode->on_joined)
        load->mode->on_joined(load, client);
}

void client_received(struct load *load, struct client *client, const struct frame *message)
{
    client->received++;
    load->count.deliveries += !client->sender_only;
    if (load->mode->on_message_frame)
        load->mode->on_message_frame(load, client, message);
    if (load->mode->on_message)
        load->mode->on_message(load, client);
}

/* Counts a message that the server refused, and shows the first refusal. */
void client_refused(struct load *load, const struct frame *refusal)
{
    if (load->refused++ == 0)
        fprintf(stderr, "refused: %.*s\n", (int)refusal->length, refusal->payload);
}

/* Returns the number at the end of a received message's text. */
uint64_t message_number(const struct frame *message)
{
    const char *text = memmem(message->payload, message->length, MESSAGE_PREFIX, sizeof MESSAGE_PREFIX - 1);
    if (!text)
        die("a message with another text: %.*s", (int)message->length, message->payload);
    return strtoull(text + sizeof MESSAGE_PREFIX - 1, NULL, 10);
}

static void keep_tail(struct client *client, const char *data, size_t length)
{
    if (length == buffer_size) { /* one frame larger than the buffer */
        buffer_size *= 2;
        data = buffer = must_allocate(buffer, buffer_size);
    }
    if (length > 0) {
        client->tail = must_allocate(client->tail, length);
        memcpy(client->tail, data, length);
    } else if (client->tail) {
        free(client->tail);
        client->tail = NULL;
    }
    client->tail_length = length;
}

static void drop(struct load *load, struct client *client)
{
    close(client->fd);
    client->fd = -1;
    client->state = CLOSED;
    keep_tail(client, NULL, 0);
    if (load->mode->on_closed)
        load->mode->on_closed(load, client);
}

static void on_readable(struct load *load, struct client *client)
{
    size_t length = client->tail_length;
    if (length > 0)
        memcpy(buffer, client->tail, length);
    ssize_t received = recv(client->fd, buffer + length, buffer_size - length, 0);
    if (received < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (received <= 0) {
        if (client->state != CLOSING)
            die("client %u lost its connection: %s", client->index, received < 0 ? strerror(errno) : "end of file");
        drop(load, client);
        return;
    }
    load->count.bytes += (uint64_t)received;
    length += (size_t)received;
    size_t used = load->protocol->consume(load, client, buffer, length);
    if (client->state == CLOSED)
        drop(load, client);
    else
        keep_tail(client, buffer + used, length - used);
}

/* ---- opening and closing ---- */

static void watch(struct load *load, struct client *client, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = client};
    if (epoll_ctl(load->epoll, operation, client->fd, &event) < 0)
        die("epoll_ctl: %s", strerror(errno));
}

/* Each source address has its own range of ports, and all of 127.0.0.0/8 can be used. */
static void bind_source(const struct load *load, int fd)
{
    static unsigned next;
    int on = 1;
    struct sockaddr_in source = {.sin_family = AF_INET};
    source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + next++ % load->sources);
    setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&source, sizeof source) < 0)
        die("bind: %s", strerror(errno));
}

int client_port(const struct load *load, const struct client *client)
{
    if (load->mode->separate_sender)
        return load->ports[client->index == 0 ? 0 : load->port_count - 1];
    return load->ports[client->index % load->port_count];
}

void client_open(struct load *load, struct client *client)
{
    int on = 1;
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)client_port(load, client))};
    if (inet_pton(AF_INET, load->host, &server.sin_addr) != 1)
        die("the host must be an IPv4 address: %s", load->host);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        die("socket: %s", strerror(errno));
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (load->sources > 1)
        bind_source(load, client->fd);
    client->state = CONNECTING;
    client->since = clock_ns();
    if (connect(client->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS)
        die("connect: %s", strerror(errno));
    watch(load, client, EPOLL_CTL_ADD, EPOLLOUT);
}

static void on_connected(struct load *load, struct client *client)
{
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error)
        die("client %u could not connect: %s", client->index, strerror(error));
    client->state = UPGRADING;
    load->protocol->begin(load, client);
    watch(load, client, EPOLL_CTL_MOD, EPOLLIN);
}

/* Starts the closing handshake; the server's answer or end of file completes it. */
void client_close(struct load *load, struct client *client)
{
    load->joined--;
    client->state = CLOSING;
    load->protocol->end(client);
}

/* Ends the connection without a close frame, as a network failure does. */
void client_abort(struct load *load, struct client *client)
{
    if (client->state == JOINED)
        load->joined--;
    drop(load, client);
}

/* ---- the loop ---- */

/* Waits for events, at most `timeout_ms`, and handles them. */
void poll_events(struct load *load, int timeout_ms)
{
    static struct epoll_event events[1024];
    int count = epoll_wait(load->epoll, events, 1024, timeout_ms);
    if (count < 0 && errno != EINTR)
        die("epoll_wait: %s", strerror(errno));
    load->now = clock_ns();
    for (int i = 0; i < count; i++) {
        struct client *client = events[i].data.ptr;
        if (!client)
            load->commanded = true;
        else if (client->state == CONNECTING)
            on_connected(load, client);
        else if (client->fd >= 0)
            on_readable(load, client);
    }
    if (load->mode->on_turn)
        load->mode->on_turn(load);
}

void clients_create(struct load *load)
{
    buffer = must_allocate(NULL, buffer_size);
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load->epoll < 0)
        die("epoll_create1: %s", strerror(errno));
    load->clients = must_allocate(NULL, load->connections * sizeof *load->clients);
    for (unsigned i = 0; i < load->connections; i++)
        load->clients[i] = (struct client){
            .fd = -1,
            .index = i,
            .state = CLOSED,
            .sender_only = i == 0 && load->port_count > 1 && load->mode->separate_sender,
            .dialect = load->dialect_count ? load->dialects[i % load->dialect_count] : NULL,
        };
}

/* Opens every client, `concurrency` at a time, and returns when all have joined. */
void connect_all(struct load *load)
{
    unsigned opened = 0, before = 0;
    uint64_t progress = clock_ns();
    while (load->joined < load->connections) {
        while (opened < load->connections && opened - load->joined < load->concurrency)
            client_open(load, &load->clients[opened++]);
        poll_events(load, 1000);
        if (load->joined != before)
            progress = load->now;
        else if (load->now - progress > STALLED_NS)
            die("only %u of %u clients joined", load->joined, load->connections);
        before = load->joined;
    }
}
