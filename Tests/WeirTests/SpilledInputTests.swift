// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import Testing

@testable import weir

@Suite struct SpilledInputTests {
    private static func place() throws -> String {
        let place = NSTemporaryDirectory() + "weir-spilled-\(SystemRandom.bits128().low)"
        try PosixFileSystem().createDirectories(place)
        return place
    }

    @Test func givesTheSameBytesAndLeavesNoFile() throws {
        let place = try Self.place()
        defer { try? FileManager.default.removeItem(atPath: place) }
        let pieces = [Array("one\n".utf8), [UInt8](repeating: 7, count: 3_000_000), [], Array("end".utf8)]
        var given = 0
        let next = try SpilledInput.next(
            {
                guard given < pieces.count else { return nil }
                given += 1
                return pieces[given - 1]
            }, in: place, PosixFileSystem())
        // All of it was read before any of it is given.
        #expect(given == pieces.count)
        #expect(try PosixFileSystem().list(place).isEmpty)
        var all: [UInt8] = []
        while let bytes = try next() { all += bytes }
        #expect(all == pieces.flatMap { $0 })
    }

    @Test func refusesWhatIsTooLong() throws {
        let place = try Self.place()
        defer { try? FileManager.default.removeItem(atPath: place) }
        var left = 100
        let error = #expect(throws: VerbFailure.self) {
            _ = try SpilledInput.next(
                {
                    left -= 1
                    return left > 0 ? [UInt8](repeating: 1, count: 100) : nil
                }, in: place, PosixFileSystem(), limitBytes: 1_000)
        }
        #expect(error?.exitCode == 2 && error?.message.contains("1000 bytes") == true)
        #expect(left == 89)
        #expect(try PosixFileSystem().list(place).isEmpty)
    }
}
