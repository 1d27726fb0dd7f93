/* Clocks, the server's processor time and memory from /proc, latencies, and the result as one line of JSON. */
#define _GNU_SOURCE
#include "load.h"

#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/epoll.h>
#include <unistd.h>

#define DRAIN_NS 20000000000ull

_Noreturn void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

void *must_allocate(void *old, size_t size)
{
    void *memory = realloc(old, size);
    if (!memory)
        die("out of memory");
    return memory;
}

static uint64_t read_clock(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_nsec;
}

uint64_t clock_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

static FILE *open_proc(pid_t pid, const char *name)
{
    char path[96];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return fopen(path, "r");
}

/* Returns utime + stime of all threads and of ended children (proc(5): fields 14 to 17 of `stat`, counted from the
 * name's closing bracket). */
static double own_cpu_s(pid_t pid)
{
    char line[1024];
    FILE *file = open_proc(pid, "stat");
    if (!file)
        return 0;
    bool read = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    if (!read)
        return 0;
    unsigned long user, kernel;
    long gone_user, gone_kernel;
    const char *rest = strrchr(line, ')');
    if (!rest || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld", &user, &kernel,
                        &gone_user, &gone_kernel) != 4)
        die("/proc/%d/stat is not understood", (int)pid);
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK) +
           (double)(gone_user + gone_kernel) / (double)sysconf(_SC_CLK_TCK);
}

/* Returns the processor time of a process and its living children: PostgreSQL has one for each connection. */
static double tree_cpu_s(pid_t pid)
{
    char path[64];
    double sum = own_cpu_s(pid);
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    for (struct dirent *thread; threads && (thread = readdir(threads));) {
        snprintf(path, sizeof path, "task/%d/children", atoi(thread->d_name)); /* "." and ".." are no threads: 0 */
        FILE *children = open_proc(pid, path);
        int child;
        while (children && fscanf(children, "%d", &child) == 1)
            sum += tree_cpu_s(child);
        if (children)
            fclose(children);
    }
    if (threads)
        closedir(threads);
    return sum;
}

/* Returns the time of all processors in user space, kernel and interrupts (proc(5): `cpu` in /proc/stat). */
static double machine_cpu_s(void)
{
    unsigned long user, nice, kernel, idle, waiting, hard, soft, stolen;
    FILE *file = fopen("/proc/stat", "r");
    if (!file || fscanf(file, "cpu %lu %lu %lu %lu %lu %lu %lu %lu", &user, &nice, &kernel, &idle, &waiting, &hard,
                        &soft, &stolen) != 8)
        die("/proc/stat is not understood");
    fclose(file);
    return (double)(user + nice + kernel + hard + soft + stolen) / (double)sysconf(_SC_CLK_TCK);
}

/* Proportional set size in KiB: pages shared with other processes count by their share. */
long server_memory_kib(pid_t pid)
{
    char line[256];
    long kib = -1;
    FILE *file = open_proc(pid, "smaps_rollup");
    if (!file)
        die("the memory of process %d cannot be read", (int)pid);
    while (kib < 0 && fgets(line, sizeof line, file))
        sscanf(line, "Pss: %ld kB", &kib);
    fclose(file);
    if (kib < 0)
        die("/proc/%d/smaps_rollup has no Pss", (int)pid);
    return kib;
}

/* ---- latencies ---- */

static uint64_t *latencies;
static size_t latency_count, latency_room;

