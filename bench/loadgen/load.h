/* The load generator of Talkwire's benchmarks.
 *
 * It speaks just enough of a protocol to keep thousands of clients alive, and looks at the first bytes of most frames
 * only, so that the load stays cheaper than any server under test. One thread, one epoll.
 *
 *   client.c     connections, what clients share in every protocol, the event loop
 *   wire.c       WebSocket's bytes: the upgrade request, masked client frames, a parser of server frames
 *   socketio.c   Engine.IO v4 and Socket.IO v5, from the upgrade to a joined socket, heartbeats, events
 *   xmpp.c       XMPP over TCP, from the stream's header to an available resource, messages
 *   measure.c    clocks, processor time and memory of the server, latencies, the JSON line
 *   dialects.c   the event that follows a conversation, and the event of a new message, in each dialect
 *   fanout.c pairs.c exchange.c streams.c idle.c handshake.c storm.c steady.c    what the clients do once they have
 *                joined: one mode each
 *   main.c       options
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- wire.c ---- */

enum opcode { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

struct frame {
    enum opcode opcode;
    bool final;
    const char *payload;
    size_t length;
    size_t size; /* header and payload together */
};

/* Largest header of a client frame: 2 bytes, 8 of length, 4 of mask. */
#define FRAME_HEADER_MAX 14

bool frame_parse(const char *data, size_t length, struct frame *frame);
size_t frame_build(char *out, enum opcode opcode, const char *payload, size_t length);
size_t upgrade_request(char *out, size_t room, const char *host, int port);

/* ---- dialects.c ---- */

struct dialect {
    const char *name;
    const char *message; /* how the packet of a new message begins */
    const char *follow;  /* the event that makes a socket follow a conversation, or NULL if it follows all */
    const char *follow_member; /* the member of that event with the conversation's id */
};

const struct dialect *find_dialect(const char *name);

/* ---- client.c ---- */

/* Ack ids start again from 0 after so many messages. */
enum { ACK_IDS = 1000000 };

/* The text of every message before its number of twelve digits. */
#define MESSAGE_PREFIX "Shall we meet at the usual place by the river?  "

enum state { CLOSED, CONNECTING, UPGRADING, OPENING, JOINING, FOLLOWING, JOINED, CLOSING };

struct client {
    int fd;
    unsigned index;
    enum state state;
    char *tail; /* the beginning of a frame whose rest has not arrived */
    size_t tail_length;
    uint64_t since;    /* ns: when the connect began */
    uint64_t received; /* frames of new messages */
    bool authenticated; /* XMPP: the server has accepted the token */
    bool sender_only;  /* frames that it receives do not count as delivered */
    const struct dialect *dialect;
    struct recovery *recovery; /* storm: from where the client resumes after its connection was cut */
};

struct counters {
    uint64_t messages;   /* complete: delivered to all (fanout) or the other (exchange), acknowledged (pairs) */
    uint64_t deliveries; /* frames of new messages */
    uint64_t acks;
    uint64_t handshakes;
    uint64_t bytes;
};

struct load;

struct mode {
    const char *name;
    const char *delivered; /* how the packet begins that counts as delivered; by default that of a new message */
    bool separate_sender; /* with several nodes, the first client uses the first one, all others use the last one */
    void (*run)(struct load *);
    void (*on_joined)(struct load *, struct client *);
    void (*on_message)(struct load *, struct client *);
    /* Writes what follows the token in CONNECT, such as `,"recovery":true`; returns its length. */
    int (*connect_options)(const struct client *, char *out, size_t room);
    void (*on_connect_answer)(struct load *, struct client *, const struct frame *);
    void (*on_message_frame)(struct load *, struct client *, const struct frame *);
    void (*on_ack)(struct load *, struct client *, unsigned id, const struct frame *);
    void (*on_turn)(struct load *); /* after each turn of the event loop */
    void (*on_closed)(struct load *, struct client *);
};

/* How clients talk to a server once the TCP connection is open. */
struct protocol {
    const char *name;
    bool acknowledges; /* the server answers each message of a client */
    void (*begin)(struct load *, struct client *); /* sends what opens a session */
    /* Handles all that is complete in `data` and returns how many bytes that was. */
    size_t (*consume)(struct load *, struct client *, const char *data, size_t length);
    void (*send_message)(struct client *, const char *conversation, const char *text, unsigned id);
    void (*end)(struct client *); /* sends what ends the session */
};

enum { NODES_MAX = 8, PROCESSES_MAX = 16 };

struct load {
    /* options */
    const struct mode *mode;
    const struct protocol *protocol;
    const char *host;
    int ports[NODES_MAX]; /* client i uses port i modulo their number */
    size_t port_count;
    pid_t pids[PROCESSES_MAX]; /* for processor time, with their children; the first is the server whose memory counts */
    size_t pid_count;
    unsigned connections; /* clients; in mode handshake, as many at a time */
    unsigned concurrency; /* connects in flight while the clients join */
    unsigned in_flight;   /* messages in flight at a time: fanout: of all, pairs: of each client */
    unsigned rate;        /* steady: messages a second; streams: appends a second */
    unsigned sources;     /* source addresses 127.0.0.1, .2, …: each has its own range of ports */
    double warmup_s, seconds;
    const struct dialect **dialects; /* client i uses dialect i modulo their number */
    size_t dialect_count;
    char **tokens;
    size_t token_count;
    char **conversations;
    size_t conversation_count;

    /* state */
    int epoll;
    struct client *clients;
    unsigned joined;
    uint64_t now; /* ns, read once per turn */
    bool sending; /* false once the measured window is over */
    bool measuring;
    bool commanded; /* standard input has a line, or ended */
    struct counters count;
    uint64_t sent;    /* `message:send` frames */
    uint64_t refused; /* acks with success: false */
    uint64_t missing; /* deliveries and acks that did not arrive within the drain time */
};

void clients_create(struct load *);
void client_open(struct load *, struct client *);
void client_close(struct load *, struct client *);
void client_abort(struct load *, struct client *);
const char *client_conversation(const struct load *, const struct client *);
int client_port(const struct load *, const struct client *);
void client_write(struct client *, const char *data, size_t length);
void client_send_message(struct load *, struct client *);
void client_send_message_to(struct load *, struct client *, const char *conversation);
void client_joined(struct load *, struct client *);
void client_received(struct load *, struct client *, const struct frame *message);
void client_refused(struct load *, const struct frame *refusal);
uint64_t message_number(const struct frame *message);
void connect_all(struct load *);
void poll_events(struct load *, int timeout_ms);

/* ---- socketio.c, xmpp.c ---- */

extern const struct protocol socketio_protocol, xmpp_protocol;

void client_emit(struct client *, unsigned ack_id, const char *payload);

/* ---- measure.c ---- */

struct window {
    double seconds, server_cpu_s, load_cpu_s, other_cpu_s;
    double process_cpu_s[PROCESSES_MAX]; /* of each process; server_cpu_s is their sum */
    struct counters count;
};

_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *must_allocate(void *old, size_t size);
uint64_t clock_ns(void);
long server_memory_kib(pid_t pid);
double server_cpu_s(const struct load *);
void latency_record(struct load *, uint64_t since);
struct window measure_window(struct load *);
bool await_turn(struct load *);
uint64_t acks_due(const struct load *);
bool drain(struct load *, bool (*done)(const struct load *));
void print_result(const struct load *, const struct window *);

/* ---- modes ---- */

extern const struct mode fanout_mode, pairs_mode, exchange_mode, streams_mode, idle_mode, handshake_mode, storm_mode,
    steady_mode;

#endif
