/* Pairs: every client has `in_flight` messages in flight in its conversation of two and sends the next one when the
 * server has acknowledged one. Both members' sockets receive each message. */
#include "load.h"

enum { MEMBERS = 2 };

/* By ack id: a server may acknowledge a client's messages in any order. */
static uint64_t sent_at[ACK_IDS];

static void send_next(struct load *load, struct client *client)
{
    sent_at[load->sent % ACK_IDS] = load->now;
    client_send_message(load, client);
}

static void on_ack(struct load *load, struct client *client, unsigned id, const struct frame *frame)
{
    (void)frame;
    load->count.messages++;
    latency_record(load, sent_at[id]);
    if (load->sending)
        send_next(load, client);
}

static bool all_arrived(const struct load *load)
{
    return load->count.acks == load->sent && load->count.deliveries == MEMBERS * load->sent;
}

static void run(struct load *load)
{
    if (load->conversation_count * MEMBERS != load->connections)
        die("%u clients need %u conversations", load->connections, load->connections / MEMBERS);
    connect_all(load);
    while (await_turn(load)) {
        for (unsigned i = 0; i < load->connections * load->in_flight; i++)
            send_next(load, &load->clients[i % load->connections]);
        struct window window = measure_window(load);
        if (!drain(load, all_arrived))
            load->missing = (MEMBERS + 1) * load->sent - load->count.deliveries - load->count.acks;
        print_result(load, &window);
    }
}

const struct mode pairs_mode = {.name = "pairs", .run = run, .on_ack = on_ack};
