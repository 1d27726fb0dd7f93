/* Clients: WebSocket upgrade, Engine.IO open, Socket.IO CONNECT with a token, then events; and the event loop. */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
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

static void send_bytes(struct client *client, const char *data, size_t length)
{
    ssize_t written = send(client->fd, data, length, MSG_NOSIGNAL);
    if (written < 0 && (errno == EPIPE || errno == ECONNRESET))
        return; /* the read side reports it */
    /* Requests are small and few, so a full socket buffer means a server that stopped reading. */
    if (written != (ssize_t)length)
        die("client %u could not write %zu bytes: %s", client->index, length, strerror(errno));
}

static void send_frame(struct client *client, enum opcode opcode, const char *payload, size_t length)
{
    char frame[FRAME_HEADER_MAX + 8192];
    if (length > 8192)
        die("a payload of %zu bytes", length);
    send_bytes(client, frame, frame_build(frame, opcode, payload, length));
}

static void send_connect(const struct load *load, struct client *client)
{
    char packet[8192];
    const char *token = load->tokens[client->index % load->token_count];
    char options[2048] = "";
    if (load->mode->connect_options)
        load->mode->connect_options(client, options, sizeof options);
    int length = snprintf(packet, sizeof packet, "40{\"token\":\"%s\"%s%s%s%s}", token,
                          client->dialect ? ",\"dialect\":\"" : "", client->dialect ? client->dialect->name : "",
                          client->dialect ? "\"" : "", options);
    if (length < 0 || (size_t)length >= sizeof packet)
        die("a token is too long");
    send_frame(client, TEXT, packet, (size_t)length);
}

const char *client_conversation(const struct load *load, const struct client *client)
{
    return load->conversations[(size_t)client->index * load->conversation_count / load->connections];
}

/* Makes the client follow its conversation, if its dialect has an event for that. */
static void send_follow(const struct load *load, struct client *client)
{
    char packet[512];
    int length = snprintf(packet, sizeof packet, "420[\"%s\",{\"%s\":\"%s\"}]", client->dialect->follow,
                          client->dialect->follow_member, client_conversation(load, client));
    if (length < 0 || (size_t)length >= sizeof packet)
        die("a conversation id is too long");
    send_frame(client, TEXT, packet, (size_t)length);
}

/* Sends an event, `["name",{…}]`, which the server acknowledges with this id. */
void client_emit(struct client *client, unsigned ack_id, const char *payload)
{
    char packet[1024];
    int length = snprintf(packet, sizeof packet, "42%u%s", ack_id, payload);
    if (length < 0 || (size_t)length >= sizeof packet)
        die("an event is too long");
    send_frame(client, TEXT, packet, (size_t)length);
}

void client_send_message(struct load *load, struct client *client)
{
    client_send_message_to(load, client, client_conversation(load, client));
}

/* Sends one chat message of 60 characters, with an ack id. */
void client_send_message_to(struct load *load, struct client *client, const char *conversation)
{
    char payload[512];
    int length = snprintf(payload, sizeof payload, "[\"message:send\",{\"conversationId\":\"%s\",\"content\":\"%s %012llu\"}]",
                          conversation, MESSAGE_PREFIX, (unsigned long long)load->sent);
    if (length < 0 || (size_t)length >= sizeof payload)
        die("a conversation id is too long");
    client_emit(client, (unsigned)(load->sent++ % ACK_IDS), payload);
}

/* ---- receiving ---- */

static bool starts_with(const struct frame *frame, const char *prefix, size_t length)
{
    return frame->length >= length && memcmp(frame->payload, prefix, length) == 0;
}
#define STARTS_WITH(frame, literal) starts_with(frame, literal, sizeof literal - 1)

/* Returns the id of an acknowledgement, which is between "43" and "[". */
static unsigned ack_id(const struct frame *frame)
{
    unsigned id = 0;
    for (size_t i = 2; i < frame->length && frame->payload[i] >= '0' && frame->payload[i] <= '9'; i++)
        id = id * 10 + (unsigned)(frame->payload[i] - '0');
    if (id >= ACK_IDS)
        die("an acknowledgement of no message: %.*s", (int)frame->length, frame->payload);
    return id;
}

static void join(struct load *load, struct client *client)
{
    client->state = JOINED;
    load->joined++;
    if (load->mode->on_joined)
        load->mode->on_joined(load, client);
}

