// SPDX-License-Identifier: Apache-2.0

/// Writes frames of `application/vnd.amazon.eventstream`: prelude, its CRC, headers, payload, CRC of all before.
///
/// Integers are big-endian; the checksum is CRC-32 of IEEE 802.3; headers are strings (type 7).
enum EventStreamFrame {
    /// A frame of a normal event with a JSON payload.
    static func event(_ type: String, payload: [UInt8]) -> [UInt8] {
        encode([(":event-type", type), (":content-type", "application/json"), (":message-type", "event")], payload)
    }

    /// A frame that says that the stream has failed.
    static func exception(_ type: String, payload: [UInt8]) -> [UInt8] {
        encode([(":exception-type", type), (":content-type", "application/json"), (":message-type", "exception")], payload)
    }

    static func encode(_ headers: [(name: String, value: String)], _ payload: [UInt8]) -> [UInt8] {
        var block: [UInt8] = []
        for header in headers {
            let name = Array(header.name.utf8.prefix(255))
            let value = Array(header.value.utf8.prefix(Int(Int16.max)))
            block.append(UInt8(truncatingIfNeeded: name.count))
            block += name
            block.append(7)
            block += [UInt8(truncatingIfNeeded: value.count >> 8), UInt8(truncatingIfNeeded: value.count)]
            block += value
        }
        var frame = bigEndian(UInt32(truncatingIfNeeded: 16 + block.count + payload.count))
        frame += bigEndian(UInt32(truncatingIfNeeded: block.count))
        frame += bigEndian(CRC32.checksum(frame))
        frame += block
        frame += payload
        return frame + bigEndian(CRC32.checksum(frame))
    }

    private static func bigEndian(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }
}

/// CRC-32 of IEEE 802.3, as zlib and AWS event streams use it.
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? (value >> 1) ^ 0xEDB8_8320 : value >> 1 }
    }

    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { crc, byte in (crc >> 8) ^ table[Int((crc ^ UInt32(byte)) & 0xFF)] }
    }
}
