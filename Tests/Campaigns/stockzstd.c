// SPDX-License-Identifier: Apache-2.0
// Stock zstd on record lines: what Weir's log is held against. One JSON object; speeds are MB of lines a second of processor time, the
// best of ROUNDS.
//
//     stockzstd FILE [KEYS] ROUNDS
//
// KEYS: the conversation of each line; the last figure is over the lines sorted by it, in one frame of level 3 with a window of 128 MiB
// and long distance matching, as `zstd -3 --long=27` makes it.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

static double cpu(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) { perror(path); exit(2); }
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    if (!bytes || fread(bytes, 1, *size, file) != *size) { perror(path); exit(2); }
    bytes[*size] = 0;
    fclose(file);
    return bytes;
}

struct line { const char *bytes, *key; size_t count, key_count, number; };

static int by_key(const void *a, const void *b) {
    const struct line *x = a, *y = b;
    size_t least = x->key_count < y->key_count ? x->key_count : y->key_count;
    int order = memcmp(x->key, y->key, least);
    if (order) return order;
    if (x->key_count != y->key_count) return x->key_count < y->key_count ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

struct result { double ratio, speed; };

static struct result frames(ZSTD_CCtx *context, const char *bytes, size_t size, size_t most, struct line *lines, size_t count, int rounds) {
    size_t room = ZSTD_compressBound(most ? most : size), sum = 0;
    char *out = malloc(room);
    double best = 1e9;
    for (int round = 0; round < rounds; round++) {
        sum = 0;
        double began = cpu();
        if (lines) {
            for (size_t i = 0; i < count; i++) sum += ZSTD_compress2(context, out, room, lines[i].bytes, lines[i].count);
        } else {
            size_t step = most ? most : size;
            for (size_t at = 0; at < size; at += step) sum += ZSTD_compress2(context, out, room, bytes + at, size - at < step ? size - at : step);
        }
        double took = cpu() - began;
        if (took < best) best = took;
    }
    free(out);
    return (struct result){(double)size / (double)sum, (double)size / best / 1e6};
}

int main(int argc, char **argv) {
    if (argc < 3) { fprintf(stderr, "usage: stockzstd FILE [KEYS] ROUNDS\n"); return 2; }
    int rounds = atoi(argv[argc - 1]);
    size_t size, key_size = 0, count = 0;
    char *bytes = read_file(argv[1], &size), *keys = argc > 3 ? read_file(argv[2], &key_size) : NULL;
    for (size_t i = 0; i < size; i++) count += bytes[i] == '\n';
    struct line *lines = calloc(count + 1, sizeof *lines);
    const char *at = bytes, *key = keys;
    for (size_t i = 0; i < count; i++) {
        const char *end = strchr(at, '\n');
        lines[i] = (struct line){.bytes = at, .count = (size_t)(end + 1 - at), .number = i, .key = "", .key_count = 0};
        at = end + 1;
        if (key && *key) {
            const char *over = strchr(key, '\n');
            lines[i].key = key;
            lines[i].key_count = (size_t)(over - key);
            key = over + 1;
        }
    }
    size_t longest = 0;
    for (size_t i = 0; i < count; i++) if (lines[i].count > longest) longest = lines[i].count;
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    struct result each = frames(context, bytes, size, longest, lines, count, 1), mib = frames(context, bytes, size, 1 << 20, NULL, 0, rounds);
    ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters);
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 3);
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 27);
    ZSTD_CCtx_setParameter(context, ZSTD_c_enableLongDistanceMatching, 1);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    if (keys) qsort(lines, count, sizeof *lines, by_key);
    char *sorted = malloc(size);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) { memcpy(sorted + used, lines[i].bytes, lines[i].count); used += lines[i].count; }
    struct result unsorted = {0, 0}, together = frames(context, sorted, size, 0, NULL, 0, rounds);
    if (keys) unsorted = frames(context, bytes, size, 0, NULL, 0, 1);
    printf("{\"records\":%zu,\"bytes\":%zu,\"zstd\":\"%s\",\"record_ratio\":%.3f,\"record_mb_s\":%.1f,\"mib_ratio\":%.3f,\"mib_mb_s\":%.1f,"
           "\"long_ratio\":%.3f,\"long_mb_s\":%.1f,\"long_unsorted_ratio\":%.3f}\n",
           count, size, ZSTD_versionString(), each.ratio, each.speed, mib.ratio, mib.speed, together.ratio, together.speed, unsorted.ratio);
    return 0;
}