static void receive_packet(struct load *load, struct client *client, const struct frame *frame)
{
    static const char refusal[] = "\"success\":false";
    const char *message = load->mode->delivered ? load->mode->delivered
                          : client->dialect     ? client->dialect->message
                                                : "42[\"message:new\",";
    if (starts_with(frame, message, strlen(message))) {
        client->received++;
        load->count.deliveries += !client->sender_only;
        if (load->mode->on_message_frame)
            load->mode->on_message_frame(load, client, frame);
        if (load->mode->on_message)
            load->mode->on_message(load, client);
    } else if (STARTS_WITH(frame, "43") && client->state == FOLLOWING) {
        if (memmem(frame->payload, frame->length, refusal, sizeof refusal - 1))
            die("client %u may not hear of its conversation: %.*s", client->index, (int)frame->length, frame->payload);
        join(load, client);
    } else if (STARTS_WITH(frame, "43")) {
        load->count.acks++;
        if (memmem(frame->payload, frame->length, refusal, sizeof refusal - 1)) {
            if (load->refused++ == 0)
                fprintf(stderr, "refused: %.*s\n", (int)frame->length, frame->payload);
        }
        if (load->mode->on_ack)
            load->mode->on_ack(load, client, ack_id(frame), frame);
    } else if (STARTS_WITH(frame, "2")) {
        send_frame(client, TEXT, "3", 1);
    } else if (STARTS_WITH(frame, "0{") && client->state == OPENING) {
        client->state = JOINING;
        send_connect(load, client);
    } else if (STARTS_WITH(frame, "40") && client->state == JOINING) {
        if (load->mode->on_connect_answer)
            load->mode->on_connect_answer(load, client, frame);
        if (client->dialect && client->dialect->follow) {
            client->state = FOLLOWING;
            send_follow(load, client);
        } else {
            join(load, client);
        }
    } else if (STARTS_WITH(frame, "1") || STARTS_WITH(frame, "41") || STARTS_WITH(frame, "44")) {
        if (client->state != CLOSING)
            die("the server ended client %u: %.*s", client->index, (int)frame->length, frame->payload);
    }
    /* Everything else (`connected`, presence, noop) is ignored. */
}

static void receive_frame(struct load *load, struct client *client, const struct frame *frame)
{
    if (!frame->final || frame->opcode == CONTINUATION)
        die("the server fragmented a message: count it before trusting these figures");
    switch (frame->opcode) {
    case TEXT:
        receive_packet(load, client, frame);
        break;
    case PING:
        send_frame(client, PONG, frame->payload, frame->length);
        break;
    case CLOSE:
        if (client->state != CLOSING)
            die("the server closed client %u: %.*s", client->index,
                frame->length > 2 ? (int)frame->length - 2 : 0, frame->payload + 2);
        client->state = CLOSED;
        break;
    default:
        break;
    }
}

/* The answer to the upgrade request; 0 when it is not complete. */
static size_t receive_upgrade(struct client *client, const char *data, size_t length)
{
    const char *end = memmem(data, length, "\r\n\r\n", 4);
    if (!end)
        return 0;
    if (length < 12 || memcmp(data, "HTTP/1.1 101", 12) != 0)
        die("client %u was not upgraded: %.*s", client->index, (int)(end - data), data);
    client->state = OPENING;
    return (size_t)(end - data) + 4;
}

/* Handles every whole frame in `data` and returns how many bytes they had. */
static size_t consume(struct load *load, struct client *client, const char *data, size_t length)
{
    size_t used = 0;
    if (client->state == UPGRADING && (used = receive_upgrade(client, data, length)) == 0)
        return 0;
    struct frame frame;
    while (frame_parse(data + used, length - used, &frame)) {
        receive_frame(load, client, &frame);
        if (client->state == CLOSED)
            return length;
        used += frame.size;
    }
    return used;
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
    size_t used = consume(load, client, buffer, length);
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

static int port_of(const struct load *load, const struct client *client)
{
    if (load->mode->separate_sender)
        return load->ports[client->index == 0 ? 0 : load->port_count - 1];
    return load->ports[client->index % load->port_count];
}

void client_open(struct load *load, struct client *client)
{
    int on = 1;
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port_of(load, client))};
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
    char request[512];
    client->state = UPGRADING;
    send_bytes(client, request, upgrade_request(request, sizeof request, load->host, port_of(load, client)));
    watch(load, client, EPOLL_CTL_MOD, EPOLLIN);
}

/* Starts the closing handshake; the server's close frame or end of file completes it. */
void client_close(struct load *load, struct client *client)
{
    static const char normal_closure[] = {0x03, (char)0xe8};
    load->joined--;
    client->state = CLOSING;
    send_frame(client, CLOSE, normal_closure, sizeof normal_closure);
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
