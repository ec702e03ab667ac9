// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import Platform
import Synchronization
import Testing

@Suite struct ThreadTests {
    @Test func threadRunsItsClosureUnderItsName() throws {
        let seen = Mutex<[UInt8]>([])
        let thread = try OwnedThread(name: "weir-capture-writer") {
            let name = try? PosixFileSystem().open("/proc/thread-self/comm", .read).read(at: 0, count: 64)
            seen.withLock { $0 = name ?? [] }
        }
        thread.join()
        thread.join()
        #expect(seen.withLock { String(decoding: $0, as: UTF8.self) } == "weir-capture-wr\n")
    }

    @Test func givingWayTouchesTheCallingThreadAlone() throws {
        let before = getpriority(CInt(PRIO_PROCESS.rawValue), 0)
        let seen = Mutex<(Bool, Int32)>((false, 0))
        let thread = try OwnedThread(name: "behind") {
            let isDone = OwnedThread.giveWay()
            seen.withLock { $0 = (isDone, getpriority(CInt(PRIO_PROCESS.rawValue), 0)) }
        }
        thread.join()
        #expect(seen.withLock { $0.0 && $0.1 == max(10, before) })
        #expect(getpriority(CInt(PRIO_PROCESS.rawValue), 0) == before)
    }

    /// The policy as the kernel shows it: field 41 of `stat` (proc_pid_stat(5)).
    private static func ownPolicy() -> String? {
        let stat = try? PosixFileSystem().open("/proc/thread-self/stat", .read).read(at: 0, count: 1_024)
        // The name is in brackets and may hold anything; the field after it is the third.
        let fields = String(decoding: stat ?? [], as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
        return fields.count > 38 ? String(fields[38]) : nil
    }

    @Test func anIdleThreadComesBackWhereTheSystemSaysSo() throws {
        let parker = Parker()
        let seen = Mutex<[String?]>([])
        let (asked, told) = (Parker(), Parker())
        let thread = try OwnedThread(name: "idler") {
            for _ in 0..<2 {
                asked.park(maxUs: 60_000_000)
                seen.withLock { $0.append(ThreadTests.ownPolicy()) }
                told.wake()
            }
            parker.park(maxUs: 60_000_000)
        }
        defer { parker.wake() }
        #expect(thread.setPriority(.idle))
        asked.wake()
        told.park(maxUs: 60_000_000)
        let isBack = thread.setPriority(.normal)
        #expect(isBack == (IdleObstacle.ofThisProcess(keepDisk: { true }) == nil))
        asked.wake()
        told.park(maxUs: 60_000_000)
        #expect(seen.withLock { $0 } == ["5", isBack ? "0" : "5"])
        parker.wake()
        thread.join()
        #expect(!thread.setPriority(.normal))
    }

    @Test func anIdleThreadKeepsItsPlaceAtTheDisk() throws {
        let seen = Mutex<[Int]>([])
        let (made, set) = (Parker(), Parker())
        let thread = try OwnedThread(name: "idler") {
            let isKept = OwnedThread.keepDiskPriority()
            made.wake()
            set.park(maxUs: 60_000_000)
            seen.withLock { $0 = [isKept ? 1 : 0, weir_ioprio()] }
        }
        made.park(maxUs: 60_000_000)
        #expect(thread.setPriority(.idle))
        set.wake()
        thread.join()
        // Class 2, best effort, level 4.
        #expect(seen.withLock { $0 } == [1, 2 << 13 | 4])
    }

    @Test func aRefusedDiskPriorityIsAnObstacle() {
        #expect(IdleObstacle.ofThisProcess(keepDisk: { false }) == .diskPriority)
        #expect(IdleObstacle.diskPriority.needs.contains("ioprio_set") && IdleObstacle.noWayBack.needs.contains("LimitNICE"))
        #expect(IdleObstacle.ofThisProcess(keepDisk: { true }) != .diskPriority)
    }

    @Test func aParkSaysWhetherItWasWoken() {
        let parker = Parker()
        #expect(!parker.park(maxUs: 1_000))
        parker.wake()
        #expect(parker.park(maxUs: 60_000_000))
        #expect(!parker.park(maxUs: 1_000))
    }

    private final class Tally {
        var count = 0
    }

    @Test func threadOwnsTheStateItIsGiven() throws {
        let seen = Atomic<Int>(0)
        let tally = Tally()
        tally.count = 40
        let thread = try OwnedThread.start(name: "owner", owning: tally) { owned in
            owned.count += 2
            seen.store(owned.count, ordering: .releasing)
        }
        thread.join()
        #expect(seen.load(ordering: .acquiring) == 42)
    }

    @Test func mailboxKeepsOrderPerSenderAndLosesNothing() throws {
        let box = Mailbox<(sender: Int, number: Int)>(weightLimit: 1_000, countLimit: 100)
        let refused = Atomic<Int>(0)
        let senders = try (0..<4).map { sender in
            try OwnedThread(name: "sender") {
                for number in 0..<5_000 {
                    while !box.offer((sender, number), weight: 10) {
                        refused.add(1, ordering: .relaxed)
                        sched_yield()
                    }
                }
            }
        }
        var next = [0, 0, 0, 0]
        var total = 0
        while total < 20_000 {
            let batch = box.take(maxWaitUs: 5_000_000)
            #expect(!batch.isEmpty && batch.count <= 100)
            if batch.isEmpty { break }
            for message in batch {
                #expect(message.number == next[message.sender])
                next[message.sender] += 1
            }
            total += batch.count
        }
        senders.forEach { $0.join() }
        #expect(next == [5_000, 5_000, 5_000, 5_000])
        #expect(box.heldWeight == 0 && box.heldCount == 0)
    }

    @Test func mailboxRefusesWhatDoesNotFit() {
        let box = Mailbox<Int>(weightLimit: 10, countLimit: 3)
        #expect(!box.offer(0, weight: 11))
        #expect(box.offer(1, weight: 10))
        #expect(!box.offer(2, weight: 1))
        #expect(box.offer(3, weight: 0) && box.offer(4, weight: -5))
        #expect(!box.offer(5, weight: 0))
        #expect(box.take(maxWaitUs: 0) == [1, 3, 4])
        #expect(box.take(maxWaitUs: 0).isEmpty)
        #expect(box.offer(6, weight: Int.min) && !box.offer(7, weight: Int.max))
    }

    @Test func closedMailboxHandsOutTheRestAndRefusesMore() throws {
        let box = Mailbox<Int>(weightLimit: 10, countLimit: 3)
        #expect(box.offer(1, weight: 1))
        box.close()
        #expect(!box.offer(2, weight: 1))
        #expect(box.take(maxWaitUs: 60_000_000) == [1])
        #expect(box.take(maxWaitUs: 60_000_000).isEmpty)
    }

    @Test func closingWakesAWaitingConsumer() throws {
        let box = Mailbox<Int>(weightLimit: 10, countLimit: 3)
        let thread = try OwnedThread(name: "consumer") { _ = box.take(maxWaitUs: 600_000_000) }
        box.close()
        thread.join()
        #expect(box.isClosed)
    }

    @Test func emptyMailboxTimesOut() {
        let box = Mailbox<Int>(weightLimit: 10, countLimit: 3)
        let clock = SystemClock()
        let start = clock.monotonicUs
        #expect(box.take(maxWaitUs: 2_000).isEmpty)
        #expect(clock.monotonicUs - start >= 2_000)
    }

    @Test func lockExcludesUntilReleasedOrDropped() throws {
        let path = "\(P_tmpdir)/weir-lock-\(SystemRandom.bits128().low)"
        defer { unlink(path) }
        let first = FileLock(path: path)
        let second = FileLock(path: path)
        #expect(try first.tryAcquire() && first.tryAcquire())
        #expect(try !second.tryAcquire())
        let clock = ManualClock()
        #expect(try !second.acquire(timeoutUs: 500_000, clock: clock))
        #expect(clock.monotonicUs == 500_000)
        first.release()
        #expect(try second.acquire(timeoutUs: 0, clock: clock))
        #expect(second.isHeld && !first.isHeld)
        do {
            second.release()
            let third = FileLock(path: path)
            #expect(try third.tryAcquire())
        }
        #expect(try first.tryAcquire())
    }

    @Test func lockOnAnImpossiblePathIsAnError() {
        #expect(throws: PlatformError.self) { _ = try FileLock(path: "/nonexistent/lock").tryAcquire() }
    }

    @Test func deathOfAProcessFreesItsLock() throws {
        let path = "\(P_tmpdir)/weir-lock-\(SystemRandom.bits128().low)"
        defer { unlink(path) }
        let script = "exec 9>\(path); flock -n 9 && echo $$; exec sleep 1000"
        let pipe = try #require(popen(script, "r"))
        var line = [CChar](repeating: 0, count: 32)
        _ = fgets(&line, 32, pipe)
        let pid = atoi(line)
        try #require(pid > 1)
        let lock = FileLock(path: path)
        #expect(try !lock.tryAcquire())
        kill(pid, SIGKILL)
        pclose(pipe)
        #expect(try lock.acquire(timeoutUs: 5_000_000))
    }

    @Test func clocksAdvance() {
        let system: any Platform.Clock = SystemClock()
        #expect(system.wallUs > 1_700_000_000_000_000)
        let before = system.monotonicUs
        system.sleep(us: 1_000)
        #expect(system.monotonicUs - before >= 1_000)
        let manual = ManualClock(wallUs: 5)
        manual.advance(us: 7)
        manual.jumpWall(byUs: -10)
        #expect(manual.wallUs == 2 && manual.monotonicUs == 7)
    }

    @Test func hostHasANameAndRandomnessDiffers() {
        #expect(!Host.hostName().isEmpty && Host.processID == getpid())
        let (first, second) = (SystemRandom.bits128(), SystemRandom.bits128())
        #expect(first != second)
        #expect(SystemRandom.bytes(33).count == 33 && SystemRandom.bytes(-1).isEmpty)
    }
}
