// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import Testing

extension SystemTests {
    /// The capture thread's priority in a running gateway, as the kernel shows it.
    @Suite struct GivesWayTests {
        /// The scheduling policies of a process's threads by a name: field 41 of `stat` (proc_pid_stat(5)); 5 is `SCHED_IDLE`.
        private static func policies(of name: String, in process: pid_t) throws -> [String] {
            let files = PosixFileSystem()
            return try files.list("/proc/\(process)/task").compactMap { thread in
                // A thread may end meanwhile.
                guard let file = try? files.open("/proc/\(process)/task/\(thread)/stat", .read),
                    let stat = try? file.read(at: 0, count: 1_024)
                else { return nil }
                defer { file.close() }
                let parts = String(decoding: stat, as: UTF8.self).split(separator: ")")
                guard parts.first?.hasSuffix("(" + name) == true, let fields = parts.last?.split(separator: " "),
                    fields.count > 38
                else { return nil }
                return String(fields[38])
            }
        }

        @Test(.timeLimit(.minutes(2))) func captureIsIdleInCalmTimesWhereTheSystemAllowsIt() async throws {
            let bench = try await Bench()
            let gateway = try await bench.gateway("--log-level", "info")
            _ = try await Question.chat("calm").ask(port: gateway.port)
            let pid = gateway.process.pid
            if let obstacle = IdleObstacle.ofThisProcess() {
                #expect(gateway.errors.contains("cannot let event loops on its core go first"))
                #expect(gateway.errors.contains(obstacle.needs))
                #expect(try Self.policies(of: "weir-capture", in: pid) == ["0"])
                #expect(try Self.policies(of: "weir-watch", in: pid).isEmpty)
            } else {
                #expect(gateway.errors.contains("capture lets event loops on its core go first"))
                _ = try await eventually("the capture thread to be idle", within: 30) {
                    try Self.policies(of: "weir-capture", in: pid) == ["5"] ? true : nil
                }
                #expect(try Self.policies(of: "weir-watch", in: pid) == ["0"])
            }
            #expect(try await gateway.stop() == 0)
            #expect(try await bench.records().count == 1)
        }
    }
}
