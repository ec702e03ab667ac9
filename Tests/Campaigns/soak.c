// SPDX-License-Identifier: Apache-2.0
// The two ends of a soak, one epoll thread each: a scripted provider, and callers that finish, stream, cancel, err and misbehave.
//
//     soak provider PORT
//     soak drive PORT EXCHANGES CALLERS SEED
//
// What an exchange becomes follows from its kind alone (the table KINDS), so that the driver's account and the gateway's must
// be equal. The driver prints {"begun":..,"done":..} twice a second and at last one object with counts by kind and what went wrong.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum kind {
    PLAIN, PLAIN_CLOSE, PROVIDER_CLOSE, HALF_CLOSED, CHUNKED_REQUEST, LARGE_REQUEST, LARGE_ANSWER, STREAM, STREAM_TO_END,
    CANCEL, CANCEL_RESET, CANCEL_WAITING, CANCEL_SENDING, ERROR_429, ERROR_500, ERROR_529,
    CUT_STREAM, CUT_LENGTH, CUT_RESET, NO_ANSWER, UNROUTED, MALFORMED, KIND_COUNT
};

// Weight of a thousand, the outcome that must be recorded, the status that the caller must see (0: it goes before).
static const struct { const char *name; int weight; const char *outcome; int status; } KINDS[KIND_COUNT] = {
    [PLAIN] = {"plain", 500, "completed", 200},
    [PLAIN_CLOSE] = {"plain_close", 25, "completed", 200},
    [PROVIDER_CLOSE] = {"provider_close", 20, "completed", 200},
    [HALF_CLOSED] = {"half_closed", 5, "completed", 200},
    [CHUNKED_REQUEST] = {"chunked_request", 20, "completed", 200},
    [LARGE_REQUEST] = {"large_request", 6, "completed", 200},
    [LARGE_ANSWER] = {"large_answer", 6, "completed", 200},
    [STREAM] = {"stream", 180, "completed", 200},
    [STREAM_TO_END] = {"stream_to_end", 20, "completed", 200},
    [CANCEL] = {"cancel", 40, "client_closed", 200},
    [CANCEL_RESET] = {"cancel_reset", 20, "client_closed", 200},
    [CANCEL_WAITING] = {"cancel_waiting", 20, "client_closed", 0},
    [CANCEL_SENDING] = {"cancel_sending", 10, "client_closed", 0},
    [ERROR_429] = {"error_429", 40, "completed", 429},
    [ERROR_500] = {"error_500", 20, "completed", 500},
    [ERROR_529] = {"error_529", 10, "completed", 529},
    [CUT_STREAM] = {"cut_stream", 20, "upstream_failed", 200},
    [CUT_LENGTH] = {"cut_length", 10, "upstream_failed", 200},
    [CUT_RESET] = {"cut_reset", 5, "upstream_failed", 200},
    [NO_ANSWER] = {"no_answer", 8, "upstream_failed", 502},
    [UNROUTED] = {"unrouted", 10, "refused", 404},
    [MALFORMED] = {"malformed", 5, "refused", 400},
};

enum { EVENTS = 7, LARGE = 100 * 1024, HEAD_LIMIT = 16384, CONNECTIONS = 65536 };
static const char EVENT[] = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-4o-mini\",\"choices\":"
                            "[{\"index\":0,\"delta\":{\"content\":\"word \"}}]}\n\n";
static const char DONE[] = "data: [DONE]\n\n";
static const char ERROR_BODY[] = "{\"error\":{\"message\":\"slow down\",\"type\":\"rate_limit_error\",\"param\":null,\"code\":\"rate_limited\"}}";
static char plain[1024], large[LARGE + 512], streamed[EVENTS * sizeof EVENT + sizeof DONE];
static size_t plain_length, large_length, streamed_length;
static int ring;  // the epoll descriptor

static uint64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void die(const char *what) { perror(what); exit(2); }

