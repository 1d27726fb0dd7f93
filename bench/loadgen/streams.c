/* Streams: every client writes one message in its conversation of two, a few characters at a time and at a fixed rate,
 * and reads the one that its partner writes. All clients append in turn, `rate` times a second together.
 *
 * A server may join what it forwards, so that readers receive less often than authors write. A turn is complete when
 * each reader has as many characters as its partner has written. */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 8, ID_MAX = 64 };

struct stream {
    char id[ID_MAX]; /* of the message that the client writes; empty until the server has opened it */
    uint64_t written, acknowledged, read; /* in characters: of its own message twice, and of its partner's */
};

static struct stream *streams;
static uint64_t sent_at[ACK_IDS], next_append;
static unsigned opened;

static void open_stream(struct load *load, struct client *client)
{
    char payload[512];
    snprintf(payload, sizeof payload,
             "[\"message:stream\",{\"conversationId\":\"%s\",\"clientMessageId\":\"stream-%u\",\"leaseS\":300}]",
             client_conversation(load, client), client->index);
    client_emit(client, client->index, payload);
}

static void append(struct load *load, struct client *client)
{
    struct stream *stream = &streams[client->index];
    char payload[512];
    snprintf(payload, sizeof payload,
             "[\"message:append\",{\"messageId\":\"%s\",\"attempt\":1,\"part\":0,\"text\":\"%.*s\",\"at\":%llu}]",
             stream->id, PIECE, "a word, and", (unsigned long long)stream->written);
    unsigned id = (unsigned)(load->sent++ % ACK_IDS);
    sent_at[id] = load->now;
    stream->written += PIECE;
    client_emit(client, id, payload);
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
    struct stream *stream = &streams[client->index];
    if (!*stream->id) {
        if (!copy_text_after(frame, "\"id\":\"", stream->id, sizeof stream->id))
            die("a stream without an id: %.*s", (int)frame->length, frame->payload);
        opened++;
        return;
    }
    stream->acknowledged += PIECE;
    load->count.messages++;
    latency_record(load, sent_at[id]);
}

static void on_delta(struct load *load, struct client *client, const struct frame *frame)
{
    (void)load;
    static char text[1 << 17];
    char id[ID_MAX];
    if (!copy_text_after(frame, "\"messageId\":\"", id, sizeof id) || !copy_text_after(frame, "\"text\":\"", text, sizeof text))
        die("a delta without a text: %.*s", (int)frame->length, frame->payload);
    if (strcmp(id, streams[client->index].id) == 0)
        return;
    const char *at = memmem(frame->payload, frame->length, "\"at\":", 5);
    streams[client->index].read = (at ? strtoull(at + 5, NULL, 10) : 0) + strlen(text);
}

static bool all_opened(const struct load *load)
{
    return opened == load->connections;
}

static bool all_arrived(const struct load *load)
{
    for (unsigned i = 0; i < load->connections; i++)
        if (streams[i].acknowledged != streams[i].written || streams[i].read != streams[i ^ 1].written)
            return false;
    return true;
}

static void on_turn(struct load *load)
{
    for (; load->sending && load->now >= next_append; next_append += 1000000000ull / load->rate)
        append(load, &load->clients[load->sent % load->connections]);
}

static void run(struct load *load)
{
    if (load->conversation_count * 2 != load->connections)
        die("%u clients need %u conversations", load->connections, load->connections / 2);
    streams = calloc(load->connections, sizeof *streams);
    connect_all(load);
    for (unsigned i = 0; i < load->connections; i++)
        open_stream(load, &load->clients[i]);
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
