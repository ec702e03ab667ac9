// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// The key of a row: when the exchange began, and what of its id does not follow from that.
struct FactKey: Hashable {
    /// `started_at_us` less `SchemaTwo.epochUs`.
    let start: Int64
    /// The last ten bytes of the id where the first six are the milliseconds of the start, else all sixteen.
    let tail: [UInt8]

    /// Bytes of a tail of an id that follows from the start.
    static let shortCount = 10

    /// A key as it stands in a row; nil where it is none.
    init?(start: SQLValue, tail: SQLValue) {
        guard let start = start.integer, case .blob(let bytes) = tail, bytes.count == FactKey.shortCount || bytes.count == 16
        else {
            return nil
        }
        self.start = start
        self.tail = bytes
    }

    /// The key of an exchange.
    init(_ id: ExchangeID, startedAtUs: Int64) {
        start = startedAtUs &- SchemaTwo.epochUs
        let isShort = startedAtUs >= 0 && UInt64(startedAtUs) / 1_000 == id.high >> 16
        tail = Array(FactKey.bytes(of: id).suffix(isShort ? FactKey.shortCount : 16))
    }

    /// Since the Unix epoch.
    var startedAtUs: Int64 { start &+ SchemaTwo.epochUs }

    /// The exchange.
    var id: ExchangeID {
        guard tail.count == FactKey.shortCount else { return FactKey.id(tail) }
        let milliseconds = UInt64(clamping: startedAtUs) / 1_000
        let prefix = stride(from: UInt64(40), through: 0, by: -8).map { UInt8(truncatingIfNeeded: milliseconds >> $0) }
        return FactKey.id(prefix + tail)
    }

    /// The id of sixteen bytes, most significant first.
    static func id(_ bytes: [UInt8]) -> ExchangeID {
        func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        return ExchangeID(high: number(bytes.prefix(8)), low: number(bytes.dropFirst(8)))
    }

    /// `start` of a time, microseconds since the Unix epoch; the least there is where it lies before all that can be told.
    static func start(at us: Int64) -> Int64 {
        let (start, isOver) = us.subtractingReportingOverflow(SchemaTwo.epochUs)
        return isOver ? Int64.min : start
    }

    /// The starts that an exchange with a short key may have.
    static func starts(of id: ExchangeID) -> ClosedRange<Int64> {
        let first = Int64(id.high >> 16) &* 1_000 &- SchemaTwo.epochUs
        return first...(first + 999)
    }

    /// The sixteen bytes of an id, most significant first.
    static func bytes(of id: ExchangeID) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        for word in [id.high, id.low] {
            for shift in stride(from: UInt64(56), through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return bytes
    }
}
