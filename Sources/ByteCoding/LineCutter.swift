// SPDX-License-Identifier: Apache-2.0

/// One line as a `LineCutter` gives it.
package struct CutLine {
    /// Its bytes, without the line feed.
    package let bytes: ArraySlice<UInt8>
    /// Its number, from 1; empty lines count.
    package let number: Int64
    /// Where it begins, bytes from the beginning.
    package let offset: Int64
}

/// A line that is longer than may be.
package struct LineTooLong: Error, Equatable, Sendable {
    /// Its number, from 1.
    package let number: Int64
    /// The most bytes that a line may have.
    package let limit: Int

    /// A line that is too long.
    package init(number: Int64, limit: Int) {
        self.number = number
        self.limit = limit
    }
}

/// Cuts bytes into lines as they come, and holds no more than one line that is not whole yet.
///
/// Owned by one thread. A line that lies in one piece is not copied.
package struct LineCutter {
    private let limit: Int
    private var held: [UInt8] = []
    private var number: Int64 = 0
    private var offset: Int64 = 0

    /// A cutter at the beginning.
    ///
    /// - Parameter lineBytes: the most bytes that a line may have.
    package init(lineBytes: Int) { limit = lineBytes }

    /// Gives the lines that end in some bytes.
    ///
    /// - Parameters:
    ///   - bytes: what comes next.
    ///   - take: takes one line.
    /// - Throws: `LineTooLong`, or what `take` throws.
    package mutating func add(_ bytes: [UInt8], _ take: (CutLine) throws -> Void) throws {
        var start = bytes.startIndex
        while let end = bytes[start...].firstIndex(of: 0x0A) {
            try give(bytes[start..<end], take)
            start = end + 1
        }
        try checkLength(bytes.count - start)
        held += bytes[start...]
    }

    /// Gives what stands behind the last line feed, if anything does.
    ///
    /// - Parameter take: takes the line.
    /// - Throws: what `take` throws.
    package mutating func finish(_ take: (CutLine) throws -> Void) throws {
        if !held.isEmpty { try give([], take) }
    }

    private mutating func give(_ rest: ArraySlice<UInt8>, _ take: (CutLine) throws -> Void) throws {
        try checkLength(rest.count)
        let whole = held.isEmpty ? rest : (held + rest)[...]
        held = []
        number += 1
        let line = CutLine(bytes: whole, number: number, offset: offset)
        offset += Int64(whole.count) + 1
        try take(line)
    }

    private func checkLength(_ more: Int) throws {
        guard held.count + more <= limit else { throw LineTooLong(number: number + 1, limit: limit) }
    }
}