static uint64_t mix(uint64_t sum, const char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) sum = (sum ^ (unsigned char)bytes[i]) * 1099511628211u;
    return sum;
}

static const uint64_t MIX = 14695981039346656037u;

// The answers; both ends know them to the byte.
static void make_answers(void) {
    static const char shape[] = "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,"
                                "\"message\":{\"role\":\"assistant\",\"content\":\"%s\"},\"finish_reason\":\"stop\"}],"
                                "\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":40,\"total_tokens\":52}}";
    char text[LARGE];
    size_t used = 0;
    for (int i = 0; i < 8; i++) used += (size_t)sprintf(text + used, "A fairly short answer, part %d. ", i);
    plain_length = (size_t)snprintf(plain, sizeof plain, shape, text);
    for (used = 0; used + 40 < LARGE;) used += (size_t)sprintf(text + used, "Line %zu of a long answer. ", used);
    large_length = (size_t)snprintf(large, sizeof large, shape, text);
    for (int i = 0; i < EVENTS; i++, streamed_length += sizeof EVENT - 1) memcpy(streamed + streamed_length, EVENT, sizeof EVENT - 1);
    memcpy(streamed + streamed_length, DONE, sizeof DONE - 1);
    streamed_length += sizeof DONE - 1;
}

static void send_by_reset(int fd) {
    struct linger hard = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

static void watch(int fd, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(ring, operation, fd, &event) != 0) die("epoll_ctl");
}

// The value of a header in a head, or NULL.
static const char *header(const char *head, const char *name) {
    const char *at = strcasestr(head, name);
    if (!at) return NULL;
    at += strlen(name);
    while (*at == ' ') at++;
    return at;
}

// A body's framing, read byte by byte from where the head ended; both ends use it.
struct framing { int chunked, state, clean; long left; char line[24]; int length; };  // state: 0 size, 1 data, 2 after data, 3 trailer

static void framing_of(struct framing *f, const char *head, int to_end) {
    memset(f, 0, sizeof *f);
    const char *length = header(head, "\r\ncontent-length:");
    f->chunked = header(head, "\r\ntransfer-encoding: chunked") != NULL;
    f->left = length ? atol(length) : (to_end ? -1 : 0);
    f->clean = !f->chunked && f->left == 0;
}

// Takes bytes up to the body's end; how many were taken. `sink` gets the decoded ones.
static size_t take_body(struct framing *f, const char *bytes, size_t count, void (*sink)(void *, const char *, size_t), void *to) {
    size_t at = 0;
    while (at < count && !f->clean) {
        size_t rest = count - at;
        if (!f->chunked || f->state == 1) {
            size_t some = f->left >= 0 && (long)rest > f->left ? (size_t)f->left : rest;
            sink(to, bytes + at, some);
            at += some;
            if (f->left >= 0) f->left -= (long)some;
            if (f->left == 0) { if (f->chunked) f->state = 2; else f->clean = 1; }
            continue;
        }
        char c = bytes[at++];
        if (c != '\n') { if (c != '\r' && f->length < 20) f->line[f->length++] = c; continue; }
        f->line[f->length] = 0;
        if (f->state == 0) { f->left = strtol(f->line, NULL, 16); f->state = f->left ? 1 : 3; }
        else if (f->state == 2) f->state = 0;
        else if (f->length == 0) f->clean = 1;
        f->length = 0;
    }
    return at;
}

// ---- the provider

struct served {
    int open, kind, in_body, events_left, closing, armed;
    uint64_t due, sum, wanted;
    size_t in_length, out_length, out_sent, out_room;
    char in[HEAD_LIMIT + 1], *out;
    struct framing framing;
};
static struct served *conns[CONNECTIONS];
static int highest;

static void drop(int fd) {
    struct served *c = conns[fd];
    if (!c) return;
    conns[fd] = NULL;
    close(fd);
    free(c->out);
    free(c);
}

