/* Idle: clients join and then only answer heartbeats. Prints the server's memory before the first and with all. */
#include "load.h"

#include <stdio.h>

static void run(struct load *load)
{
    long before = server_memory_kib(load->pids[0]);
    uint64_t start = clock_ns();
    connect_all(load);
    double joining_s = (double)(clock_ns() - start) / 1e9;
    struct window window = measure_window(load);
    long after = server_memory_kib(load->pids[0]);
    printf("{\"mode\":\"idle\",\"connections\":%u,\"before_kib\":%ld,\"after_kib\":%ld,\"joining_s\":%.3f,"
           "\"seconds\":%.3f,\"server_cpu_s\":%.3f}\n",
           load->connections, before, after, joining_s, window.seconds, window.server_cpu_s);
}

const struct mode idle_mode = {.name = "idle", .run = run};
