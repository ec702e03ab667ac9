// SPDX-License-Identifier: Apache-2.0
// Callers that keep a ledger of what they saw, and the provider behind the gateway; one epoll thread each.
//
//     ledger pool FILE                     writes the text that all bodies are cut from
//     ledger provider PORT POOL
//     ledger drive PORT POOL FIRST CALLERS MIX RATE
//
// MIX: mixed | small | bulk. RATE: exchanges a second in all, 0: each caller goes on at once. What exchange N asks for and gets follows from N
// and the figures in its ledger line alone, so that whoever reads the records can say what must stand in them (ledger.py).
// The driver writes a line as an exchange ends: N KIND REQUEST ANSWER EVENTS ID STATUS STATE GOT START_US END_US, the last two of
// CLOCK_MONOTONIC. STATE: whole, cut (broke off), cancelled (by us), wrong (other bytes than those sent), refused (no
// connection). It ends when nobody listens any more, or on SIGTERM after the running ones.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum kind { PLAIN, STREAM, SLOW_STREAM, LARGE_REQUEST, LARGE_ANSWER, HUGE_ANSWER, ERROR, CANCEL, KIND_COUNT };
static const char *const NAMES[KIND_COUNT] = {"plain", "stream", "slow_stream", "large_request", "large_answer", "huge_answer", "error", "cancel"};
static const int WEIGHTS[3][KIND_COUNT] = {
    {560, 200, 80, 50, 40, 5, 40, 25},   // mixed
    {1000, 0, 0, 0, 0, 0, 0, 0},         // small
    {300, 100, 0, 300, 300, 0, 0, 0},    // bulk
};
enum { POOL = 4 << 20, SLICE = 24, HEAD_LIMIT = 8192, CONNECTIONS = 65536, ROOM = 4096 };

static int ring;
static const char *pool;
static volatile sig_atomic_t stopping;

static void stop(int number) { (void)number; stopping = 1; }
static void die(const char *what) { perror(what); exit(2); }

static uint64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static uint64_t mix(uint64_t x) {
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static void watch(int fd, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(ring, operation, fd, &event) != 0) die("epoll_ctl");
}

// ---- what is sent and answered

struct plan { uint64_t n; int kind, request, answer, events; };

static void write_pool(const char *path) {
    static const char *syllables[] = {"ka", "lo", "mi", "ne", "pu", "ra", "so", "ti", "vu", "ze", "bar", "den", "fol", "gim", "hut", "jas", "\xc3\xa4r", "\xe6\x9d\xa5", "kel", "nir"};
    char *text = malloc(POOL + 64);
    if (!text) die("malloc");
    size_t used = 0;
    for (uint64_t n = 0; used < POOL; n++) {
        uint64_t r = mix(n);
        // Common words are short and come often.
        uint64_t word = mix((r & 3) ? (r >> 8) % 200 : (r >> 8) % 20000);
        for (int i = 0; i <= (int)(word % 3); i++) used += (size_t)sprintf(text + used, "%s", syllables[(word >> (8 + 8 * i)) % 20]);
        text[used++] = ' ';
    }
    FILE *file = fopen(path, "w");
    if (!file || fwrite(text, 1, POOL, file) != POOL || fclose(file) != 0) die(path);
}

static void open_pool(const char *path) {
    int fd = open(path, O_RDONLY);
    if (fd < 0) die(path);
    pool = mmap(NULL, POOL, PROT_READ, MAP_SHARED, fd, 0);
    if (pool == MAP_FAILED) die("mmap");
    close(fd);
}

static const char *slice(uint64_t seed, int count) { return pool + mix(seed) % (uint64_t)(POOL - count); }

static size_t make_request_body(const struct plan *p, char *to) {
    size_t used = (size_t)sprintf(to, "{\"model\":\"gpt-4o-mini\",\"stream\":%s,\"user\":\"n-%llu\",\"messages\":[{\"role\":\"user\",\"content\":\"",
                                  p->events ? "true" : "false", (unsigned long long)p->n);
    memcpy(to + used, slice(2 * p->n + 1, p->request), (size_t)p->request);
    used += (size_t)p->request;
    memcpy(to + used, "\"}]}", 4);
    return used + 4;
}

