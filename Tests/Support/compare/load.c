/* Puts load on a server by connections that somebody else opened and logged in, and says what came of it, as JSON.
 *
 *     load post http|mqtt|xmpp DEPTH SECONDS FD FILE [FD FILE ...]
 *         posts the requests of each file, at most DEPTH of them unanswered on a connection; a request is its count of
 *         octets in four, big-endian, and the octets
 *     load take mqtt|xmpp COUNT SECONDS FD FILE [FD FILE ...]
 *         says what the file has, takes COUNT messages from all connections, and confirms them as the protocol says
 *     load poll http COUNT SECONDS FD FILE [FD FILE ...]
 *         asks for messages over HTTP and confirms them with the request for the next ones; a file has the poll; the
 *         confirmation's begin, what it has for each message, and its end, in which MESSAGE, TRANSACTION and LLLLL stand
 *         for what the message says, and the length; and the octets before a message's and a transaction's ID, and behind
 *
 * With SECONDS it is satisfied when nothing more comes for so long. It prints seconds, its own processor time, which says
 * whether it was the bottleneck, and for DEPTH 1 how long answers took. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

enum { INPUT_MAX = 1 << 18, CONNECTIONS_MAX = 2048 };

struct connection {
    int descriptor;
    unsigned char *requests, *end, *next;
    long under_way;
    unsigned char *input;
    size_t input_count;
    double sent_at;
};

static struct connection all[CONNECTIONS_MAX];
static struct pollfd polls[CONNECTIONS_MAX];
static int count;
static long total, depth;
static int patience;
static char rule;
/* Requests of all files. */
static long wanted;
static float *times;
static long time_count;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void fail(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void send_all(int descriptor, const unsigned char *octets, size_t length) {
    while (length > 0) {
        ssize_t sent = write(descriptor, octets, length);
        if (sent < 0 && errno == EAGAIN) {
            struct pollfd entry = {descriptor, POLLOUT, 0};
            poll(&entry, 1, -1);
            continue;
        }
        if (sent <= 0) fail("write");
        octets += sent;
        length -= sent;
    }
}

static unsigned char *content(const char *path, size_t *length) {
    struct stat facts;
    int file = open(path, O_RDONLY);
    if (file < 0 || fstat(file, &facts)) fail(path);
    unsigned char *octets = malloc(facts.st_size + 1);
    if (read(file, octets, facts.st_size) != facts.st_size) fail(path);
    octets[facts.st_size] = 0;
    *length = facts.st_size;
    close(file);
    return octets;
}

static size_t number(const unsigned char *octets) {
    return (size_t)octets[0] << 24 | (size_t)octets[1] << 16 | (size_t)octets[2] << 8 | octets[3];
}

static void add(const char *descriptor, const char *path) {
    if (count == CONNECTIONS_MAX) fail("too many connections");
    struct connection *one = &all[count];
    one->descriptor = atoi(descriptor);
    size_t length;
    one->requests = one->next = content(path, &length);
    one->end = one->requests + length;
    for (unsigned char *place = one->requests; place < one->end; place += 4 + number(place)) wanted++;
    one->input = malloc(INPUT_MAX);
    polls[count++] = (struct pollfd){one->descriptor, POLLIN, 0};
}

/* Sends as many requests as may be under way, in one write. */
static void post(struct connection *one) {
    static unsigned char output[1 << 20];
    size_t used = 0;
    if (one->next == one->end || one->under_way > depth / 2) return;
    while (one->under_way < depth && one->next < one->end) {
        size_t length = number(one->next);
        if (used + length > sizeof output) break;
        memcpy(output + used, one->next + 4, length);
        used += length;
        one->next += 4 + length;
        one->under_way++;
    }
    if (depth == 1) one->sent_at = now();
    if (used) send_all(one->descriptor, output, used);
}

/* Octets of a whole answer of HTTP at the start; 0 when it is not whole. */
static size_t http_answer(const unsigned char *octets, size_t length, size_t *body) {
    const unsigned char *end = memmem(octets, length, "\r\n\r\n", 4);
    if (!end) return 0;
    size_t head = end + 4 - octets, content_length = 0;
    for (const unsigned char *line = octets; line < end; line++)
        if ((*line | 32) == 'c' && !strncasecmp((const char *)line, "content-length:", 15)) {
            content_length = strtoul((const char *)line + 15, NULL, 10);
            break;
        }
    *body = head;
    if (strncmp((const char *)octets, "HTTP/1.1 200", 12)) {
        fprintf(stderr, "load: %.*s\n", (int)head, octets);
        exit(1);
    }
    return head + content_length <= length ? head + content_length : 0;
}

/* Octets of a whole packet of MQTT; 0 when it is not whole. */
static size_t mqtt_packet(const unsigned char *octets, size_t length, size_t *body) {
    size_t value = 0, place = 1;
    for (int shift = 0; place < length; shift += 7) {
        value |= (size_t)(octets[place] & 127) << shift;
        if (!(octets[place++] & 128)) {
            *body = place;
            return place + value <= length ? place + value : 0;
        }
    }
    return 0;
}

static void consume(struct connection *one, size_t length) {
    one->input_count -= length;
    memmove(one->input, one->input + length, one->input_count);
}

/* Answers in what has come; takes them away. */
static long answers(struct connection *one) {
    long found = 0;
    size_t used = 0, length, body;
    if (rule == 'x') {
        /* The server says how many stanzas it has taken: <a h='N'/>. */
        unsigned char *place = one->input, *end = one->input + one->input_count;
        long highest = -1;
        while ((place = memmem(place, end - place, "<a ", 3))) {
            unsigned char *close = memchr(place, '>', end - place);
            unsigned char *mark = close ? memmem(place, close - place, "h=", 2) : NULL;
            if (!mark) break;
            highest = strtol((char *)mark + 3, NULL, 10);
            used = close + 1 - one->input;
            place = close;
        }
        if (highest >= 0) {
            static long base[CONNECTIONS_MAX];
            found = highest - base[one - all];
            base[one - all] = highest;
        }
    } else {
        while (used < one->input_count) {
            length = rule == 'h' ? http_answer(one->input + used, one->input_count - used, &body)
                                 : mqtt_packet(one->input + used, one->input_count - used, &body);
            if (!length) break;
            if (rule == 'h' || one->input[used] == 0x40) found++;
            used += length;
        }
    }
    if (used) consume(one, used);
    return found;
}

static int receive(struct connection *one) {
    ssize_t got = read(one->descriptor, one->input + one->input_count, INPUT_MAX - 1 - one->input_count);
    if (got < 0 && errno == EAGAIN) return 0;
    if (got <= 0) fail("the server ended a connection");
    one->input_count += got;
    one->input[one->input_count] = 0;
    return 1;
}

/* Hears what comes until `total` is what is wanted, or nothing comes any more. */
static void hear(long wanted, void (*heard)(struct connection *)) {
    while (total < wanted && poll(polls, count, patience) > 0)
        for (int index = 0; index < count; index++)
            if (polls[index].revents && receive(&all[index])) heard(&all[index]);
}

static void answered(struct connection *one) {
    long found = answers(one);
    if (found && depth == 1) times[time_count++] = (now() - one->sent_at) * 1e6;
    one->under_way -= found;
    total += found;
    post(one);
}

static void took_packets(struct connection *one) {
    static unsigned char output[1 << 18];
    size_t used = 0, confirmed = 0, length, body;
    while (used < one->input_count && (length = mqtt_packet(one->input + used, one->input_count - used, &body))) {
        unsigned char *packet = one->input + used;
        if ((packet[0] & 0xF0) == 0x30) {
            size_t topic = (size_t)packet[body] << 8 | packet[body + 1];
            unsigned char *id = packet + body + 2 + topic;
            memcpy(output + confirmed, (unsigned char[]){0x40, 2, id[0], id[1]}, 4);
            confirmed += 4;
            total++;
        }
        used += length;
    }
    if (confirmed) send_all(one->descriptor, output, confirmed);
    consume(one, used);
}

static void took_stanzas(struct connection *one) {
    unsigned char *place = one->input, *end = one->input + one->input_count;
    while ((place = memmem(place, end - place, "</message>", 10))) {
        total++;
        place += 10;
        consume(one, place - one->input);
        place = one->input;
        end = one->input + one->input_count;
    }
}

/* Puts a value in the place of a mark. */
static void fill(unsigned char *octets, size_t *length, const char *mark, const unsigned char *value, size_t count) {
    size_t mark_count = strlen(mark);
    unsigned char *place = memmem(octets, *length, mark, mark_count);
    if (!place) return;
    memmove(place + count, place + mark_count, octets + *length - place - mark_count);
    memcpy(place, value, count);
    *length += count - mark_count;
}

struct text {
    unsigned char *octets;
    size_t count;
};

/* What stands behind a mark, up to the octet that ends it. */
static struct text behind(struct text where, struct text mark, unsigned char end) {
    struct text found = {memmem(where.octets, where.count, mark.octets, mark.count), 0};
    if (!found.octets) return found;
    found.octets += mark.count;
    while (found.octets + found.count < where.octets + where.count && found.octets[found.count] != end) found.count++;
    return found;
}

/* What a file has, one after the other. */
static struct text next_part(unsigned char **place) {
    struct text part = {*place + 4, number(*place)};
    *place += 4 + part.count;
    return part;
}

/* Messages are confirmed with the request for the next ones. */
static void polled(struct connection *one) {
    static unsigned char output[1 << 16];
    unsigned char *place = one->requests;
    next_part(&place);
    struct text begin = next_part(&place), each = next_part(&place), end = next_part(&place);
    struct text message_mark = next_part(&place), transaction_mark = next_part(&place), closing = next_part(&place);
    size_t body, length = http_answer(one->input, one->input_count, &body), size = begin.count;
    if (!length) return;
    struct text rest = {one->input + body, length - body};
    long found = 0;
    memcpy(output, begin.octets, begin.count);
    for (;;) {
        struct text transaction = behind(rest, transaction_mark, closing.octets[0]);
        struct text message = behind(rest, message_mark, closing.octets[0]);
        if (!transaction.octets || !message.octets) break;
        unsigned char *own = output + size;
        size_t own_count = each.count;
        memcpy(own, each.octets, each.count);
        fill(own, &own_count, "MESSAGE", message.octets, message.count);
        fill(own, &own_count, "TRANSACTION", transaction.octets, transaction.count);
        size += own_count;
        found++;
        rest.count -= message.octets + message.count - rest.octets;
        rest.octets = message.octets + message.count;
    }
    memcpy(output + size, end.octets, end.count);
    size += end.count;
    if (found) {
        char digits[6];
        size_t head = (unsigned char *)memmem(output, size, "\r\n\r\n", 4) + 4 - output;
        snprintf(digits, sizeof digits, "%05zu", size - head);
        fill(output, &size, "LLLLL", (unsigned char *)digits, 5);
        send_all(one->descriptor, output, size);
        total += found;
    }
    consume(one, length);
}

static int earlier(const void *first, const void *second) {
    float a = *(const float *)first, b = *(const float *)second;
    return (a > b) - (a < b);
}

int main(int argument_count, char **arguments) {
    if (argument_count < 6) return 64;
    patience = atoi(arguments[4]) ? atoi(arguments[4]) * 1000 : -1;
    int posts = !strcmp(arguments[1], "post");
    rule = arguments[2][0];
    depth = posts ? atol(arguments[3]) : 1 << 30;
    for (int index = 5; index + 1 < argument_count; index += 2) add(arguments[index], arguments[index + 1]);
    times = malloc(sizeof *times * 10000000);
    double start = now();
    for (int index = 0; index < count; index++) {
        if (posts) post(&all[index]);
        else send_all(all[index].descriptor, all[index].requests + 4, number(all[index].requests));
    }
    if (posts) hear(wanted, answered);
    else hear(atol(arguments[3]), rule == 'm' ? took_packets : rule == 'x' ? took_stanzas : polled);
    double seconds = now() - start;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double own = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("{\"seconds\": %.6f, \"own\": %.6f, \"count\": %ld", seconds, own, total);
    if (time_count) {
        qsort(times, time_count, sizeof *times, earlier);
        printf(", \"p50\": %.1f, \"p99\": %.1f", times[time_count / 2], times[time_count * 99 / 100]);
    }
    printf("}\n");
    return 0;
}
