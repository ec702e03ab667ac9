// SPDX-License-Identifier: Apache-2.0

/// The constants of `notebooks-docs/formats/arena.md`, version 2.
enum ArenaFormat {
    /// `WEIRARNA`, little-endian.
    static let magic: UInt64 = 0x414E_5241_5249_4557
    static let version: UInt32 = 2
    /// The version before, whose entries bear no check value.
    static let version1: UInt32 = 1
    /// Bytes of a page, its header included; also of the file's header.
    static let pageBytes = 4_096
    /// Bytes of a page's header: next, owner, used, tag.
    static let pageHeaderBytes = 16
    /// Bytes of an entry's header: length, kind, check value, time.
    static let entryHeaderBytes = 16
    /// Bytes of a slot.
    static let slotBytes = 128
    /// An entry of less than this is not begun at the end of a page where more is to come.
    static let smallestFragment = 32
    /// Longest node name kept, bytes.
    static let nodeBytes = 200
    /// Longest text that names a run of the machine, bytes.
    static let bootIDBytes = 36
    /// Bytes of the header that its checksum covers.
    static let checkedBytes = 512
    /// Extension of an arena, and of one that is being made.
    static let fileExtension = ".arena"
    static let newExtension = ".new"
    /// Folder for arenas that cannot be read.
    static let damagedFolder = "damaged"

    /// Offsets within the file's header.
    enum Header {
        static let magic = 0
        static let version = 8
        static let pageBytes = 12
        static let slotCount = 16
        static let pageCount = 20
        static let epoch = 24
        static let loop = 32
        static let nodeLength = 36
        static let createdAtUs = 40
        static let node = 64
        static let bootID = 264
        static let checksum = 512
    }

    /// Offsets within a slot.
    enum Slot {
        static let state = 0
        static let firstPage = 4
        static let idHigh = 8
        static let idLow = 16
        static let startedAtUs = 24
        static let check = 32
        static let recordEpoch = 40
        static let recordNumber = 48
        static let spilled = 56
        static let committedUs = 64
    }

    /// What a slot is doing.
    enum SlotState {
        static let free: UInt32 = 0
        static let open: UInt32 = 1
        static let committed: UInt32 = 2
    }

    /// What an entry holds.
    enum Kind {
        static let requestHead: UInt8 = 1
        static let requestBody: UInt8 = 2
        static let responseHead: UInt8 = 3
        static let responseBody: UInt8 = 4
        static let facts: UInt8 = 5
    }

    /// In the byte of an entry's kind: it goes on with what the one before it of its kind began.
    static let continuedBit: UInt8 = 0x80
    /// The bits of an entry's first four bytes that are its length.
    static let entryLengthMask: UInt32 = 0xFF_FFFF

    /// What the pages of an exchange bear, by the low word of its id: never 0.
    static func tag(low: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: low) | 1 }

    /// A slot's check value: tells a slot that was being written, or rotted, from a sound one.
    static func check(high: UInt64, low: UInt64, startedAtUs: Int64, firstPage: UInt32, slot: UInt32) -> UInt64 {
        var mixed = high ^ (low &* 0x9E37_79B9_7F4A_7C15)
        mixed = (mixed ^ (mixed >> 29)) &+ UInt64(bitPattern: startedAtUs)
        mixed = (mixed &* 0xBF58_476D_1CE4_E5B9) ^ (UInt64(firstPage) << 32 | UInt64(slot))
        return (mixed ^ (mixed >> 31)) | 1
    }

    /// The counters of the header, each on its own word; the loop's and the thread's on lines of their own.
    enum Counter: Int, CaseIterable {
        case admitted = 1_024
        case committed = 1_032
        case droppedFull = 1_048
        case droppedStopped = 1_056
        case payloadBytes = 1_064
        case pagesInUse = 1_072
        case slotsTaken = 1_080
        case slotsAbandoned = 1_088
        case committedPages = 1_104
        case committedSpillBytes = 1_112
        case written = 2_048
        case droppedRefused = 2_056
        case failed = 2_064
        case slotsReturned = 2_072
        case waitingSinceUs = 2_080
        case reducedByLimit = 2_088
        case policyOff = 2_096
        case policyMetadata = 2_104
        case sampledOff = 2_112
        case sampledMetadata = 2_120
        case reducedCut = 2_128
        case reducedToMetadata = 2_136
        case reducedForDisk = 2_144
        case takenPages = 2_152
        case takenSpillBytes = 2_160
        case reducedForRoom = 2_168
        case releasedEarly = 2_176
    }

    /// Where the losses of one kind are noted: three blocks of words.
    enum Loss: Int, CaseIterable {
        /// The loop's notes.
        case full = 1_280
        case stopped = 1_408
        /// The thread's.
        case refused = 2_304
        /// No losses yet: exchanges whose slots were given back while their records wait in memory. What is written of them is
        /// covered; the rest is lost with the process.
        case early = 2_688

        /// The counter of these losses.
        var counter: Counter {
            switch self {
            case .full: .droppedFull
            case .stopped: .droppedStopped
            case .refused: .droppedRefused
            case .early: .releasedEarly
            }
        }

        /// Where the thread notes which of them gaps cover.
        var coverage: Int {
            switch self {
            case .full: 2_432
            case .stopped: 2_496
            case .refused: 2_560
            case .early: 2_816
            }
        }
    }
}