/* Stores the time from `since` to now if it belongs to the measured window. */
void latency_record(struct load *load, uint64_t since)
{
    if (!load->measuring)
        return;
    if (latency_count == latency_room) {
        latency_room = latency_room ? latency_room * 2 : 1 << 16;
        latencies = must_allocate(latencies, latency_room * sizeof *latencies);
    }
    latencies[latency_count++] = load->now - since;
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static double latency_ms(double quantile)
{
    if (latency_count == 0)
        return 0;
    return (double)latencies[(size_t)(quantile * (double)(latency_count - 1))] / 1e6;
}

/* ---- the measured window ---- */

static void poll_events_until(struct load *load, uint64_t end)
{
    for (load->now = clock_ns(); load->now < end;)
        poll_events(load, load->mode->on_turn ? 1 : (int)((end - load->now) / 1000000) + 1);
}

static struct counters difference(struct counters a, struct counters b)
{
    return (struct counters){
        .messages = a.messages - b.messages,
        .deliveries = a.deliveries - b.deliveries,
        .acks = a.acks - b.acks,
        .handshakes = a.handshakes - b.handshakes,
        .bytes = a.bytes - b.bytes,
    };
}

/* Returns the clocks as a window that began at zero. */
static struct window clocks(const struct load *load)
{
    struct window now = {
        .seconds = (double)clock_ns() / 1e9,
        .load_cpu_s = (double)read_clock(CLOCK_PROCESS_CPUTIME_ID) / 1e9,
    };
    for (size_t i = 0; i < load->pid_count; i++) {
        if (kill(load->pids[i], 0) < 0)
            die("the server (process %d) is gone", (int)load->pids[i]);
        now.server_cpu_s += now.process_cpu_s[i] = tree_cpu_s(load->pids[i]);
    }
    now.other_cpu_s = machine_cpu_s() - now.server_cpu_s - now.load_cpu_s;
    return now;
}

/* Returns the processor time of all processes under test. */
double server_cpu_s(const struct load *load)
{
    double sum = 0;
    for (size_t i = 0; i < load->pid_count; i++)
        sum += tree_cpu_s(load->pids[i]);
    return sum;
}

/* Runs the warm-up and then the window, and returns the counts and times of the window alone. */
struct window measure_window(struct load *load)
{
    load->sending = true;
    poll_events_until(load, clock_ns() + (uint64_t)(load->warmup_s * 1e9));

    struct counters count = load->count;
    struct window before = clocks(load);
    load->measuring = true;
    poll_events_until(load, clock_ns() + (uint64_t)(load->seconds * 1e9));
    load->measuring = false;
    load->sending = false;
    struct window after = clocks(load);

    struct window window = {
        .seconds = after.seconds - before.seconds,
        .server_cpu_s = after.server_cpu_s - before.server_cpu_s,
        .load_cpu_s = after.load_cpu_s - before.load_cpu_s,
        .other_cpu_s = after.other_cpu_s - before.other_cpu_s,
        .count = difference(load->count, count),
    };
    for (size_t i = 0; i < load->pid_count; i++)
        window.process_cpu_s[i] = after.process_cpu_s[i] - before.process_cpu_s[i];
    return window;
}

/* Waits for a line on standard input, which begins a turn, and keeps the clients alive meanwhile. Returns false at the
 * end of the input. The first call prints a line, because now all clients have joined. */
bool await_turn(struct load *load)
{
    static bool announced;
    if (!announced) {
        struct epoll_event input = {.events = EPOLLIN, .data.ptr = NULL};
        if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input) < 0)
            die("standard input must be a pipe or a terminal");
        puts("ready");
        fflush(stdout);
        announced = true;
    }
    for (load->commanded = false; !load->commanded;)
        poll_events(load, 1000);
    char line[64];
    return read(STDIN_FILENO, line, sizeof line) > 0;
}

/* Handles events until `done` returns true; returns false if that takes longer than 20 seconds. */
bool drain(struct load *load, bool (*done)(const struct load *))
{
    uint64_t deadline = clock_ns() + DRAIN_NS;
    while (!done(load)) {
        if (load->now > deadline)
            return false;
        poll_events(load, 1000);
    }
    return true;
}

/* Returns how many acknowledgements the clients have to get. */
uint64_t acks_due(const struct load *load)
{
    return load->protocol->acknowledges ? load->sent : 0;
}

void print_result(const struct load *load, const struct window *window)
{
    qsort(latencies, latency_count, sizeof *latencies, compare);
    printf("{\"mode\":\"%s\",\"connections\":%u,\"seconds\":%.6f,"
           "\"messages\":%" PRIu64 ",\"deliveries\":%" PRIu64 ",\"acks\":%" PRIu64 ",\"handshakes\":%" PRIu64 ","
           "\"bytes\":%" PRIu64 ",\"server_cpu_s\":%.3f,\"load_cpu_s\":%.3f,\"other_cpu_s\":%.3f,\"process_cpu_s\":[",
           load->mode->name, load->connections, window->seconds, window->count.messages, window->count.deliveries,
           window->count.acks, window->count.handshakes, window->count.bytes, window->server_cpu_s,
           window->load_cpu_s, window->other_cpu_s);
    for (size_t i = 0; i < load->pid_count; i++)
        printf("%s%.3f", i ? "," : "", window->process_cpu_s[i]);
    printf("],"
           "\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"max_ms\":%.4f,\"refused\":%" PRIu64 ",\"missing\":%" PRIu64 "}\n",
           latency_ms(0.5), latency_ms(0.99), latency_ms(1), load->refused, load->missing);
    fflush(stdout);
    latency_count = 0;
}
