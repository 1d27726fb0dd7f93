/* Storm: every client but the first follows one conversation and has requested recovery; the first one, a member of all
 * conversations, sends to them in turn without a pause. Meanwhile the connections of all others are cut at once, and
 * they reconnect, each with its `pid` and the offset of the last event that it received. Every member has to receive
 * every message once and in order, which the conversations' dense `seq` shows. */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENDS_PER_S 100
#define RECONNECT_NS 60000000000ull

struct recovery {
    char *pid;
    char offset[64];
    uint64_t seq; /* of the last message */
    bool recovered;
};

static uint64_t next_send, *sent_to; /* sent_to: messages by conversation */
static unsigned recovered, fresh;

static size_t conversation_of(const struct load *load, const struct client *client)
{
    return (size_t)(client->index - 1) * load->conversation_count / (load->connections - 1);
}

static int connect_options(const struct client *client, char *out, size_t room)
{
    const struct recovery *state = client->recovery;
    if (!state->pid)
        return snprintf(out, room, ",\"recovery\":true");
    if (!state->offset[0])
        return snprintf(out, room, ",\"recovery\":true,\"pid\":\"%s\"", state->pid);
    return snprintf(out, room, ",\"recovery\":true,\"pid\":\"%s\",\"offset\":\"%s\"", state->pid, state->offset);
}

/* The text between `start` and the next quotation mark, or NULL. */
static char *text_after(const struct frame *frame, const char *start)
{
    const char *found = memmem(frame->payload, frame->length, start, strlen(start));
    if (!found)
        return NULL;
    found += strlen(start);
    const char *end = memchr(found, '"', (size_t)(frame->payload + frame->length - found));
    return end ? strndup(found, (size_t)(end - found)) : NULL;
}

static void on_connect_answer(struct load *load, struct client *client, const struct frame *frame)
{
    (void)load;
    struct recovery *state = client->recovery;
    char *pid = text_after(frame, "\"pid\":\"");
    if (!pid)
        die("client %u got no pid: %.*s", client->index, (int)frame->length, frame->payload);
    if (state->pid) {
        if (strcmp(state->pid, pid) == 0)
            recovered++;
        else
            fresh++;
        free(state->pid);
    }
    state->pid = pid;
}

static void keep_offset(struct recovery *state, const struct frame *frame)
{
    const char *end = frame->payload + frame->length - 2; /* "] */
    const char *start = memrchr(frame->payload, '"', (size_t)(end - frame->payload));
    if (frame->length < 4 || memcmp(end, "\"]", 2) != 0 || !start || (size_t)(end - start) > sizeof state->offset)
        die("an event without an offset: %.*s", (int)frame->length, frame->payload);
    memcpy(state->offset, start + 1, (size_t)(end - start - 1));
    state->offset[end - start - 1] = '\0';
}

static void on_message_frame(struct load *load, struct client *client, const struct frame *frame)
{
    static const char member[] = "\"seq\":";
    struct recovery *state = client->recovery;
    keep_offset(state, frame);
    if (client->index == 0)
        return;
    const char *seq = memmem(frame->payload, frame->length, member, sizeof member - 1);
    if (!seq || strtoull(seq + sizeof member - 1, NULL, 10) != state->seq + 1)
        die("client %u received something else than message %llu: %.*s", client->index,
            (unsigned long long)state->seq + 1, (int)frame->length, frame->payload);
    state->seq++;
    (void)load;
}

static void send_due(struct load *load)
{
    while (load->sending && load->now >= next_send) {
        size_t conversation = load->sent % load->conversation_count;
        sent_to[conversation]++;
        client_send_message_to(load, &load->clients[0], load->conversations[conversation]);
        next_send += 1000000000ull / SENDS_PER_S;
    }
}

static void send_for(struct load *load, double seconds)
{
    for (uint64_t end = clock_ns() + (uint64_t)(seconds * 1e9); load->now < end;) {
        poll_events(load, 5);
        send_due(load);
    }
}

static bool all_arrived(const struct load *load)
{
    for (unsigned i = 1; i < load->connections; i++)
        if (load->clients[i].recovery->seq != sent_to[conversation_of(load, &load->clients[i])])
            return false;
    return load->count.acks == load->sent;
}

/* Cuts all connections and reconnects, `concurrency` at a time; returns the seconds until the last client joined. */
static double reconnect_all(struct load *load)
{
    uint64_t start = clock_ns();
    unsigned opened = 1;
    for (unsigned i = 1; i < load->connections; i++)
        client_abort(load, &load->clients[i]);
    while (load->joined < load->connections) {
        while (opened < load->connections && opened - load->joined < load->concurrency)
            client_open(load, &load->clients[opened++]);
        poll_events(load, 5);
        send_due(load);
        if (load->now - start > RECONNECT_NS)
            die("only %u of %u clients reconnected", load->joined, load->connections);
    }
    return (double)(clock_ns() - start) / 1e9;
}

static void run(struct load *load)
{
    if (load->connections < 2)
        die("a storm needs a sender and others");
    sent_to = calloc(load->conversation_count, sizeof *sent_to);
    for (unsigned i = 0; i < load->connections; i++)
        load->clients[i].recovery = calloc(1, sizeof *load->clients[i].recovery);
    connect_all(load);
    load->sending = true;
    load->now = next_send = clock_ns();
    send_for(load, load->warmup_s);
    uint64_t before = load->sent;
    double cpu_before = server_cpu_s(load);
    double reconnect_s = reconnect_all(load);
    double cpu_s = server_cpu_s(load) - cpu_before;
    uint64_t during = load->sent - before;
    send_for(load, load->seconds);
    load->sending = false;
    bool whole = drain(load, all_arrived);
    printf("{\"mode\":\"storm\",\"connections\":%u,\"recovered\":%u,\"fresh\":%u,\"whole\":%s,\"back_s\":%.3f,"
           "\"back_cpu_s\":%.3f,\"sent\":%llu,\"sent_meanwhile\":%llu,\"refused\":%llu}\n",
           load->connections - 1, recovered, fresh, whole ? "true" : "false", reconnect_s, cpu_s,
           (unsigned long long)load->sent, (unsigned long long)during, (unsigned long long)load->refused);
}

const struct mode storm_mode = {
    .name = "storm",
    .run = run,
    .connect_options = connect_options,
    .on_connect_answer = on_connect_answer,
    .on_message_frame = on_message_frame,
};
