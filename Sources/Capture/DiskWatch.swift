// SPDX-License-Identifier: Apache-2.0
import Logging
import Platform

/// Watches the disk that holds the segments.
///
/// Below a limit bodies are left out; on a full disk the ballast is given up, so that facts and gaps are still written. Both end by
/// themselves once there is room.
///
/// World: thread; looks once a second. A disk that cannot be asked changes nothing.
struct DiskWatch {
    /// Bodies are left out.
    private(set) var isLow = false
    /// As of the latest look; nil where it cannot be told.
    private(set) var freeBytes: Int64?
    private let files: any FileSystem
    private let directory: String
    private let leastFree: Int64
    private let ballastBytes: Int64
    private let logger: Logger
    private var hasBallast = false
    private var isFull = false

    static let ballastName = "ballast"
    /// Free bytes after which a full disk is not full any more.
    private static let leastRoom: Int64 = 1 << 20

    init(files: any FileSystem, directory: String, limits: CaptureLimits, logger: Logger) {
        self.files = files
        self.directory = directory
        leastFree = max(0, limits.minFreeBytes)
        ballastBytes = max(0, limits.ballastBytes)
        self.logger = logger
    }

    private var ballastPath: String { PathText.join(directory, DiskWatch.ballastName) }
    /// Bytes of the ballast that is there.
    var heldBallast: Int64 { hasBallast ? ballastBytes : 0 }

    /// Looks at the disk.
    mutating func look() {
        do throws(PlatformError) { freeBytes = try files.freeBytes(at: directory) } catch {
            freeBytes = nil
            return
        }
        guard let free = freeBytes else { return }
        // A little more than the limit ends it, so that it does not flutter; what the ballast takes has to be there as well.
        let isShort = free < leastFree
        let margin = max(leastFree / 8 + (hasBallast ? 0 : ballastBytes), isFull ? DiskWatch.leastRoom : 0)
        let isRoomy = free >= leastFree + margin
        if isFull ? isRoomy : !isLow || isRoomy {
            isFull = false
            enter(isShort, free)
        }
        if !isLow { takeBallast(free) }
    }

    /// A write met a full disk.
    mutating func diskIsFull() {
        guard !isFull else { return }
        isFull = true
        giveBallastUp()
        enter(true, freeBytes ?? 0)
    }

    private mutating func enter(_ low: Bool, _ free: Int64) {
        guard low != isLow else { return }
        isLow = low
        let metadata: Logger.Metadata = ["free_bytes": "\(free)", "limit_bytes": "\(leastFree)"]
        if low {
            logger.error("too little space on the disk of the segments; bodies are left out", metadata: metadata)
        } else {
            logger.notice("space on the disk of the segments again; bodies are recorded", metadata: metadata)
        }
    }

    /// Takes blocks that a full disk can be given back; made by writing, for a hole would take none.
    private mutating func takeBallast(_ free: Int64) {
        guard ballastBytes > 0, !hasBallast else { return }
        do throws(PlatformError) {
            if let status = try files.status(of: ballastPath) {
                if status.size == ballastBytes { return hasBallast = true }
                try files.unlink(ballastPath)
            }
            guard free >= leastFree + ballastBytes else { return }
            let file = try files.open(ballastPath, .createNew)
            defer { file.close() }
            try file.append([UInt8](repeating: 0x5A, count: Int(clamping: ballastBytes)))
            hasBallast = true
        } catch {
            logger.debug("no ballast yet", metadata: ["error": "\(error)"])
            removeBallast()
        }
    }

    private mutating func giveBallastUp() {
        guard ballastBytes > 0 else { return }
        hasBallast = false
        removeBallast()
    }

    private func removeBallast() {
        do throws(PlatformError) {
            if try files.status(of: ballastPath) != nil { try files.unlink(ballastPath) }
        } catch {
            logger.debug("the ballast cannot be removed", metadata: ["error": "\(error)"])
        }
    }
}
