/* Pairs: every client has one message in flight in its conversation of two and sends the next one when the server has
 * acknowledged it. Both members' sockets receive each message. */
#include "load.h"

enum { MEMBERS = 2 };

static void on_ack(struct load *load, struct client *client)
{
    load->count.messages++;
    latency_record(load, client->since);
    if (load->sending)
        client_send_message(load, client);
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
        for (unsigned i = 0; i < load->connections; i++)
            client_send_message(load, &load->clients[i]);
        struct window window = measure_window(load);
        if (!drain(load, all_arrived))
            load->missing = (MEMBERS + 1) * load->sent - load->count.deliveries - load->count.acks;
        print_result(load, &window);
    }
}

const struct mode pairs_mode = {.name = "pairs", .run = run, .on_ack = on_ack};
