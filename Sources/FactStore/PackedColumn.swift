// SPDX-License-Identifier: Apache-2.0

/// One column of a chunk: whole numbers, each in the same number of bytes, as the distance from the lowest.
///
/// A number is stored as its distance from `low` plus 1, little-endian, in `width` bytes; 0 is NULL. Width 0 says that all are NULL
/// (`low > high`) or all are `low`. Seven zero bytes follow the last number, so that a reader may load eight bytes at once.
struct PackedColumn: Equatable {
    /// The lowest number; above `high` where all are NULL.
    let low: Int64
    /// The highest number.
    let high: Int64
    /// Bytes of one number, 0 to 8.
    let width: Int
    /// The numbers.
    let bytes: [UInt8]

    /// What stands for NULL among unpacked numbers.
    static let null = Int64.min
    /// Bytes behind the last number.
    static let slack = 7

    /// Whether a number, or NULL, can be in a column.
    static func isPackable(_ value: Int64) -> Bool { value.magnitude <= 1 << 62 || value == null }

    /// Packs numbers, all of them packable; `null` is NULL.
    init(_ values: [Int64]) {
        var low = Int64.max
        var high = Int64.min
        var hasNull = false
        for value in values {
            guard value != PackedColumn.null else {
                hasNull = true
                continue
            }
            low = min(low, value)
            high = max(high, value)
        }
        self.low = low
        self.high = high
        guard low < high || (low == high && hasNull) else {
            width = 0
            bytes = []
            return
        }
        let largest = UInt64(bitPattern: high &- low) + 1
        width = (UInt64.bitWidth - largest.leadingZeroBitCount + 7) / 8
        let (size, room) = (width, values.count * width + PackedColumn.slack)
        bytes = unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            guard let base = UnsafeMutableRawPointer(buffer.baseAddress) else { return }
            // Eight bytes are stored for each, of which those behind its width are overwritten by the next, the last ones by the slack.
            for (i, value) in values.enumerated() {
                let left = value == PackedColumn.null ? 0 : UInt64(bitPattern: value &- low) + 1
                unsafe base.storeBytes(of: left.littleEndian, toByteOffset: i &* size, as: UInt64.self)
            }
            unsafe (base + values.count * size).initializeMemory(as: UInt8.self, repeating: 0, count: PackedColumn.slack)
            count = room
        }
    }

    /// Unpacks numbers.
    ///
    /// - Parameters:
    ///   - raw: the packed bytes.
    ///   - low: the lowest number.
    ///   - high: the highest number.
    ///   - width: bytes of one number.
    ///   - target: filled to its end; NULL is `null`.
    /// - Returns: false where the bytes are too few or the width is none; nothing is written then.
    static func unpack(
        _ raw: UnsafeRawBufferPointer, low: Int64, high: Int64, width: Int, into target: UnsafeMutableBufferPointer<Int64>
    ) -> Bool {
        let count = target.count
        guard width > 0 else {
            unsafe target.update(repeating: low > high ? null : low)
            return width == 0
        }
        guard width <= 8, raw.count >= count * width + slack, let base = raw.baseAddress else { return false }
        let mask = width == 8 ? UInt64.max : (1 << UInt64(width * 8)) - 1
        let before = low &- 1
        switch width {
        case 1: unsafe widen(base, UInt8.self, before, into: target)
        case 2: unsafe widen(base, UInt16.self, before, into: target)
        case 4: unsafe widen(base, UInt32.self, before, into: target)
        default:
            var place = 0
            for i in 0..<count {
                let value = unsafe UInt64(littleEndian: base.loadUnaligned(fromByteOffset: place, as: UInt64.self)) & mask
                unsafe target[i] = value == 0 ? null : before &+ Int64(bitPattern: value)
                place &+= width
            }
        }
        return true
    }

    /// One number; nil where the bytes are too few or the width is none.
    static func value(_ place: Int, of bytes: [UInt8], low: Int64, high: Int64, width: Int) -> Int64? {
        guard width > 0 else { return width == 0 ? (low > high ? null : low) : nil }
        guard width <= 8, bytes.count >= (place + 1) * width + slack else { return nil }
        let stored = unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: place * width, as: UInt64.self) }
        let value = UInt64(littleEndian: stored) & (width == 8 ? UInt64.max : (1 << UInt64(width * 8)) - 1)
        return value == 0 ? null : (low &- 1) &+ Int64(bitPattern: value)
    }

    /// The same for widths that are those of an integer, many at a time.
    @inline(__always)
    private static func widen<Stored: FixedWidthInteger & UnsignedInteger>(
        _ base: UnsafeRawPointer, _ type: Stored.Type, _ before: Int64, into target: UnsafeMutableBufferPointer<Int64>
    ) {
        for i in 0..<target.count {
            let stored = unsafe base.loadUnaligned(fromByteOffset: i &* MemoryLayout<Stored>.size, as: type)
            let value = Int64(truncatingIfNeeded: Stored(littleEndian: stored))
            unsafe target[i] = value == 0 ? null : before &+ value
        }
    }
}
