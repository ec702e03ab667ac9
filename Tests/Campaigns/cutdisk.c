// SPDX-License-Identifier: Apache-2.0
// A disk in memory whose power can be cut: one file, served over FUSE, for a loop device to lie on.
//
//     cutdisk MOUNTPOINT BYTES [IMAGE]     serves MOUNTPOINT/disk, filled from IMAGE
//
// It knows what a flush has made durable and what came after. A line `cut FILE KEEP SEED` on standard input writes the disk as a power cut
// would leave it: all that was flushed, and of every later write, with KEEP of a thousand, the whole or a part of its sectors. It
// answers with one line: writes since the flush, how many of them are in the image, flushes so far.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SECTOR = 512, BLOCK = 4096, MOST = 1 << 20 };
// What a write takes, so that a cut finds some that were not flushed.
enum { WRITE_US = 300 };
struct late { uint64_t at; uint32_t count; unsigned char *bytes; };
static unsigned char *now, *durable, *image;
static uint64_t size, flushes;
static struct late *late;
static size_t late_count, late_room;
static int door;

static void die(const char *what) { perror(what); exit(2); }

static uint64_t mix(uint64_t x) {
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static void wrote(uint64_t at, const unsigned char *bytes, uint32_t count) {
    memcpy(now + at, bytes, count);
    if (late_count == late_room) {
        late_room = late_room ? late_room * 2 : 1024;
        if (!(late = realloc(late, late_room * sizeof *late))) die("realloc");
    }
    struct late *l = &late[late_count++];
    *l = (struct late){at, count, malloc(count)};
    if (!l->bytes) die("malloc");
    memcpy(l->bytes, bytes, count);
}

static void flushed(void) {
    for (size_t i = 0; i < late_count; i++) {
        memcpy(durable + late[i].at, late[i].bytes, late[i].count);
        free(late[i].bytes);
    }
    late_count = 0;
    flushes++;
}

static void cut(const char *path, unsigned keep, uint64_t seed) {
    size_t kept = 0;
    memcpy(image, durable, size);
    for (size_t i = 0; i < late_count; i++) {
        uint64_t r = mix(seed + i);
        if (r % 1000 >= keep) continue;
        kept++;
        uint32_t sectors = late[i].count / SECTOR;
        // One of two is torn: some of its sectors are old. The superblock of ext4, in the first block, is not: it has a checksum and no second
        // copy that a mount would take, so ext4 counts on disks that write it whole.
        if (keep < 1000 && (r >> 32) % 2 == 0 && sectors > 1 && late[i].at >= BLOCK) {
            for (uint32_t s = 0; s < sectors; s++)
                if (mix(r + s) & 1) memcpy(image + late[i].at + s * SECTOR, late[i].bytes + s * SECTOR, SECTOR);
        } else {
            memcpy(image + late[i].at, late[i].bytes, late[i].count);
        }
    }
    int fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0) die(path);
    static const unsigned char nothing[BLOCK];
    for (uint64_t at = 0; at < size; at += BLOCK)
        if (memcmp(image + at, nothing, BLOCK) != 0 && pwrite(fd, image + at, BLOCK, (off_t)at) != BLOCK) die(path);
    close(fd);
    printf("%zu %zu %llu\n", late_count, kept, (unsigned long long)flushes);
    fflush(stdout);
}

static void reply(uint64_t unique, int error, const void *body, size_t count) {
    struct fuse_out_header head = {.len = (uint32_t)(sizeof head + count), .error = -error, .unique = unique};
    struct iovec parts[2] = {{&head, sizeof head}, {(void *)body, count}};
    if (writev(door, parts, count ? 2 : 1) < 0 && errno != ENOENT) die("reply");
}

static struct fuse_attr attributes(uint64_t node) {
    struct fuse_attr a = {.ino = node, .nlink = 1, .mode = node == 1 ? S_IFDIR | 0700 : S_IFREG | 0600, .blksize = BLOCK};
    if (node != 1) { a.size = size; a.blocks = size / SECTOR; }
    return a;
}

