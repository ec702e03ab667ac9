// SPDX-License-Identifier: Apache-2.0
// Calls of Linux for which glibc has no function; Swift cannot call the variadic syscall().
#ifndef WEIR_CLINUX_SHIM_H
#define WEIR_CLINUX_SHIM_H

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

// The calling thread's I/O priority: class best effort, level 4, that of a thread with niceness 0 (ioprio_set(2)). 0, or an errno.
static inline int weir_ioprio_best_effort(void) {
    enum { who_process = 1, class_best_effort = 2, class_shift = 13, level = 4 };
    return syscall(SYS_ioprio_set, who_process, 0, class_best_effort << class_shift | level) == 0 ? 0 : errno;
}

// The calling thread's I/O priority as ioprio_get(2) gives it; negative where it does not.
static inline long weir_ioprio(void) {
    enum { who_process = 1 };
    return syscall(SYS_ioprio_get, who_process, 0);
}

#endif