static void put(struct served *c, const void *bytes, size_t count) {
    if (c->out_length + count > c->out_room) {
        c->out_room = (c->out_length + count) * 2;
        if (!(c->out = realloc(c->out, c->out_room))) die("realloc");
    }
    memcpy(c->out + c->out_length, bytes, count);
    c->out_length += count;
}

static void put_text(struct served *c, const char *text) { put(c, text, strlen(text)); }

static void put_chunk(struct served *c, const char *bytes, size_t count) {
    char size[24];
    put(c, size, (size_t)sprintf(size, "%zx\r\n", count));
    put(c, bytes, count);
    put(c, "\r\n", 2);
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
    if (c->closing && !c->due) { drop(fd); return 0; }
    return 1;
}

static void put_plain(struct served *c, int status, const char *extra, const char *body, size_t length) {
    char head[256];
    put(c, head, (size_t)sprintf(head, "HTTP/1.1 %d Answer\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n", status, extra, length));
    put(c, body, length);
}

static void answer(int fd) {
    struct served *c = conns[fd];
    static const char stream_head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
    if (c->sum != c->wanted) { put_plain(c, 599, "", "changed", 7); flush(fd); return; }
    switch (c->kind) {
    case ERROR_429: put_plain(c, 429, "Retry-After: 1\r\n", ERROR_BODY, sizeof ERROR_BODY - 1); break;
    case ERROR_500: put_plain(c, 500, "", ERROR_BODY, sizeof ERROR_BODY - 1); break;
    case ERROR_529: put_plain(c, 529, "", ERROR_BODY, sizeof ERROR_BODY - 1); break;
    case LARGE_ANSWER: put_plain(c, 200, "", large, large_length); break;
    case PROVIDER_CLOSE: put_plain(c, 200, "Connection: close\r\n", plain, plain_length); c->closing = 1; break;
    case STREAM: case CANCEL: case CANCEL_RESET: case CUT_STREAM: case CUT_RESET:
        put_text(c, stream_head);
        put_text(c, "Transfer-Encoding: chunked\r\n\r\n");
        put_chunk(c, EVENT, sizeof EVENT - 1);
        c->events_left = EVENTS - 1;
        c->due = now_us() + 1500;
        break;
    case STREAM_TO_END:
        put_text(c, stream_head);
        put_text(c, "\r\n");
        put(c, EVENT, sizeof EVENT - 1);
        c->events_left = EVENTS - 1;
        c->due = now_us() + 1000;
        break;
    case CUT_LENGTH: put_plain(c, 200, "", plain, plain_length); c->out_length -= 100; c->due = now_us() + 1500; break;
    case NO_ANSWER: drop(fd); return;
    case CANCEL_WAITING: return;  // for ever: the gateway has to hang up
    default: put_plain(c, 200, "", plain, plain_length);
    }
    flush(fd);
}

// A timer went off: the next event, or the cut.
static void tick(int fd, uint64_t now) {
    struct served *c = conns[fd];
    c->due = 0;
    if (c->kind == CUT_STREAM || c->kind == CUT_LENGTH) { drop(fd); return; }
    if (c->kind == CUT_RESET) { send_by_reset(fd); drop(fd); return; }
    int endless = c->kind == CANCEL || c->kind == CANCEL_RESET, bare = c->kind == STREAM_TO_END;
    if (c->events_left > 0 || endless) {
        if (bare) put(c, EVENT, sizeof EVENT - 1); else put_chunk(c, EVENT, sizeof EVENT - 1);
        c->events_left--;
        c->due = now + (endless ? 20000 : 1000);
    } else if (bare) {
        put(c, DONE, sizeof DONE - 1);
        c->closing = 1;
    } else {
        put_chunk(c, DONE, sizeof DONE - 1);
        put_text(c, "0\r\n\r\n");
    }
    flush(fd);
}

