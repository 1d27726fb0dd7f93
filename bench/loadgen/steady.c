/* Steady: clients send in turn, at a fixed rate that does not depend on the servers, and every client receives every
 * message of its conversation. All conversations have equally many clients. Prints first when it begins, on a line of its own, so that others can disturb the
 * servers at known times; at the end, for each message, when it was sent and how long the slowest socket waited for it.
 *
 * A conversation's dense `seq` shows whether each client received every message once and in order. */
#define _GNU_SOURCE
#include "load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sent_message {
    uint64_t sent_ns, slowest;
};

static struct sent_message *messages;
static size_t messages_capacity;
static uint64_t next_send, *last_seq, disordered;

static uint64_t number_after(const struct frame *frame, const char *start)
{
    const char *found = memmem(frame->payload, frame->length, start, strlen(start));
    if (!found)
        die("a message without %s: %.*s", start, (int)frame->length, frame->payload);
    return strtoull(found + strlen(start), NULL, 10);
}

static void on_message_frame(struct load *load, struct client *client, const struct frame *frame)
{
    uint64_t seq = number_after(frame, "\"seq\":"), number = message_number(frame);
    if (number >= load->sent)
        die("a message that nobody sent: %.*s", (int)frame->length, frame->payload);
    if (seq != last_seq[client->index] + 1 && disordered++ == 0)
        fprintf(stderr, "client %u got message %" PRIu64 " after %" PRIu64 "\n", client->index, seq,
                last_seq[client->index]);
    last_seq[client->index] = seq;
    uint64_t waited = load->now - messages[number].sent_ns;
    if (waited > messages[number].slowest)
        messages[number].slowest = waited;
}

static void send_due(struct load *load)
{
    for (; load->now >= next_send; next_send += 1000000000ull / load->rate) {
        if (load->sent == messages_capacity) {
            messages_capacity = messages_capacity ? messages_capacity * 2 : 1 << 14;
            messages = must_allocate(messages, messages_capacity * sizeof *messages);
        }
        messages[load->sent] = (struct sent_message){.sent_ns = load->now};
        client_send_message(load, &load->clients[load->sent % load->connections]);
    }
}

static uint64_t members_of_each(const struct load *load)
{
    return load->connections / load->conversation_count;
}

static bool all_arrived(const struct load *load)
{
    return load->count.acks == load->sent && load->count.deliveries == load->sent * members_of_each(load);
}

static void run(struct load *load)
{
    if (load->connections % load->conversation_count)
        die("%u clients cannot be divided among %zu conversations", load->connections, load->conversation_count);
    last_seq = calloc(load->connections, sizeof *last_seq);
    connect_all(load);
    load->now = next_send = clock_ns();
    uint64_t end = load->now + (uint64_t)((load->warmup_s + load->seconds) * 1e9);
    printf("%.6f\n", (double)load->now / 1e9);
    fflush(stdout);
    while (load->now < end) {
        send_due(load);
        poll_events(load, 1);
    }
    drain(load, all_arrived);
    printf("{\"mode\":\"steady\",\"connections\":%u,\"sent\":%" PRIu64 ",\"unacknowledged\":%" PRIu64 ",\"refused\":%" PRIu64
           ",\"lost\":%" PRId64 ",\"disordered\":%" PRIu64 ",\"messages\":[",
           load->connections, load->sent, load->sent - load->count.acks, load->refused,
           (int64_t)(load->sent * members_of_each(load) - load->count.deliveries), disordered);
    for (uint64_t i = 0; i < load->sent; i++)
        printf("%s[%.4f,%.3f]", i ? "," : "", (double)messages[i].sent_ns / 1e9, (double)messages[i].slowest / 1e6);
    puts("]}");
}

const struct mode steady_mode = {.name = "steady", .run = run, .on_message_frame = on_message_frame};
