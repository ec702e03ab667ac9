// SPDX-License-Identifier: Apache-2.0
import ByteCoding
package import Platform

/// Lines that are read once, in their order: those of a file, or what another program writes.
package struct LineInput {
    /// What people call it: its path.
    package let name: String
    /// Opens it; what it gives back gives the next bytes at each call, nil or none at the end.
    let begin: () throws -> () throws -> [UInt8]?

    /// Any bytes.
    ///
    /// - Parameters:
    ///   - name: what people call them.
    ///   - begin: opens them; gives the next bytes at each call, nil at the end.
    package init(name: String, begin: @escaping () throws -> () throws -> [UInt8]?) {
        self.name = name
        self.begin = begin
    }

    /// A file.
    package init(path: String, files: any FileSystem) {
        self.init(name: path) {
            let file = try files.open(path, .read)
            var offset: Int64 = 0
            return {
                let bytes = try file.read(at: offset, count: DatasetLimits.writeBytes)
                offset += Int64(bytes.count)
                return bytes.isEmpty ? nil : bytes
            }
        }
    }
}

/// Reads text line by line.
enum LineReading {
    /// Gives each line of a file; see the other form.
    static func forEachLine(
        of path: String, _ files: any FileSystem, _ body: (ArraySlice<UInt8>, Int64) throws -> Void
    ) throws {
        try forEachLine(of: LineInput(path: path, files: files), body)
    }

    /// Gives each line without its newline, with its number from 1; a byte order mark before the first is left out.
    ///
    /// - Throws: what the input throws, `DatasetError` `.tooLarge` for a line beyond `DatasetLimits.lineBytes`, or what the body throws.
    static func forEachLine(of input: LineInput, _ body: (ArraySlice<UInt8>, Int64) throws -> Void) throws {
        let next = try input.begin()
        var lines = LineCutter(lineBytes: DatasetLimits.lineBytes)
        func hand(_ line: CutLine) throws {
            let isMarked = line.number == 1 && line.bytes.starts(with: [0xEF, 0xBB, 0xBF])
            try body(isMarked ? line.bytes.dropFirst(3) : line.bytes, line.number)
        }
        do {
            while let bytes = try next(), !bytes.isEmpty { try lines.add(bytes, hand) }
            try lines.finish(hand)
        } catch let error as LineTooLong {
            throw DatasetError(
                .tooLarge, subject: input.name,
                "Line \(error.number) of '\(input.name)' is longer than \(error.limit) bytes.")
        }
    }
}
