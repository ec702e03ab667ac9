// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Puts a batch together: its header, and behind it the frame as it is, encrypted, or what stands in its place.
struct BatchFraming {
    /// The key to encrypt with; nil: batches are plain.
    let key: SegmentKey?

    /// A batch of records.
    ///
    /// - Parameters:
    ///   - header: its fields but the compressed length, the checksum, the kind and the key.
    ///   - frame: the zstd frame of the records.
    /// - Returns: the bytes of the batch, an array as long as it must be, for it may be kept a while.
    /// - Throws: `SegmentError` of code `encryptionFailed`.
    func batch(_ header: SegmentBatchHeader, frame: ByteRun) throws(SegmentError) -> [UInt8] {
        var header = header
        guard let key else {
            header.compressedLength = UInt32(frame.count)
            header.frameChecksum = CRC32C.checksum(frame)
            var bytes: [UInt8] = []
            bytes.reserveCapacity(SegmentFormat.headerBytes + frame.count)
            bytes.append(contentsOf: header.encoded())
            unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: frame.base, count: frame.count))
            return bytes
        }
        header.kind = .encrypted
        header.keyID = key.id
        header.compressedLength = UInt32(SegmentFormat.payloadHeaderBytes + SegmentKey.overhead + frame.count)
        let sealed = try key.seal(frame, authenticating: header.authenticated)
        return BatchFraming.behind(header, payload: sealed)
    }

    /// A batch that says what is missing.
    static func batch(of gap: SegmentGap, _ header: SegmentBatchHeader) throws(SegmentError) -> [UInt8] {
        let payload = gap.encoded()
        guard payload.count <= SegmentFormat.gapBytesLimit else {
            throw SegmentError(.recordTooLarge, "A gap of \(payload.count) bytes is over the limit.")
        }
        var header = header
        header.kind = .gap
        header.recordCount = 0
        header.minStartedAtUs = gap.firstAtUs
        header.maxStartedAtUs = gap.lastAtUs
        header.rawLength = UInt32(payload.count)
        header.compressedLength = UInt32(SegmentFormat.payloadHeaderBytes + payload.count)
        return behind(header, payload: payload)
    }

    private static func behind(_ header: SegmentBatchHeader, payload: [UInt8]) -> [UInt8] {
        var frame: [UInt8] = []
        frame.reserveCapacity(SegmentFormat.payloadHeaderBytes + payload.count)
        FixedInts.append(SegmentFormat.payloadMagic, to: &frame)
        FixedInts.append(UInt32(payload.count), to: &frame)
        frame.append(contentsOf: payload)
        var header = header
        header.frameChecksum = CRC32C.checksum(frame[...])
        return header.encoded() + frame
    }

    /// What lies in a skippable frame that fills `frame`, or nil where it is none.
    static func payload(of frame: [UInt8]) -> ArraySlice<UInt8>? {
        guard FixedInts.read(UInt32.self, from: frame, at: 0) == SegmentFormat.payloadMagic,
            let length = FixedInts.read(UInt32.self, from: frame, at: 4),
            Int(length) == frame.count - SegmentFormat.payloadHeaderBytes
        else { return nil }
        return frame[SegmentFormat.payloadHeaderBytes...]
    }
}

extension SegmentBatchHeader {
    /// The bytes that an encrypted frame vouches for: all but the two checksums.
    var authenticated: [UInt8] { Array(encoded().prefix(SegmentFormat.authenticatedBytes)) }
}