static void sum_up(void *to, const char *bytes, size_t count) {
    struct served *c = to;
    c->sum = mix(c->sum, bytes, count);
}

static void heard(int fd) {
    char bytes[65536];
    for (;;) {
        struct served *c = conns[fd];
        ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) { drop(fd); return; }
        for (size_t at = 0; at < (size_t)n;) {
            if (c->in_body) {
                at += take_body(&c->framing, bytes + at, (size_t)n - at, sum_up, c);
            } else {
                if (c->in_length >= HEAD_LIMIT) { drop(fd); return; }
                c->in[c->in_length++] = bytes[at++];
                if (c->in_length < 4 || memcmp(c->in + c->in_length - 4, "\r\n\r\n", 4) != 0) continue;
                c->in[c->in_length] = 0;
                const char *kind = header(c->in, "\r\nx-soak:"), *sum = header(c->in, "\r\nx-soak-sum:");
                c->kind = kind ? atoi(kind) : PLAIN;
                c->wanted = sum ? strtoull(sum, NULL, 16) : MIX;
                c->sum = MIX;
                framing_of(&c->framing, c->in, 0);
                c->in_body = 1;
            }
            if (c->in_body && c->framing.clean) {
                c->in_body = 0;
                c->in_length = 0;
                answer(fd);
                if (conns[fd] != c) return;
            }
        }
    }
}

