/* Fan-out: the first client sends to the one conversation of all, `in_flight` messages at a time. A message is in
 * flight until the slowest member's socket has received it; then the next one is sent.
 *
 * With two nodes the first client is alone at the first one and the others are at the second. Then only deliveries to
 * those others count, so that every delivery went from node to node. With the same node given twice, the same load is
 * on one node. */
#include "load.h"

/* Messages reach each socket in the order in which they were sent, so a client's count of frames identifies the
 * message of a frame. `reached` and `sent_at` are ring buffers over the messages in flight. */
static unsigned *reached, listeners;
static uint64_t *sent_at;

static void send_next(struct load *load)
{
    uint64_t slot = load->sent % load->in_flight;
    reached[slot] = 0;
    sent_at[slot] = load->now;
    client_send_message(load, &load->clients[0]);
}

static void on_message(struct load *load, struct client *client)
{
    if (client->sender_only)
        return;
    if (client->received > load->sent)
        die("client %u received more messages than were sent", client->index);
    uint64_t slot = (client->received - 1) % load->in_flight;
    if (++reached[slot] < listeners)
        return;
    load->count.messages++;
    latency_record(load, sent_at[slot]);
    if (load->sending)
        send_next(load);
}

static bool all_arrived(const struct load *load)
{
    return load->count.messages == load->sent && load->count.acks == acks_due(load);
}

static void run(struct load *load)
{
    listeners = load->connections - load->clients[0].sender_only;
    connect_all(load);
    reached = must_allocate(NULL, load->in_flight * sizeof *reached);
    sent_at = must_allocate(NULL, load->in_flight * sizeof *sent_at);
    while (await_turn(load)) {
        for (unsigned i = 0; i < load->in_flight; i++)
            send_next(load);
        struct window window = measure_window(load);
        if (!drain(load, all_arrived))
            load->missing = load->sent * listeners - load->count.deliveries + acks_due(load) - load->count.acks;
        print_result(load, &window);
    }
}

const struct mode fanout_mode = {.name = "fanout", .separate_sender = true, .run = run, .on_message = on_message};