static size_t make_event(const struct plan *p, int at, char *to) {
    if (at == p->events) { memcpy(to, "data: [DONE]\n\n", 14); return 14; }
    size_t used = (size_t)sprintf(to, "data: {\"id\":\"chatcmpl-%llu\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"",
                                  (unsigned long long)p->n);
    memcpy(to + used, slice(2 * p->n, p->events * SLICE) + at * SLICE, SLICE);
    used += SLICE;
    memcpy(to + used, "\"}}]}\n\n", 7);
    return used + 7;
}

// Bytes that hold any answer of the plan.
static size_t answer_room(const struct plan *p) { return (size_t)p->answer + ROOM + (size_t)(p->events + 1) * 256; }

static size_t make_answer(const struct plan *p, char *to) {
    if (p->kind == ERROR) return (size_t)sprintf(to, "{\"error\":{\"message\":\"slow down %llu\",\"type\":\"rate_limit_error\"}}", (unsigned long long)p->n);
    size_t used = 0;
    if (p->events) {
        for (int i = 0; i <= p->events; i++) used += make_event(p, i, to + used);
        return used;
    }
    used = (size_t)sprintf(to, "{\"id\":\"chatcmpl-%llu\",\"object\":\"chat.completion\",\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"",
                           (unsigned long long)p->n);
    memcpy(to + used, slice(2 * p->n, p->answer), (size_t)p->answer);
    used += (size_t)p->answer;
    return used + (size_t)sprintf(to + used, "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":40,\"total_tokens\":52}}");
}

// The value of a header in a head, or NULL.
static const char *header(const char *head, const char *name) {
    const char *at = strcasestr(head, name);
    if (!at) return NULL;
    at += strlen(name);
    while (*at == ' ') at++;
    return at;
}

// ---- the provider

struct served {
    int armed, event;  // event: the next one of a stream
    long body_left;    // of the request; below 0: in the head
    uint64_t due;
    struct plan plan;
    size_t in_length, out_length, out_sent, out_room;
    char in[HEAD_LIMIT + 1], *out;
};
static struct served *conns[CONNECTIONS];
static int highest;

static void drop(int fd) {
    struct served *c = conns[fd];
    conns[fd] = NULL;
    close(fd);
    free(c->out);
    free(c);
}

static char *room_for(struct served *c, size_t count) {
    if (c->out_length + count > c->out_room) {
        c->out_room = (c->out_length + count) * 2;
        if (!(c->out = realloc(c->out, c->out_room))) die("realloc");
    }
    return c->out + c->out_length;
}

// Writes what is waiting; 0 when the connection is gone.
static int flush(int fd) {
    struct served *c = conns[fd];
    while (c->out_sent < c->out_length) {
        ssize_t n = send(fd, c->out + c->out_sent, c->out_length - c->out_sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            if (!c->armed) { watch(fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD); c->armed = 1; }
            return 1;
        }
        if (n < 0) { drop(fd); return 0; }
        c->out_sent += (size_t)n;
    }
    c->out_sent = c->out_length = 0;
    if (c->armed) { watch(fd, EPOLLIN, EPOLL_CTL_MOD); c->armed = 0; }
    return 1;
}

// The next event of a stream as a chunk, and when the one after it follows.
static void put_event(struct served *c, uint64_t now) {
    char event[512];
    size_t length = make_event(&c->plan, c->event, event);
    c->out_length += (size_t)sprintf(room_for(c, length + 64), "%zx\r\n", length);
    memcpy(c->out + c->out_length, event, length);
    c->out_length += length;
    c->out_length += (size_t)sprintf(c->out + c->out_length, c->event == c->plan.events ? "\r\n0\r\n\r\n" : "\r\n");
    c->due = c->event++ == c->plan.events ? 0 : now + (c->plan.kind == SLOW_STREAM ? 25000 : 1000 + mix(c->plan.n) % 4000);
}

