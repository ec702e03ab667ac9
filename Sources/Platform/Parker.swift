// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A place for one thread to sleep until another wakes it; a wake-up before the sleep is not lost.
///
/// Unchecked: mutex and condition live at stable addresses for the object's life, and the token is touched only under the mutex.
@safe package final class Parker: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var isWoken = false

    /// Nobody sleeps here yet.
    package init() {
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe condition.initialize(to: pthread_cond_t())
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    /// Ends the sleep, or the next one before it begins.
    package func wake() {
        unsafe pthread_mutex_lock(mutex)
        isWoken = true
        unsafe pthread_cond_signal(condition)
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Sleeps until woken or until the time is over.
    ///
    /// - Returns: whether it was woken.
    @discardableResult
    package func park(maxUs: Int64) -> Bool {
        let us = min(max(0, maxUs), PlatformLimits.longestParkUs)
        let until = SystemClock().monotonicUs + us
        var deadline = timespec(tv_sec: Int(until / 1_000_000), tv_nsec: Int(until % 1_000_000) * 1_000)
        unsafe pthread_mutex_lock(mutex)
        while !isWoken {
            if unsafe pthread_cond_timedwait(condition, mutex, &deadline) != 0 { break }
        }
        defer {
            isWoken = false
            unsafe pthread_mutex_unlock(mutex)
        }
        return isWoken
    }
}
