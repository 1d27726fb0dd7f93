/* Fan-out: the first client sends to the one conversation of all, `outstanding` messages at a time. A message is on its
 * way until the slowest member's socket has received it; then the next one is sent.
 *
 * With two nodes the first client is alone at the first one and the others are at the second: then only what those
 * others receive counts, so that every delivery went from node to node. With the same node given twice, it is the same
 * load on one node. */
#include "load.h"

/* Messages reach each socket in the order in which they were sent, so a client's count of frames says which message a
 * frame is. `reached` and `sent_at` are rings over the messages on their way. */
static unsigned *reached, listeners;
static uint64_t *sent_at;

static void send_next(struct load *load)
{
    uint64_t slot = load->sent % load->outstanding;
    reached[slot] = 0;
    sent_at[slot] = load->now;
    client_send_message(load, &load->clients[0]);
}

static void on_message(struct load *load, struct client *client)
{
    if (client->apart)
        return;
    if (client->received > load->sent)
        die("client %u received more messages than were sent", client->index);
    uint64_t slot = (client->received - 1) % load->outstanding;
    if (++reached[slot] < listeners)
        return;
    load->count.messages++;
    latency_record(load, sent_at[slot]);
    if (load->sending)
        send_next(load);
}

static bool all_arrived(const struct load *load)
{
    return load->count.messages == load->sent && load->count.acks == load->sent;
}

static void run(struct load *load)
{
    listeners = load->connections - load->clients[0].apart;
    connect_all(load);
    reached = must_allocate(NULL, load->outstanding * sizeof *reached);
    sent_at = must_allocate(NULL, load->outstanding * sizeof *sent_at);
    for (unsigned i = 0; i < load->outstanding; i++)
        send_next(load);
    struct window window = measure_window(load);
    if (!drain(load, all_arrived))
        load->missing = load->sent * listeners - load->count.deliveries + load->sent - load->count.acks;
    print_result(load, &window);
}

const struct mode fanout_mode = {.name = "fanout", .sender_apart = true, .run = run, .on_message = on_message};