static void answer(int fd) {
    struct served *c = conns[fd];
    if (c->plan.events) {
        c->out_length += (size_t)sprintf(room_for(c, 256), "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
        c->event = 0;
        put_event(c, now_us());
    } else {
        char *body = malloc(answer_room(&c->plan));
        if (!body) die("malloc");
        size_t length = make_answer(&c->plan, body);
        c->out_length += (size_t)sprintf(room_for(c, length + 256), "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                                         c->plan.kind == ERROR ? "429 Too Many Requests" : "200 OK", length);
        memcpy(c->out + c->out_length, body, length);
        c->out_length += length;
        free(body);
    }
    flush(fd);
}

static void heard(int fd) {
    char bytes[65536];
    for (;;) {
        struct served *c = conns[fd];
        ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) { drop(fd); return; }
        for (size_t at = 0; at < (size_t)n;) {
            if (c->body_left < 0) {
                if (c->in_length >= HEAD_LIMIT) { drop(fd); return; }
                c->in[c->in_length++] = bytes[at++];
                if (c->in_length < 4 || memcmp(c->in + c->in_length - 4, "\r\n\r\n", 4) != 0) continue;
                c->in[c->in_length] = 0;
                const char *length = header(c->in, "\r\ncontent-length:"), *asked = header(c->in, "\r\nx-ledger:");
                unsigned long long number;
                if (!asked || sscanf(asked, "%llu %d %d %d", &number, &c->plan.kind, &c->plan.answer, &c->plan.events) != 4) { drop(fd); return; }
                c->plan.n = number;
                c->body_left = length ? atol(length) : 0;
                c->in_length = 0;
            } else {
                size_t some = (size_t)n - at;
                if ((long)some > c->body_left) some = (size_t)c->body_left;
                c->body_left -= (long)some;
                at += some;
            }
            if (c->body_left == 0) {
                c->body_left = -1;
                answer(fd);
                if (conns[fd] != c) return;
            }
        }
    }
}

static int address(int port, struct sockaddr_in *where) {
    *where = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return sizeof *where;
}

static int provider(int port) {
    struct sockaddr_in where;
    int on = 1, door = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), size = address(port, &where);
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(door, (void *)&where, (socklen_t)size) != 0 || listen(door, 4096) != 0) die("listen");
    watch(door, EPOLLIN, EPOLL_CTL_ADD);
    struct epoll_event events[256];
    uint64_t swept = 0;
    while (!stopping) {
        int count = epoll_wait(ring, events, 256, 1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == door) {
                while ((fd = accept4(door, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    if (fd >= CONNECTIONS || !(conns[fd] = calloc(1, sizeof **conns))) { close(fd); continue; }
                    conns[fd]->body_left = -1;
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                    watch(fd, EPOLLIN, EPOLL_CTL_ADD);
                    if (fd > highest) highest = fd;
                }
                continue;
            }
            if (conns[fd] && (events[i].events & EPOLLOUT) && !flush(fd)) continue;
            if (conns[fd] && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) heard(fd);
        }
        uint64_t now = now_us();
        if (now - swept < 900) continue;
        swept = now;
        for (int fd = 0; fd <= highest; fd++)
            if (conns[fd] && conns[fd]->due && conns[fd]->due <= now) { put_event(conns[fd], now); flush(fd); }
    }
    return 0;
}

// ---- the callers

struct caller {
    int fd, busy, in_body, status, chunked, chunk_state, keeps, armed, bad, clean, line_length;
    long left;
    uint64_t began, deadline, next_at;
    struct plan plan;
    size_t out_length, out_sent, out_room, head_length, got, want_length, want_room;
    char head[HEAD_LIMIT + 1], line[24], *out, *want;
};
static struct caller *callers;
static int caller_of[CONNECTIONS], gateway_port, caller_count, is_gone, mix_of_kinds;
static uint64_t next_number;
static const uint64_t PATIENCE_US = 300000000;

static void tell(const struct caller *c, const char *state) {
    char id[40] = "-";
    const char *at = c->in_body ? header(c->head, "\r\nx-weir-exchange-id:") : NULL;
    if (at) snprintf(id, sizeof id, "%.36s", at);
    printf("%llu %s %d %d %d %s %d %s %zu %llu %llu\n", (unsigned long long)c->plan.n, NAMES[c->plan.kind], c->plan.request, c->plan.answer, c->plan.events,
           id, c->status, state, c->got, (unsigned long long)c->began, (unsigned long long)now_us());
}

static void hang_up(struct caller *c) {
    if (c->fd < 0) return;
    caller_of[c->fd] = -1;
    close(c->fd);
    c->fd = -1;
}

static void over(struct caller *c, const char *state, int keep) {
    tell(c, state);
    c->busy = 0;
    if (!keep || !c->keeps) hang_up(c);
}

