/* XMPP over TCP without TLS: stream, SASL PLAIN, resource binding, presence, and messages (RFC 6120 and 6121), and
 * entering a room (XEP-0045). */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <string.h>

#define STREAM                                                                                                         \
    "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' "                          \
    "xmlns:stream='http://etherx.jabber.org/streams'>"
#define SEND(client, text) client_write(client, text, sizeof text - 1)

/* ---- the server's XML ---- */

/* Returns the size of the element at the start of `data`, or 0 when it is not complete. Servers write neither comments
 * nor ">" within values. */
static size_t element_size(const char *data, size_t length)
{
    int depth = 0;
    for (const char *at = data, *end; (at = memchr(at, '<', length - (size_t)(at - data))); at = end) {
        if (!(end = memchr(at, '>', length - (size_t)(at - data))))
            return 0;
        if (at[1] == '/')
            depth--;
        else if (end[-1] != '/')
            depth++;
        end++;
        if (depth == 0)
            return (size_t)(end - data);
    }
    return 0;
}

static bool contains(const struct frame *stanza, const char *text)
{
    return memmem(stanza->payload, stanza->length, text, strlen(text)) != NULL;
}

static bool is_named(const struct frame *stanza, const char *name)
{
    size_t length = strlen(name);
    return stanza->length > length + 1 && memcmp(stanza->payload + 1, name, length) == 0 &&
           strchr(" />", stanza->payload[length + 1]);
}

/* Returns the size of what opens the server's stream, or 0 when it is not complete. */
static size_t stream_header_size(const char *data, size_t length)
{
    const char *header = memmem(data, length, "<stream:stream", 14);
    const char *end = header ? memchr(header, '>', length - (size_t)(header - data)) : NULL;
    return end ? (size_t)(end - data) + 1 : 0;
}

/* ---- signing in ---- */

static void send_token(const struct load *load, struct client *client)
{
    char stanza[4096];
    int length = snprintf(stanza, sizeof stanza, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>",
                          load->tokens[client->index % load->token_count]);
    if (length < 0 || (size_t)length >= sizeof stanza)
        die("a token is too long");
    client_write(client, stanza, (size_t)length);
}

/* Returns the address of the client's room, or NULL if its conversation has two users. */
static const char *room_of(const struct load *load, const struct client *client)
{
    const char *conversation = load->conversation_count ? client_conversation(load, client) : NULL;
    return conversation && !strchr(conversation, ' ') ? conversation : NULL;
}

static void enter_room(struct client *client, const char *room)
{
    char stanza[512];
    int length = snprintf(stanza, sizeof stanza,
                          "<presence to='%s/member-%u'><x xmlns='http://jabber.org/protocol/muc'>"
                          "<history maxstanzas='0'/></x></presence>",
                          room, client->index);
    client_write(client, stanza, (size_t)length);
}

/* Takes the next step to an available resource, or to a room's occupant, when the server has answered the last one. */
static void sign_in(struct load *load, struct client *client, const struct frame *stanza)
{
    const char *room = room_of(load, client);
    if (is_named(stanza, "stream:features") && client->state == OPENING) {
        send_token(load, client);
    } else if (is_named(stanza, "success")) {
        client->state = UPGRADING; /* the stream begins once more */
        client->authenticated = true;
        SEND(client, STREAM);
    } else if (is_named(stanza, "stream:features")) {
        SEND(client, "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
    } else if (is_named(stanza, "iq") && contains(stanza, "<jid>")) {
        client->state = FOLLOWING;
        SEND(client, "<presence/>");
    } else if (is_named(stanza, "presence") && client->state == FOLLOWING) {
        if (contains(stanza, "type='error'"))
            die("client %u may not enter the room: %.*s", client->index, (int)stanza->length, stanza->payload);
        if (room && !contains(stanza, "http://jabber.org/protocol/muc#user"))
            enter_room(client, room);
        else if (!room || contains(stanza, "code='110'"))
            client_joined(load, client);
    } else if (is_named(stanza, "failure") || is_named(stanza, "stream:error")) {
        die("client %u was refused: %.*s", client->index, (int)stanza->length, stanza->payload);
    }
}

/* ---- the protocol ---- */

static void begin(struct load *load, struct client *client)
{
    (void)load;
    client->authenticated = false;
    SEND(client, STREAM);
}

static void receive_stanza(struct load *load, struct client *client, const struct frame *stanza)
{
    if (client->state != JOINED && client->state != CLOSING)
        sign_in(load, client, stanza);
    else if (is_named(stanza, "message") && contains(stanza, "type='error'"))
        client_refused(load, stanza);
    else if (is_named(stanza, "message") && contains(stanza, MESSAGE_PREFIX))
        client_received(load, client, stanza);
    else if (is_named(stanza, "stream:error"))
        die("the server ended client %u: %.*s", client->index, (int)stanza->length, stanza->payload);
}

static size_t consume(struct load *load, struct client *client, const char *data, size_t length)
{
    static const char closing[] = "</stream:stream>";
    size_t used = 0;
    while (used < length) {
        struct frame stanza = {.payload = data + used, .final = true};
        if (client->state == UPGRADING) {
            stanza.length = stream_header_size(data + used, length - used);
            client->state = stanza.length ? client->authenticated ? JOINING : OPENING : UPGRADING;
        } else if (length - used >= sizeof closing - 1 && memcmp(data + used, closing, sizeof closing - 1) == 0) {
            client->state = CLOSED;
            return length;
        } else if ((stanza.length = element_size(data + used, length - used))) {
            receive_stanza(load, client, &stanza);
        }
        if (client->state == CLOSING) { /* not every server ends its stream at once, and a client need not wait */
            client->state = CLOSED;
            return length;
        }
        if (!stanza.length)
            break;
        used += stanza.length;
    }
    return used;
}

/* Sends a message to a room, or to the other one of two users: clients with even numbers are the first of two. */
static void send_message(struct client *client, const char *conversation, const char *text, unsigned id)
{
    char stanza[1024];
    const char *second = strchr(conversation, ' ');
    const char *address = second && client->index % 2 == 0 ? second + 1 : conversation;
    int width = second && client->index % 2 ? (int)(second - conversation) : (int)strlen(address);
    int length = snprintf(stanza, sizeof stanza, "<message to='%.*s' type='%s' id='%u'><body>%s</body></message>", width,
                          address, second ? "chat" : "groupchat", id, text);
    if (length < 0 || (size_t)length >= sizeof stanza)
        die("an address is too long");
    client_write(client, stanza, (size_t)length);
}

static void end(struct client *client)
{
    SEND(client, "</stream:stream>");
}

const struct protocol xmpp_protocol = {
    .name = "xmpp", .begin = begin, .consume = consume, .send_message = send_message, .end = end};
