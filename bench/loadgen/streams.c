/* Streams: agents write many messages at once, a few characters at a time, through one socket each, and every message
 * has a reader of its own. All streams take turns, `rate` appends a second together.
 *
 * The first of the clients is an agent, the next ones are its readers, then the next agent comes: as many agents as
 * there are more clients than conversations.
 *
 * A server may join what it forwards, so that readers receive less often than authors write. A turn is complete when
 * each reader has as many characters as its agent has written. */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 8, ID_MAX = 64 };

struct stream {
    char id[ID_MAX]; /* of its message; empty until the server has opened it */
    uint64_t written, acknowledged, read; /* in characters */
};

static struct stream *streams;
static struct append {
    uint64_t sent_at;
    unsigned stream;
} appends[ACK_IDS];
static uint64_t next_append;
static unsigned opened, readers_each;

static struct client *agent_of(const struct load *load, unsigned stream)
{
    return &load->clients[stream / readers_each * (readers_each + 1)];
}

/* Returns the stream that a client reads. */
static struct stream *read_by(const struct client *client)
{
    unsigned agents = client->index / (readers_each + 1) + 1;
    return &streams[client->index - agents];
}

static void open_stream(const struct load *load, unsigned stream)
{
    char payload[512];
    snprintf(payload, sizeof payload,
             "[\"message:stream\",{\"conversationId\":\"%s\",\"clientMessageId\":\"stream-%u\",\"leaseS\":300}]",
             load->conversations[stream], stream);
    appends[stream].stream = stream;
    client_emit(agent_of(load, stream), stream, payload);
}

static void append(struct load *load, unsigned number)
{
    struct stream *stream = &streams[number];
    char payload[512];
    snprintf(payload, sizeof payload,
             "[\"message:append\",{\"messageId\":\"%s\",\"attempt\":1,\"part\":0,\"text\":\"%.*s\",\"at\":%llu}]",
             stream->id, PIECE, "a word, and", (unsigned long long)stream->written);
    unsigned id = (unsigned)(load->sent++ % ACK_IDS);
    appends[id] = (struct append){.sent_at = load->now, .stream = number};
    stream->written += PIECE;
    client_emit(agent_of(load, number), id, payload);
}

/* Copies the text after `start` up to the next quotation mark; returns whether it is there. */
static bool copy_text_after(const struct frame *frame, const char *start, char *out, size_t room)
{
    const char *from = memmem(frame->payload, frame->length, start, strlen(start));
    if (!from)
        return false;
    from += strlen(start);
    const char *end = memchr(from, '"', frame->length - (size_t)(from - frame->payload));
    if (!end || (size_t)(end - from) >= room)
        return false;
    memcpy(out, from, (size_t)(end - from));
    out[end - from] = '\0';
    return true;
}

static void on_ack(struct load *load, struct client *client, unsigned id, const struct frame *frame)
{
    (void)client;
    struct stream *stream = &streams[appends[id].stream];
    if (!*stream->id) {
        if (!copy_text_after(frame, "\"id\":\"", stream->id, sizeof stream->id))
            die("a stream without an id: %.*s", (int)frame->length, frame->payload);
        opened++;
        return;
    }
    stream->acknowledged += PIECE;
    load->count.messages++;
    latency_record(load, appends[id].sent_at);
}

static void on_delta(struct load *load, struct client *client, const struct frame *frame)
{
    (void)load;
    static char text[1 << 17];
    if (client->index % (readers_each + 1) == 0)
        return; /* an agent's own */
    if (!copy_text_after(frame, "\"text\":\"", text, sizeof text))
        die("a delta without a text: %.*s", (int)frame->length, frame->payload);
    const char *at = memmem(frame->payload, frame->length, "\"at\":", 5);
    read_by(client)->read = (at ? strtoull(at + 5, NULL, 10) : 0) + strlen(text);
}

static bool all_opened(const struct load *load)
{
    return opened == load->conversation_count;
}

static bool all_arrived(const struct load *load)
{
    for (unsigned i = 0; i < load->conversation_count; i++)
        if (streams[i].acknowledged != streams[i].written || streams[i].read != streams[i].written)
            return false;
    return true;
}

static void on_turn(struct load *load)
{
    for (; load->sending && load->now >= next_append; next_append += 1000000000ull / load->rate)
        append(load, (unsigned)(load->sent % load->conversation_count));
}

static void run(struct load *load)
{
    unsigned count = (unsigned)load->conversation_count;
    if (load->connections <= count || count % (load->connections - count))
        die("%u clients are no agents with equally many readers for %u conversations", load->connections, count);
    readers_each = count / (load->connections - count);
    streams = calloc(count, sizeof *streams);
    connect_all(load);
    for (unsigned i = 0; i < count; i++)
        open_stream(load, i);
    load->now = clock_ns();
    if (!drain(load, all_opened))
        die("only %u streams were opened", opened);
    while (await_turn(load)) {
        next_append = clock_ns();
        struct window window = measure_window(load);
        if (!drain(load, all_arrived))
            load->missing = 1;
        print_result(load, &window);
    }
}

const struct mode streams_mode = {.name = "streams",
                                  .delivered = "42[\"message:delta\",",
                                  .run = run,
                                  .on_ack = on_ack,
                                  .on_message_frame = on_delta,
                                  .on_turn = on_turn};