static void make_plan(struct plan *p, uint64_t n) {
    uint64_t r = mix(n ^ 0x5EED), s = mix(r);
    int at = (int)(r % 1000), kind = 0;
    while (at >= WEIGHTS[mix_of_kinds][kind]) at -= WEIGHTS[mix_of_kinds][kind++];
    *p = (struct plan){.n = n, .kind = kind, .request = 80 + (int)(s % 2000), .answer = 60 + (int)((s >> 20) % 2000)};
    if (kind == LARGE_REQUEST) p->request = (48 << 10) + (int)(s % (300 << 10));
    if (kind == LARGE_ANSWER) p->answer = (48 << 10) + (int)(s % (300 << 10));
    if (kind == HUGE_ANSWER) p->answer = (1200 << 10) + (int)(s % (500 << 10));
    if (kind == STREAM || kind == CANCEL) p->events = 3 + (int)(s % 30);
    if (kind == SLOW_STREAM) p->events = 20 + (int)(s % 120);
}

static void written(struct caller *c) {
    while (c->out_sent < c->out_length) {
        ssize_t n = send(c->fd, c->out + c->out_sent, c->out_length - c->out_sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            if (!c->armed) { watch(c->fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD); c->armed = 1; }
            return;
        }
        if (n < 0) { over(c, "cut", 0); return; }
        c->out_sent += (size_t)n;
    }
    if (c->armed) { watch(c->fd, EPOLLIN, EPOLL_CTL_MOD); c->armed = 0; }
}

static void *grown(void *old, size_t *room, size_t wanted) {
    if (wanted <= *room) return old;
    *room = wanted * 2;
    if (!(old = realloc(old, *room))) die("realloc");
    return old;
}

