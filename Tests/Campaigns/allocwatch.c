// SPDX-License-Identifier: Apache-2.0
// What a piece of code takes from malloc at its peak, for the fuzz campaign: preloaded, and asked by the tests through two functions.
//
//     gcc -O2 -shared -fPIC -o allocwatch allocwatch.c;  LD_PRELOAD=$PWD/allocwatch TESTS
//
// Counts the calling thread alone: bytes as malloc rounds them, less what the same thread frees.
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static __thread long held __attribute__((tls_model("initial-exec"))), peak __attribute__((tls_model("initial-exec")));

static void *took(void *p) {
    if (p && (held += (long)malloc_usable_size(p)) > peak) peak = held;
    return p;
}
static void gave(void *p) {
    if (p) held -= (long)malloc_usable_size(p);
}

// From here on the peak is counted anew.
void weir_allocwatch_begin(void) { held = peak = 0; }
// Bytes at the peak since then.
long weir_allocwatch_peak(void) { return peak; }

void *malloc(size_t n) { return took(__libc_malloc(n)); }
void *calloc(size_t n, size_t size) { return took(__libc_calloc(n, size)); }
void free(void *p) { gave(p); __libc_free(p); }
void *memalign(size_t align, size_t n) { return took(__libc_memalign(align, n)); }
void *aligned_alloc(size_t align, size_t n) { return took(__libc_memalign(align, n)); }
int posix_memalign(void **p, size_t align, size_t n) {
    *p = took(__libc_memalign(align, n));
    return *p || !n ? 0 : ENOMEM;
}
void *realloc(void *p, size_t n) {
    long before = p ? (long)malloc_usable_size(p) : 0;
    void *q = __libc_realloc(p, n);
    // Where it moved, both were there for a moment.
    if (q && q != p) { took(q); held -= before; } else if (q) { held -= before; took(q); } else if (!n) held -= before;
    return q;
}
