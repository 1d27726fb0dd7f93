/* Options. One mode, one line of JSON for each result on standard output; an error goes to standard error, with
 * status 1. */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct mode *const modes[] = {&fanout_mode, &pairs_mode,     &exchange_mode, &streams_mode,
                                           &idle_mode,   &handshake_mode, &storm_mode,    &steady_mode};

_Noreturn static void usage(void)
{
    fputs("usage: load fanout|pairs|exchange|streams|idle|handshake|storm|steady --port N[,N…] --pid SERVER[,PROCESS…]\n"
          "            --tokens FILE [--protocol socketio|xmpp]\n"
          "            [--conversations FILE] [--host 127.0.0.1] [--connections N] [--concurrency N] [--in-flight N]\n"
          "            [--rate N] [--sources N]\n"
          "            [--dialects NAME,NAME…] [--warmup S] [--seconds S] [--counts FILE]\n"
          "\n"
          "Files have one item per line. Client i uses token i, from the start again when there are fewer; the\n"
          "conversations are dealt out evenly in order: with one, it is everybody's. With XMPP, a token is the initial\n"
          "response of SASL PLAIN in Base64, and a conversation a room's address, or those of two users.\n"
          "\n"
          "fanout, pairs, exchange, streams and handshake measure once for each line on standard input, after the line \"ready\":\n"
          "echo | load pairs …\n",
          stderr);
    exit(2);
}

/* Reads a file's lines; the list is never freed. */
static char **read_lines(const char *path, size_t *count)
{
    FILE *file = fopen(path, "r");
    if (!file)
        die("%s: %s", path, strerror(errno));
    char **lines = NULL, *line = NULL;
    size_t room = 0;
    ssize_t length;
    for (*count = 0; (length = getline(&line, &room, file)) > 0; line = NULL, room = 0) {
        line[strcspn(line, "\n")] = '\0';
        lines = must_allocate(lines, (*count + 1) * sizeof *lines);
        lines[(*count)++] = line;
    }
    fclose(file);
    if (*count == 0)
        die("%s is empty", path);
    return lines;
}

static const struct mode *find_mode(const char *name)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(modes[i]->name, name) == 0)
            return modes[i];
    usage();
}

static const struct protocol *find_protocol(const char *name)
{
    if (strcmp(name, xmpp_protocol.name) == 0)
        return &xmpp_protocol;
    if (strcmp(name, socketio_protocol.name) == 0)
        return &socketio_protocol;
    usage();
}

static unsigned positive(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end || value == 0 || value > 1000000)
        usage();
    return (unsigned)value;
}

/* Reads positive numbers with commas between them into `numbers`; returns how many there are. */
static size_t read_numbers(char *text, int *numbers, size_t room)
{
    size_t count = 0;
    for (char *number = strtok(text, ","); number; number = strtok(NULL, ",")) {
        if (count == room)
            usage();
        numbers[count++] = (int)positive(number);
    }
    return count;
}

static void read_dialects(struct load *load, char *names)
{
    for (char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
        load->dialects = must_allocate(load->dialects, (load->dialect_count + 1) * sizeof *load->dialects);
        load->dialects[load->dialect_count++] = find_dialect(name);
    }
}

static void read_option(struct load *load, int option)
{
    switch (option) {
    case 'h': load->host = optarg; break;
    case 'p': load->port_count = read_numbers(optarg, load->ports, NODES_MAX); break;
    case 'P': load->pid_count = read_numbers(optarg, load->pids, PROCESSES_MAX); break;
    case 't': load->tokens = read_lines(optarg, &load->token_count); break;
    case 'c': load->conversations = read_lines(optarg, &load->conversation_count); break;
    case 'n': load->connections = positive(optarg); break;
    case 'C': load->concurrency = positive(optarg); break;
    case 'o': load->in_flight = positive(optarg); break;
    case 'r': load->rate = positive(optarg); break;
    case 's': load->sources = positive(optarg); break;
    case 'x': load->protocol = find_protocol(optarg); break;
    case 'd': read_dialects(load, optarg); break;
    case 'w': load->warmup_s = atof(optarg); break;
    case 'S': load->seconds = atof(optarg); break;
    default: usage();
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"host", required_argument, NULL, 'h'},          {"port", required_argument, NULL, 'p'},
        {"pid", required_argument, NULL, 'P'},           {"tokens", required_argument, NULL, 't'},
        {"conversations", required_argument, NULL, 'c'}, {"connections", required_argument, NULL, 'n'},
        {"concurrency", required_argument, NULL, 'C'},   {"in-flight", required_argument, NULL, 'o'},
        {"sources", required_argument, NULL, 's'},       {"warmup", required_argument, NULL, 'w'},
        {"seconds", required_argument, NULL, 'S'},       {"dialects", required_argument, NULL, 'd'},
        {"rate", required_argument, NULL, 'r'},          {"protocol", required_argument, NULL, 'x'},
        {0},
    };
    struct load load = {
        .protocol = &socketio_protocol,
        .host = "127.0.0.1",
        .connections = 1,
        .concurrency = 64,
        .in_flight = 1,
        .rate = 100,
        .sources = 1,
        .warmup_s = 2,
        .seconds = 5,
    };
    if (argc < 2)
        usage();
    load.mode = find_mode(argv[1]);
    optind = 2;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
        read_option(&load, option);
    bool sends = load.mode != &idle_mode && load.mode != &handshake_mode;
    if (optind != argc || !load.port_count || !load.pid_count || !load.tokens || (sends && !load.conversations))
        usage();
    clients_create(&load);
    load.mode->run(&load);
    return 0;
}