static void begin(struct caller *c) {
    int on = 1;
    make_plan(&c->plan, next_number++);
    c->busy = c->keeps = 1;
    c->in_body = c->status = c->chunked = c->chunk_state = c->armed = c->bad = c->clean = c->line_length = 0;
    c->left = 0;
    c->out_sent = c->head_length = c->got = 0;
    c->began = now_us();
    c->deadline = c->began + PATIENCE_US;
    if (c->fd < 0) {
        struct sockaddr_in where;
        int size = address(gateway_port, &where);
        c->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (c->fd < 0 || c->fd >= CONNECTIONS) die("socket");
        if (connect(c->fd, (void *)&where, (socklen_t)size) != 0) {
            close(c->fd);
            c->fd = -1;
            is_gone = 1;
            over(c, "refused", 0);
            return;
        }
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        fcntl(c->fd, F_SETFL, O_NONBLOCK);
        caller_of[c->fd] = (int)(c - callers);
        watch(c->fd, EPOLLIN, EPOLL_CTL_ADD);
    }
    c->want = grown(c->want, &c->want_room, answer_room(&c->plan));
    c->want_length = make_answer(&c->plan, c->want);
    c->out = grown(c->out, &c->out_room, (size_t)c->plan.request + ROOM);
    static char body[512 << 10];
    size_t length = make_request_body(&c->plan, body);
    size_t used = (size_t)sprintf(c->out, "POST /v1/chat/completions HTTP/1.1\r\nHost: w\r\nAuthorization: Bearer sk-ledger-0123456789abcdef\r\nX-Ledger: %llu %d %d %d %d\r\n"
                                  "x-inference-task-id: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                                  (unsigned long long)c->plan.n, c->plan.kind, c->plan.answer, c->plan.events, c->plan.request, NAMES[c->plan.kind], length);
    memcpy(c->out + used, body, length);
    c->out_length = used + length;
    written(c);
}

static void compare(struct caller *c, const char *bytes, size_t count) {
    if (c->got + count > c->want_length || memcmp(c->want + c->got, bytes, count) != 0) c->bad = 1;
    c->got += count;
}

// Takes bytes of the answer's body; stops at its end.
static void take_body(struct caller *c, const char *bytes, size_t count) {
    size_t at = 0;
    while (at < count && !c->clean) {
        if (!c->chunked || c->chunk_state == 1) {
            size_t some = count - at;
            if ((long)some > c->left) some = (size_t)c->left;
            compare(c, bytes + at, some);
            at += some;
            c->left -= (long)some;
            if (c->left == 0) { if (c->chunked) c->chunk_state = 2; else c->clean = 1; }
            continue;
        }
        char b = bytes[at++];
        if (b != '\n') { if (b != '\r' && c->line_length < 20) c->line[c->line_length++] = b; continue; }
        c->line[c->line_length] = 0;
        if (c->chunk_state == 0) { c->left = strtol(c->line, NULL, 16); c->chunk_state = c->left ? 1 : 3; }
        else if (c->chunk_state == 2) c->chunk_state = 0;
        else if (c->line_length == 0) c->clean = 1;
        c->line_length = 0;
    }
}

static void answered(struct caller *c) {
    char bytes[65536];
    while (c->fd >= 0) {
        ssize_t n = recv(c->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) {
            if (c->busy) over(c, c->bad ? "wrong" : "cut", 0); else hang_up(c);
            return;
        }
        if (!c->busy) { hang_up(c); return; }
        size_t at = 0;
        while (!c->in_body && at < (size_t)n) {
            if (c->head_length >= HEAD_LIMIT) { over(c, "wrong", 0); return; }
            c->head[c->head_length++] = bytes[at++];
            if (c->head_length < 4 || memcmp(c->head + c->head_length - 4, "\r\n\r\n", 4) != 0) continue;
            c->head[c->head_length] = 0;
            c->status = atoi(c->head + 9);
            const char *connection = header(c->head, "\r\nconnection:"), *length = header(c->head, "\r\ncontent-length:");
            c->keeps = !(connection && strncasecmp(connection, "close", 5) == 0);
            c->chunked = header(c->head, "\r\ntransfer-encoding: chunked") != NULL;
            c->left = length ? atol(length) : 0;
            c->clean = !c->chunked && c->left == 0;
            c->in_body = 1;
        }
        if (!c->in_body) continue;
        take_body(c, bytes + at, (size_t)n - at);
        if (c->clean) {
            int is_right = !c->bad && c->got == c->want_length && c->status == (c->plan.kind == ERROR ? 429 : 200);
            over(c, is_right ? "whole" : "wrong", 1);
        } else if (c->plan.kind == CANCEL && c->got >= 200) {
            over(c, c->bad ? "wrong" : "cancelled", 0);
        }
    }
}

static int drive(int port, uint64_t first, int count, const char *mix_name, double rate) {
    gateway_port = port;
    next_number = first;
    caller_count = count;
    mix_of_kinds = strcmp(mix_name, "small") == 0 ? 1 : strcmp(mix_name, "bulk") == 0 ? 2 : 0;
    callers = calloc((size_t)count, sizeof *callers);
    if (!callers) die("calloc");
    memset(caller_of, -1, sizeof caller_of);
    uint64_t start = now_us(), told = start, gap = rate > 0 ? (uint64_t)(1e6 * count / rate) : 0;
    for (int i = 0; i < count; i++) {
        callers[i].fd = -1;
        callers[i].next_at = gap ? start + gap * (uint64_t)i / (uint64_t)count : 0;
    }
    struct epoll_event events[256];
    for (;;) {
        int busy = 0;
        uint64_t now = now_us();
        for (int i = 0; i < count; i++) {
            struct caller *c = &callers[i];
            if (!c->busy && !stopping && !is_gone && now >= c->next_at) {
                begin(c);
                if (gap) c->next_at = c->next_at + gap > now ? c->next_at + gap : now;
            }
            if (c->busy && now > c->deadline) over(c, "cut", 0);
            busy += c->busy;
        }
        if (!busy && (stopping || is_gone)) break;
        int some = epoll_wait(ring, events, 256, gap ? 1 : 5);
        for (int i = 0; i < some; i++) {
            int fd = events[i].data.fd, index = caller_of[fd];
            if (index < 0) continue;
            struct caller *c = &callers[index];
            if (c->busy && (events[i].events & EPOLLOUT)) written(c);
            if (c->fd == fd && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) answered(c);
        }
        if (now - told > 20000) { fflush(stdout); told = now; }
    }
    fflush(stdout);
    return 0;
}

int main(int count, char **words) {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, stop);
    if ((ring = epoll_create1(0)) < 0) die("epoll_create1");
    if (count == 3 && strcmp(words[1], "pool") == 0) { write_pool(words[2]); return 0; }
    if (count == 4 && strcmp(words[1], "provider") == 0) { open_pool(words[3]); return provider(atoi(words[2])); }
    if (count == 8 && strcmp(words[1], "drive") == 0) {
        open_pool(words[3]);
        return drive(atoi(words[2]), strtoull(words[4], NULL, 10), atoi(words[5]), words[6], atof(words[7]));
    }
    fprintf(stderr, "usage: ledger pool FILE | ledger provider PORT POOL | ledger drive PORT POOL FIRST CALLERS MIX RATE\n");
    return 2;
}