_Noreturn static void provider(int port) {
    int on = 1, door = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(door, (void *)&where, sizeof where) != 0 || listen(door, 4096) != 0) die("listen");
    watch(door, EPOLLIN, EPOLL_CTL_ADD);
    struct epoll_event events[256];
    uint64_t swept = 0;
    for (;;) {
        int count = epoll_wait(ring, events, 256, 1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == door) {
                while ((fd = accept4(door, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    if (fd >= CONNECTIONS || !(conns[fd] = calloc(1, sizeof **conns))) { close(fd); continue; }
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
        for (int fd = 0; fd <= highest; fd++) if (conns[fd] && conns[fd]->due && conns[fd]->due <= now) tick(fd, now);
    }
}

// ---- the callers

struct caller {
    int fd, kind, busy, in_body, status, keeps, bad, armed;
    uint64_t deadline, go_at, seed;
    size_t out_length, out_sent, out_stop, head_length, got, want_length;
    const char *want;
    char head[HEAD_LIMIT + 1], *out;
    struct framing framing;
};
static struct caller *callers;
static int *caller_of;  // by descriptor
static int gateway_port, caller_count;
static long limit, begun, done, begun_by[KIND_COUNT];
static struct { char text[96]; long count; } wrong[64];

static void note(const struct caller *c, const char *what, int detail) {
    char text[96];
    snprintf(text, sizeof text, "%s: %s %d", KINDS[c->kind].name, what, detail);
    for (int i = 0; i < 64; i++) {
        if (wrong[i].count && strcmp(wrong[i].text, text) != 0) continue;
        strcpy(wrong[i].text, text);
        wrong[i].count++;
        return;
    }
}

static uint32_t next_random(struct caller *c) {
    c->seed = c->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(c->seed >> 33);
}

static int pick(struct caller *c) {
    int at = (int)(next_random(c) % 1000), kind = 0;
    while (at >= KINDS[kind].weight) at -= KINDS[kind++].weight;
    return kind;
}

static size_t make_body(struct caller *c, char *to, size_t room) {
    static const char *words[] = {"ship", "the", "late", "invoice", "summary", "and", "reply", "north", "harbour", "before", "noon", "quietly", "seven",
                                  "crates", "of", "amber", "glass", "were", "counted", "twice", "by", "night", "clerk", "ledger"};
    static const char *models[] = {"gpt-4o-mini", "gpt-4o", "gpt-4.1", "o4-mini"};
    int streams = c->kind == STREAM || c->kind == STREAM_TO_END || c->kind == CANCEL || c->kind == CANCEL_RESET || c->kind == CUT_STREAM || c->kind == CUT_RESET;
    size_t goal = c->kind == LARGE_REQUEST || c->kind == CANCEL_SENDING ? LARGE : 60 + next_random(c) % 700;
    size_t used = (size_t)snprintf(to, room, "{\"model\":\"%s\",\"stream\":%s,\"messages\":[{\"role\":\"user\",\"content\":\"",
                                   models[next_random(c) % 4], streams ? "true" : "false");
    while (used < goal) used += (size_t)sprintf(to + used, "%s%u ", words[next_random(c) % 24], next_random(c) % 100);
    return used + (size_t)sprintf(to + used, "\"}]}");
}

static void make_request(struct caller *c) {
    static char body[LARGE + 256];
    char *to = c->out;
    c->out_sent = 0;
    if (c->kind == MALFORMED) {
        c->out_length = c->out_stop = (size_t)sprintf(to, "POST /v1/chat/completions HTTP/1.1\r\nHost: w\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n");
        return;
    }
    size_t length = make_body(c, body, sizeof body), used;
    int closes = c->kind == PLAIN_CLOSE || c->kind == HALF_CLOSED;
    used = (size_t)sprintf(to, "POST %s HTTP/1.1\r\nHost: w\r\nAuthorization: Bearer sk-soak\r\nX-Soak: %d\r\nX-Soak-Sum: %llx\r\n"
                               "x-inference-environment: soak\r\nx-inference-task-id: %s\r\nContent-Type: application/json\r\n%s",
                           c->kind == UNROUTED ? "/nowhere" : "/v1/chat/completions", c->kind, (unsigned long long)mix(MIX, body, length), KINDS[c->kind].name,
                           closes ? "Connection: close\r\n" : "");
    if (c->kind == CHUNKED_REQUEST) {
        size_t half = length / 2;
        used += (size_t)sprintf(to + used, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n%.*s\r\n%zx\r\n%s\r\n0\r\n\r\n", half, (int)half, body, length - half, body + half);
    } else {
        used += (size_t)sprintf(to + used, "Content-Length: %zu\r\n\r\n", length);
        memcpy(to + used, body, length);
        used += length;
    }
    c->out_length = used;
    c->out_stop = c->kind == CANCEL_SENDING ? used / 2 : used;
}

static void hang_up(struct caller *c, int reset) {
    if (c->fd < 0) return;
    if (reset) send_by_reset(c->fd);
    caller_of[c->fd] = -1;
    close(c->fd);
    c->fd = -1;
}

// The exchange is over; the next one follows when the stack has unwound.
static void over(struct caller *c, int keep) {
    c->busy = 0;
    done++;
    if (!keep || !c->keeps || c->kind == PLAIN_CLOSE || c->kind == HALF_CLOSED) hang_up(c, 0);
}

static void written(struct caller *c) {
    while (c->out_sent < c->out_stop) {
        ssize_t n = send(c->fd, c->out + c->out_sent, c->out_stop - c->out_sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            if (!c->armed) { watch(c->fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD); c->armed = 1; }
            return;
        }
        if (n < 0) { note(c, "cannot send, errno", errno); over(c, 0); return; }
        c->out_sent += (size_t)n;
    }
    if (c->armed) { watch(c->fd, EPOLLIN, EPOLL_CTL_MOD); c->armed = 0; }
    if (c->kind == HALF_CLOSED) shutdown(c->fd, SHUT_WR);
    if (c->kind == CANCEL_WAITING || c->kind == CANCEL_SENDING) c->go_at = now_us() + next_random(c) % 20000;
}

static void begin(struct caller *c) {
    int on = 1;
    if (c->fd < 0) {
        struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)gateway_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        c->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (c->fd < 0 || c->fd >= CONNECTIONS || connect(c->fd, (void *)&where, sizeof where) != 0) die("connect");
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        caller_of[c->fd] = (int)(c - callers);
        watch(c->fd, EPOLLIN, EPOLL_CTL_ADD);
    }
    c->kind = pick(c);
    c->busy = 1;
    c->in_body = c->status = c->bad = c->armed = 0;
    c->keeps = 1;
    c->head_length = c->got = 0;
    c->go_at = 0;
    c->deadline = now_us() + 120000000;
    c->want = NULL;
    c->want_length = 0;
    switch (c->kind) {
    case STREAM: case STREAM_TO_END: case CANCEL: case CANCEL_RESET: case CUT_STREAM: case CUT_RESET: c->want = streamed; c->want_length = streamed_length; break;
    case LARGE_ANSWER: c->want = large; c->want_length = large_length; break;
    case ERROR_429: case ERROR_500: case ERROR_529: c->want = ERROR_BODY; c->want_length = sizeof ERROR_BODY - 1; break;
    case NO_ANSWER: case UNROUTED: case MALFORMED: break;  // Weir's own words
    default: c->want = plain; c->want_length = plain_length;
    }
    make_request(c);
    begun++;
    begun_by[c->kind]++;
    written(c);
}

static void compare(void *to, const char *bytes, size_t count) {
    struct caller *c = to;
    if (c->want && c->status != 502) {
        size_t at = c->got % c->want_length;
        // A cancelled stream goes on with events; only its beginning is compared.
        if (c->got + count > c->want_length) c->bad |= c->kind != CANCEL && c->kind != CANCEL_RESET;
        else c->bad |= memcmp(c->want + at, bytes, count) != 0;
    }
    c->got += count;
}

static void ended(struct caller *c, int clean, int error) {
    int cut = c->kind == CUT_STREAM || c->kind == CUT_LENGTH || c->kind == CUT_RESET;
    // What a reset throws away may include the head; then it is the gateway's 502.
    if (c->kind == CUT_RESET && c->status == 502 && clean) { over(c, 1); return; }
    if (c->status != KINDS[c->kind].status) note(c, "status", c->status);
    else if (c->bad) note(c, "another body at", (int)c->got);
    else if (cut && clean) note(c, "the cut is hidden at", (int)c->got);
    else if (!cut && !clean) note(c, "broken, errno", error);
    else if (clean && c->want && c->got != c->want_length) note(c, "body ends at", (int)c->got);
    over(c, clean);
}

static void answered(struct caller *c) {
    char bytes[65536];
    while (c->fd >= 0) {
        ssize_t n = recv(c->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) return;
        if (!c->busy) {
            if (n > 0) note(c, "bytes after the answer", (int)n);
            hang_up(c, 0);
            return;
        }
        if (n <= 0) {
            if (c->go_at) { note(c, "the gateway went first, status", c->status); over(c, 0); return; }
            ended(c, c->in_body && !c->framing.chunked && c->framing.left < 0 && n == 0, n < 0 ? errno : 0);
            return;
        }
        size_t at = 0;
        while (!c->in_body && at < (size_t)n) {
            if (c->head_length >= HEAD_LIMIT) { note(c, "head too long", 0); over(c, 0); return; }
            c->head[c->head_length++] = bytes[at++];
            if (c->head_length < 4 || memcmp(c->head + c->head_length - 4, "\r\n\r\n", 4) != 0) continue;
            c->head[c->head_length] = 0;
            c->status = atoi(c->head + 9);
            const char *connection = header(c->head, "\r\nconnection:");
            c->keeps = !(connection && strncasecmp(connection, "close", 5) == 0);
            framing_of(&c->framing, c->head, 1);
            c->in_body = 1;
        }
        if (!c->in_body) continue;
        take_body(&c->framing, bytes + at, (size_t)n - at, compare, c);
        if ((c->kind == CANCEL || c->kind == CANCEL_RESET) && c->got >= sizeof EVENT - 1) {
            if (c->bad || c->status != 200) note(c, "another beginning, status", c->status);
            hang_up(c, c->kind == CANCEL_RESET);
            over(c, 0);
            return;
        }
        if (c->framing.clean) { ended(c, 1, 0); return; }
    }
}

static void sweep(uint64_t now) {
    for (int i = 0; i < caller_count; i++) {
        struct caller *c = &callers[i];
        if (c->busy && c->go_at && now >= c->go_at) over(c, 0);
        if (c->busy && now > c->deadline) { note(c, "no end within 120 s, status", c->status); over(c, 0); }
    }
}

static void progress(void) {
    printf("{\"begun\":%ld,\"done\":%ld}\n", begun, done);
    fflush(stdout);
}

static void tell(double seconds) {
    printf("{\"begun\":%ld,\"done\":%ld,\"seconds\":%.1f,\"kinds\":{", begun, done, seconds);
    for (int i = 0; i < KIND_COUNT; i++) printf("%s\"%s\":%ld", i ? "," : "", KINDS[i].name, begun_by[i]);
    printf("},\"outcomes\":{");
    const char *outcomes[] = {"completed", "client_closed", "upstream_failed", "refused"};
    for (int o = 0; o < 4; o++) {
        long sum = 0;
        for (int i = 0; i < KIND_COUNT; i++) if (strcmp(KINDS[i].outcome, outcomes[o]) == 0) sum += begun_by[i];
        printf("%s\"%s\":%ld", o ? "," : "", outcomes[o], sum);
    }
    printf("},\"wrong\":{");
    for (int i = 0; i < 64 && wrong[i].count; i++) printf("%s\"%s\":%ld", i ? "," : "", wrong[i].text, wrong[i].count);
    printf("}}\n");
}

static int drive(int port, long exchanges, int count, uint64_t seed) {
    gateway_port = port;
    limit = exchanges;
    caller_count = count;
    callers = calloc((size_t)count, sizeof *callers);
    caller_of = malloc(CONNECTIONS * sizeof *caller_of);
    if (!callers || !caller_of) die("malloc");
    memset(caller_of, -1, CONNECTIONS * sizeof *caller_of);
    for (int i = 0; i < count; i++) {
        callers[i].fd = -1;
        callers[i].seed = seed * 100003u + (uint64_t)i * 7919u + 1;
        if (!(callers[i].out = malloc(LARGE + 4096))) die("malloc");
    }
    struct epoll_event events[256];
    uint64_t began = now_us(), told = began, swept = began;
    for (;;) {
        for (int i = 0; i < count; i++) while (!callers[i].busy && begun < limit) begin(&callers[i]);
        if (begun >= limit && done >= begun) break;
        int some = epoll_wait(ring, events, 256, 5);
        for (int i = 0; i < some; i++) {
            int fd = events[i].data.fd, index = caller_of[fd];
            if (index < 0) continue;
            struct caller *c = &callers[index];
            if (c->busy && (events[i].events & EPOLLOUT)) written(c);
            if (c->fd == fd && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) answered(c);
        }
        uint64_t now = now_us();
        if (now - swept > 1000) { sweep(now); swept = now; }
        if (now - told > 500000) { progress(); told = now; }
    }
    for (int i = 0; i < count; i++) hang_up(&callers[i], 0);
    tell((double)(now_us() - began) / 1e6);
    return 0;
}

int main(int count, char **words) {
    signal(SIGPIPE, SIG_IGN);
    make_answers();
    if ((ring = epoll_create1(0)) < 0) die("epoll_create1");
    if (count == 3 && strcmp(words[1], "provider") == 0) provider(atoi(words[2]));
    if (count == 6 && strcmp(words[1], "drive") == 0) return drive(atoi(words[2]), atol(words[3]), atoi(words[4]), strtoull(words[5], NULL, 10));
    fprintf(stderr, "usage: soak provider PORT | soak drive PORT EXCHANGES CALLERS SEED\n");
    return 2;
}
