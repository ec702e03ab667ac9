// SPDX-License-Identifier: Apache-2.0

/// One coding being undone; owned by one thread.
protocol DecodingStage: AnyObject {
    /// The coding's name.
    var coding: String { get }
    /// Whether the input so far is one or more whole streams.
    var isAtEnd: Bool { get }
    /// Decodes more input; all output the input allows is appended, up to `limit` bytes in `output`.
    ///
    /// - Returns: nil while all is well; after a code the stage is not fed again.
    func feed(_ input: ArraySlice<UInt8>, into output: inout [UInt8], limit: Int) -> ContentCodingError.Code?
}

extension DecodingStage {
    /// Appends the first `count` bytes of a scratch buffer, or what the limit leaves room for.
    ///
    /// - Returns: whether all fit.
    func take(_ count: Int, of scratch: [UInt8], into output: inout [UInt8], limit: Int) -> Bool {
        let room = max(0, limit - output.count)
        output.append(contentsOf: scratch[0..<min(count, room)])
        return count <= room
    }
}
