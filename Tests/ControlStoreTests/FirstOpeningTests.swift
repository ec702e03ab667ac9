// SPDX-License-Identifier: Apache-2.0
import ControlStore
import Foundation
import Platform
import Synchronization
import Testing

/// How the file comes to be, and what of it is told where it cannot be opened.
@Suite struct FirstOpeningTests {
    private func mode(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    private func setMode(_ mode: Int, of path: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    @Test func nobodyElseMayReadIt() throws {
        let scratch = try Scratch()
        let store = try Sample.store(scratch)
        for end in ["", "-wal", "-shm"] { #expect(try mode(scratch.control + end) == 0o600, "\(end)") }
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).allSatisfy { !$0.hasSuffix(".opening") })
        try store.close()
    }

    /// What an earlier version left open to all is shut; what was given to the group stays given.
    @Test func whatLiesOpenIsShut() throws {
        let scratch = try Scratch()
        let store = try Sample.store(scratch)
        for end in ["", "-wal", "-shm"] { try setMode(0o644, of: scratch.control + end) }
        let other = try ControlStore.open(path: scratch.control, mode: .readWrite)
        for end in ["", "-wal", "-shm"] { #expect(try mode(scratch.control + end) == 0o600, "\(end)") }
        try other.close()
        try setMode(0o640, of: scratch.control)
        try ControlStore.open(path: scratch.control, mode: .readWrite).close()
        #expect(try mode(scratch.control) == 0o640)
        try store.close()
    }

    /// Of many first openings at once one makes the file, and the others wait for it.
    @Test(arguments: 0..<6) func ofManyFirstOpeningsOneMakesIt(_ round: Int) throws {
        let scratch = try Scratch()
        let path = scratch.control
        let faults = Mutex<[String]>([])
        let threads = try (0..<8).map { number in
            try OwnedThread(name: "opening-\(number)") {
                do { try ControlStore.open(path: path, mode: .readWrite).close() } catch {
                    faults.withLock { $0.append("\(error)") }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(faults.withLock { $0 } == [])
        #expect(try ControlStore.open(path: path, mode: .readOnly).feedbackCount() == 0)
    }

    /// What is there and cannot be opened is not missing.
    @Test func whatCannotBeReadIsNotMissing() throws {
        let scratch = try Scratch()
        try FileManager.default.createDirectory(atPath: scratch.control, withIntermediateDirectories: false)
        let loop = scratch.path + "/loop"
        try FileManager.default.createSymbolicLink(atPath: loop, withDestinationPath: loop)
        for path in [scratch.control, loop] {
            for mode in [ControlStoreMode.readOnly, .readWrite] {
                let error = #expect(throws: ControlStoreError.self) { try ControlStore.open(path: path, mode: mode) }
                #expect(error?.code == .cannotOpen, "\(String(describing: error))")
            }
        }
    }
}
