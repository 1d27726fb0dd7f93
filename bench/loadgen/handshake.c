/* Handshakes: `connections` clients at a time connect, upgrade, open, CONNECT with a token, and after the server's
 * answer close and connect again. The time taken is from connect() to the CONNECT answer. */
#include "load.h"

static void on_joined(struct load *load, struct client *client)
{
    load->count.handshakes++;
    latency_record(load, client->since);
    client_close(load, client);
}

/* A client reconnects with a later token of the list, so that every user connects eventually. */
static void on_closed(struct load *load, struct client *client)
{
    client->index += load->connections;
    if (load->sending)
        client_open(load, client);
}

static bool all_closed(const struct load *load)
{
    for (unsigned i = 0; i < load->connections; i++)
        if (load->clients[i].state != CLOSED)
            return false;
    return true;
}

static void run(struct load *load)
{
    while (await_turn(load)) {
        for (unsigned i = 0; i < load->connections; i++)
            client_open(load, &load->clients[i]);
        struct window window = measure_window(load);
        if (!drain(load, all_closed))
            die("not all connections were closed");
        print_result(load, &window);
    }
}

const struct mode handshake_mode = {.name = "handshake", .run = run, .on_joined = on_joined, .on_closed = on_closed};
