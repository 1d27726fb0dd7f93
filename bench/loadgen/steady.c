/* Steady: clients of one conversation send in turn, at one rate whatever happens to the servers, and everybody receives
 * everything. Says first when it begins, on a line of its own, so that others can do something to the servers at known
 * times; at the end, for each message, when it was sent and how long the slowest member's socket waited for it.
 *
 * The conversation's dense `seq` tells whether each client saw every message, in the one order and once. */
#define _GNU_SOURCE
#include "load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct said {
    uint64_t at, slowest;
};

static struct said *said;
static size_t said_room;
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
    uint64_t seq = number_after(frame, "\"seq\":"), number = number_after(frame, SAID);
    if (number >= load->sent)
        die("a message that nobody sent: %.*s", (int)frame->length, frame->payload);
    if (seq != last_seq[client->index] + 1 && disordered++ == 0)
        fprintf(stderr, "client %u got message %" PRIu64 " after %" PRIu64 "\n", client->index, seq,
                last_seq[client->index]);
    last_seq[client->index] = seq;
    uint64_t waited = load->now - said[number].at;
    if (waited > said[number].slowest)
        said[number].slowest = waited;
}

static void send_due(struct load *load)
{
    for (; load->now >= next_send; next_send += 1000000000ull / load->rate) {
        if (load->sent == said_room) {
            said_room = said_room ? said_room * 2 : 1 << 14;
            said = must_allocate(said, said_room * sizeof *said);
        }
        said[load->sent] = (struct said){.at = load->now};
        client_send_message(load, &load->clients[load->sent % load->connections]);
    }
}

static bool all_arrived(const struct load *load)
{
    return load->count.acks == load->sent && load->count.deliveries == load->sent * load->connections;
}

static void run(struct load *load)
{
    if (load->conversation_count != 1)
        die("all clients have to be in one conversation");
    last_seq = calloc(load->connections, sizeof *last_seq);
    connect_all(load);
    load->now = next_send = clock_ns();
    uint64_t end = load->now + (uint64_t)((load->warmup_s + load->seconds) * 1e9);
    printf("%.6f\n", (double)load->now / 1e9);
    fflush(stdout);
    while (load->now < end) {
        send_due(load);
        turn(load, 1);
    }
    drain(load, all_arrived);
    printf("{\"mode\":\"steady\",\"connections\":%u,\"sent\":%" PRIu64 ",\"unacknowledged\":%" PRIu64 ",\"refused\":%" PRIu64
           ",\"lost\":%" PRId64 ",\"disordered\":%" PRIu64 ",\"messages\":[",
           load->connections, load->sent, load->sent - load->count.acks, load->refused,
           (int64_t)(load->sent * load->connections - load->count.deliveries), disordered);
    for (uint64_t i = 0; i < load->sent; i++)
        printf("%s[%.4f,%.3f]", i ? "," : "", (double)said[i].at / 1e9, (double)said[i].slowest / 1e6);
    puts("]}");
}

const struct mode steady_mode = {.name = "steady", .run = run, .on_message_frame = on_message_frame};