static void serve(struct fuse_in_header *in) {
    void *body = in + 1;
    switch (in->opcode) {
    case FUSE_INIT: {
        struct fuse_init_in *asked = body;
        struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_readahead = asked->max_readahead,
                                    .flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES, .max_background = 64, .congestion_threshold = 48,
                                    .max_write = MOST, .time_gran = 1, .max_pages = MOST / BLOCK};
        reply(in->unique, 0, &out, sizeof out);
        return;
    }
    case FUSE_LOOKUP: {
        if (strcmp(body, "disk") != 0) { reply(in->unique, ENOENT, NULL, 0); return; }
        struct fuse_entry_out out = {.nodeid = 2, .attr_valid = 3600, .entry_valid = 3600, .attr = attributes(2)};
        reply(in->unique, 0, &out, sizeof out);
        return;
    }
    case FUSE_GETATTR: case FUSE_SETATTR: {
        struct fuse_attr_out out = {.attr_valid = 3600, .attr = attributes(in->nodeid)};
        reply(in->unique, 0, &out, sizeof out);
        return;
    }
    case FUSE_OPEN: case FUSE_OPENDIR: {
        struct fuse_open_out out = {.fh = in->nodeid, .open_flags = FOPEN_KEEP_CACHE};
        reply(in->unique, 0, &out, sizeof out);
        return;
    }
    case FUSE_READ: {
        struct fuse_read_in *asked = body;
        uint64_t count = asked->offset >= size ? 0 : asked->size;
        if (asked->offset + count > size) count = size - asked->offset;
        reply(in->unique, 0, now + asked->offset, count);
        return;
    }
    case FUSE_WRITE: {
        struct fuse_write_in *asked = body;
        if (asked->offset + asked->size > size) { reply(in->unique, ENOSPC, NULL, 0); return; }
        usleep(WRITE_US);
        wrote(asked->offset, (unsigned char *)(asked + 1), asked->size);
        struct fuse_write_out out = {.size = asked->size};
        reply(in->unique, 0, &out, sizeof out);
        return;
    }
    case FUSE_FSYNC: flushed(); reply(in->unique, 0, NULL, 0); return;
    case FUSE_STATFS: {
        struct fuse_statfs_out out = {.st = {.bsize = BLOCK, .frsize = BLOCK, .blocks = size / BLOCK, .namelen = 255}};
        reply(in->unique, 0, &out, sizeof out);
        return;
    }
    case FUSE_FLUSH: case FUSE_RELEASE: case FUSE_RELEASEDIR: case FUSE_ACCESS: reply(in->unique, 0, NULL, 0); return;
    case FUSE_FORGET: case FUSE_BATCH_FORGET: case FUSE_INTERRUPT: return;
    case FUSE_DESTROY: exit(0);
    default: reply(in->unique, ENOSYS, NULL, 0);
    }
}

int main(int count, char **words) {
    if (count < 3) { fprintf(stderr, "usage: cutdisk MOUNTPOINT BYTES [IMAGE]\n"); return 2; }
    size = strtoull(words[2], NULL, 10) / BLOCK * BLOCK;
    now = calloc(1, size);
    durable = malloc(size);
    image = malloc(size);
    unsigned char *request = malloc(MOST + 65536);
    if (!now || !durable || !image || !request) die("malloc");
    if (count > 3) {
        int fd = open(words[3], O_RDONLY);
        uint64_t at = 0;
        for (ssize_t n; fd >= 0 && at < size && (n = read(fd, now + at, size - at)) > 0;) at += (uint64_t)n;
        if (fd < 0) die(words[3]);
        close(fd);
    }
    memcpy(durable, now, size);
    if ((door = open("/dev/fuse", O_RDWR | O_CLOEXEC)) < 0) die("/dev/fuse");
    char options[128];
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", door);
    if (mount("cutdisk", words[1], "fuse", MS_NOSUID | MS_NODEV, options) != 0) die("mount");
    struct pollfd both[2] = {{.fd = door, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    char line[512];
    size_t used = 0;
    for (;;) {
        if (poll(both, 2, -1) < 0 && errno != EINTR) die("poll");
        if (both[0].revents) {
            ssize_t n = read(door, request, MOST + 65536);
            if (n > 0) serve((struct fuse_in_header *)request);
            else if (errno == ENODEV) return 0;  // unmounted
            else if (errno != EINTR && errno != ENOENT && errno != EAGAIN) die("read");
        }
        if (both[1].revents) {
            ssize_t n = read(0, line + used, sizeof line - 1 - used);
            if (n <= 0) { both[1].fd = -1; continue; }
            used += (size_t)n;
            line[used] = 0;
            char path[400];
            unsigned keep;
            unsigned long long seed;
            if (!strchr(line, '\n')) continue;
            if (sscanf(line, "cut %399s %u %llu", path, &keep, &seed) == 3) cut(path, keep, seed);
            used = 0;
        }
    }
}
