// SPDX-License-Identifier: Apache-2.0
// CRC-32C by the instructions of x86-64 (SSE 4.2), which Swift has no name for; all other processors have none here.
#ifndef WEIR_CCHECKSUM_SHIM_H
#define WEIR_CCHECKSUM_SHIM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

// Whether the processor has the instructions (SSE 4.2).
static inline int weir_has_crc32c(void) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2) != 0;
}

// Continues a CRC-32C (not inverted) over bytes; only where weir_has_crc32c() says so.
__attribute__((target("sse4.2"))) static inline uint32_t weir_crc32c(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *at = (const uint8_t *)bytes;
    uint64_t wide = crc;
    for (; count >= 8; at += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; count > 0; at += 1, count -= 1) crc = __builtin_ia32_crc32qi(crc, *at);
    return crc;
}

#else

static inline int weir_has_crc32c(void) { return 0; }
static inline uint32_t weir_crc32c(uint32_t crc, const void *bytes, size_t count) {
    (void)bytes;
    (void)count;
    return crc;
}

#endif
#endif
