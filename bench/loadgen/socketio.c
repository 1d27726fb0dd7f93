/* Socket.IO: the WebSocket upgrade, Engine.IO open, Socket.IO CONNECT with a token, then events. */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <string.h>

/* ---- sending ---- */

static void send_frame(struct client *client, enum opcode opcode, const char *payload, size_t length)
{
    char frame[FRAME_HEADER_MAX + 8192];
    if (length > 8192)
        die("a payload of %zu bytes", length);
    client_write(client, frame, frame_build(frame, opcode, payload, length));
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

static void send_message(struct client *client, const char *conversation, const char *text, unsigned id)
{
    char payload[512];
    int length = snprintf(payload, sizeof payload, "[\"message:send\",{\"conversationId\":\"%s\",\"content\":\"%s\"}]",
                          conversation, text);
    if (length < 0 || (size_t)length >= sizeof payload)
        die("a conversation id is too long");
    client_emit(client, id, payload);
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

static void receive_packet(struct load *load, struct client *client, const struct frame *frame)
{
    static const char refusal[] = "\"success\":false";
    const char *message = load->mode->delivered ? load->mode->delivered
                          : client->dialect     ? client->dialect->message
                                                : "42[\"message:new\",";
    if (starts_with(frame, message, strlen(message))) {
        client_received(load, client, frame);
    } else if (STARTS_WITH(frame, "43") && client->state == FOLLOWING) {
        if (memmem(frame->payload, frame->length, refusal, sizeof refusal - 1))
            die("client %u may not hear of its conversation: %.*s", client->index, (int)frame->length, frame->payload);
        client_joined(load, client);
    } else if (STARTS_WITH(frame, "43")) {
        load->count.acks++;
        if (memmem(frame->payload, frame->length, refusal, sizeof refusal - 1))
            client_refused(load, frame);
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
            client_joined(load, client);
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

/* ---- opening and closing ---- */

static void begin(struct load *load, struct client *client)
{
    char request[512];
    client_write(client, request, upgrade_request(request, sizeof request, load->host, client_port(load, client)));
}

/* Starts WebSocket's closing handshake (RFC 6455, section 7). */
static void end(struct client *client)
{
    static const char normal_closure[] = {0x03, (char)0xe8};
    send_frame(client, CLOSE, normal_closure, sizeof normal_closure);
}

const struct protocol socketio_protocol = {.name = "socketio",
                                           .acknowledges = true,
                                           .begin = begin,
                                           .consume = consume,
                                           .send_message = send_message,
                                           .end = end};

