// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import FakeProvider
import Foundation
import Glibc
import Platform
import Testing

/// A file system of two megabytes; taken away with its last reference.
private final class SmallDisk: Sendable {
    let scratch: Scratch
    var path: String { scratch.path }

    /// Throws where this machine does not let the test mount.
    init() async throws {
        scratch = try Scratch()
        let mounted = try await Weir.run(["/bin/mount", "-t", "tmpfs", "-o", "size=2m", "weir-test", scratch.path])
        guard mounted.code == 0 else { throw TestToolError("mount: \(mounted.errors)") }
    }

    /// Settings for a disk that is smaller than what is kept free elsewhere.
    func settings(ballast: String = "0") throws -> [String] {
        let file = scratch.path + ".yaml"
        try "capture: {min_free_bytes: 0, ballast_bytes: \(ballast)}\n".write(toFile: file, atomically: true, encoding: .utf8)
        return ["--config", file]
    }

    deinit { umount2(scratch.path, Int32(MNT_DETACH)) }

    /// Writes a file until nothing more fits.
    func fill(_ name: String) {
        let descriptor = open(scratch.at(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        for size in [65_536, 4_096, 256, 1] {
            let bytes = [UInt8](repeating: 0x77, count: size)
            while write(descriptor, bytes, size) == size {}
        }
    }

    /// Whether tests may mount here.
    static let isAllowed: Bool = {
        guard geteuid() == 0, let scratch = try? Scratch() else { return false }
        guard mount("weir-test", scratch.path, "tmpfs", 0, "size=64k") == 0 else { return false }
        umount2(scratch.path, Int32(MNT_DETACH))
        return true
    }()
}

extension SystemTests {
    @Suite(.enabled(if: SmallDisk.isAllowed, "mounting a small file system needs root and the right to mount"))
    struct DiskFullTests {
        /// A prompt that does not compress.
        private static func noise(_ bytes: Int) -> String {
            Data((0..<bytes * 3 / 4).map { _ in UInt8.random(in: 0...255) }).base64EncodedString()
        }

        @Test(.timeLimit(.minutes(2))) func servesOnAFullDiskAndRecordsAgainOnceThereIsSpace() async throws {
            let disk = try await SmallDisk()
            let provider = try await RunningProvider()
            let data = disk.path + "/data"
            let gateway = try await RunningGateway(data: data, provider: provider.port, extra: try disk.settings())
            let before = try await Question.chat("before").ask(port: gateway.port)
            try await DiskFullTests.recorded([before.id], data)

            disk.fill("filler")
            var during: [String] = []
            for number in 0..<30 {
                let answer = try await Question.chat("\(number) " + DiskFullTests.noise(20_000)).ask(port: gateway.port)
                #expect(answer.status == 200 && answer.isWhole)
                during.append(answer.id)
            }
            _ = try await eventually("the complaint") { gateway.errors.contains("the segment log cannot write") ? true : nil }
            #expect(gateway.process.ended() == nil)
            #expect(try await Question.chat("still serving").ask(port: gateway.port).status == 200)

            try FileManager.default.removeItem(atPath: disk.path + "/filler")
            let after = try await Question.chat("after").ask(port: gateway.port)
            try await DiskFullTests.recorded([before.id] + during + [after.id], data)
            #expect(try await gateway.stop() == 0)
            #expect(try await Weir.run("segment", "verify", "--data", data).code == 0)
            #expect(try await Weir.run("index", "--data", data).code == 0)
            try await provider.stop()
        }

        @Test(.timeLimit(.minutes(2))) func stopsCleanlyOnAFullDisk() async throws {
            let disk = try await SmallDisk()
            let provider = try await RunningProvider()
            let data = disk.path + "/data"
            let gateway = try await RunningGateway(data: data, provider: provider.port, extra: try disk.settings())
            let before = try await Question.chat("before").ask(port: gateway.port)
            try await DiskFullTests.recorded([before.id], data)
            disk.fill("filler")
            for number in 0..<5 {
                #expect(try await Question.chat("\(number) " + DiskFullTests.noise(20_000)).ask(port: gateway.port).status == 200)
            }
            let code = try await gateway.stop()
            #expect(code == 0, "\(code): \(gateway.errors)")
            #expect(gateway.errors.contains("the segment log cannot write"))
            try FileManager.default.removeItem(atPath: disk.path + "/filler")
            let again = try await RunningGateway(data: data, provider: provider.port, extra: try disk.settings())
            try await DiskFullTests.recorded([before.id], data)
            #expect(try await again.stop() == 0)
            #expect(try await Weir.run("segment", "verify", "--data", data).code == 0)
            try await provider.stop()
        }

        /// The ballast gives way to facts while the disk is full, and comes back.
        @Test(.timeLimit(.minutes(2))) func recordsFactsOnAFullDisk() async throws {
            let disk = try await SmallDisk()
            let provider = try await RunningProvider()
            let data = disk.path + "/data"
            let ballast = data + "/segments/ballast"
            let gateway = try await RunningGateway(
                data: data, provider: provider.port, extra: try disk.settings(ballast: "512KiB"))
            _ = try await eventually("the ballast") { FileManager.default.fileExists(atPath: ballast) ? true : nil }
            let before = try await Question.chat("before").ask(port: gateway.port)
            try await DiskFullTests.recorded([before.id], data)
            disk.fill("filler")
            // The first ones meet the full disk with their bodies.
            for number in 0..<5 {
                #expect(try await Question.chat("\(number) " + DiskFullTests.noise(20_000)).ask(port: gateway.port).status == 200)
            }
            _ = try await eventually("the ballast to be given up") {
                FileManager.default.fileExists(atPath: ballast) ? nil : true
            }
            var during: [String] = []
            for number in 0..<10 {
                during.append(try await Question.chat("\(number) " + DiskFullTests.noise(20_000)).ask(port: gateway.port).id)
            }
            try await DiskFullTests.recorded(during, data)
            let records = try await Weir.run("segment", "cat", "--data", data).objects()
            let kept = records.filter { during.contains($0["id"]?.string ?? "") }.map { $0["request_body_kept"]?.string }
            #expect(kept == [String?](repeating: "none", count: 10))
            #expect(FileManager.default.fileExists(atPath: disk.path + "/filler"))
            try FileManager.default.removeItem(atPath: disk.path + "/filler")
            _ = try await eventually("the ballast to come back", within: 20) {
                FileManager.default.fileExists(atPath: ballast) ? true : nil
            }
            let after = try await Question.chat("after").ask(port: gateway.port)
            #expect(try await gateway.stop() == 0)
            let last = try await Weir.run("segment", "cat", "--data", data).objects().last
            #expect(last?["id"]?.string == after.id && last?["request_body_kept"]?.string == "full")
            try await provider.stop()
        }

        /// Waits until the segments hold these exchanges, each once.
        private static func recorded(_ ids: [String], _ data: String) async throws {
            _ = try await eventually("\(ids.count) records", every: 100) {
                let cat = try await Weir.run("segment", "cat", "--data", data)
                let found = try cat.objects().compactMap { $0["id"]?.string }
                return ids.allSatisfy { id in found.count { $0 == id } == 1 } ? true : nil
            }
        }
    }
}
