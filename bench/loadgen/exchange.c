/* Exchange: every client has `in_flight` messages on the way to the other member of its conversation of two. A message
 * counts when the other one has received it, whichever way the server takes; then its sender sends the next one. */
#include "load.h"

/* By message number modulo ACK_IDS. A sender's own copy of its message does not count. */
static struct {
    uint64_t sent_at;
    unsigned sender;
} messages[ACK_IDS];

static void send_next(struct load *load, struct client *client)
{
    messages[load->sent % ACK_IDS].sent_at = load->now;
    messages[load->sent % ACK_IDS].sender = client->index;
    client_send_message(load, client);
}

static void on_message_frame(struct load *load, struct client *client, const struct frame *frame)
{
    uint64_t number = message_number(frame);
    struct client *sender = &load->clients[messages[number % ACK_IDS].sender];
    if (number >= load->sent)
        die("a message that nobody sent: %.*s", (int)frame->length, frame->payload);
    if (sender == client)
        return;
    load->count.messages++;
    latency_record(load, messages[number % ACK_IDS].sent_at);
    if (load->sending)
        send_next(load, sender);
}

static bool all_arrived(const struct load *load)
{
    return load->count.messages == load->sent && load->count.acks == acks_due(load);
}

static void run(struct load *load)
{
    if (load->conversation_count * 2 != load->connections)
        die("%u clients need %u conversations", load->connections, load->connections / 2);
    connect_all(load);
    while (await_turn(load)) {
        for (unsigned i = 0; i < load->connections * load->in_flight; i++)
            send_next(load, &load->clients[i % load->connections]);
        struct window window = measure_window(load);
        if (!drain(load, all_arrived))
            load->missing = load->sent - load->count.messages + acks_due(load) - load->count.acks;
        print_result(load, &window);
    }
}

const struct mode exchange_mode = {.name = "exchange", .run = run, .on_message_frame = on_message_frame};
