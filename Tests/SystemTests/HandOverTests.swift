// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Foundation
import Glibc
import Platform
import Synchronization
import Testing

extension SystemTests {
    @Suite struct HandOverTests {
        /// Asks on new connections until it is told to stop.
        private final class Load: Sendable {
            let isStopping = Atomic<Bool>(false)
            let answered = Counter()
            let failures = Mutex<[String]>([])

            func run(port: Int) {
                while !isStopping.load(ordering: .relaxed) {
                    do {
                        let answer = try Question.chat("load \(answered.value)").blocking(port: port)
                        guard answer.isWhole, answer.status == 200 else {
                            throw TestToolError("status \(answer.status), whole: \(answer.isWhole)")
                        }
                        answered.add()
                    } catch {
                        failures.withLock { $0.append("\(error)") }
                    }
                }
            }
        }

        private func processes(_ gateway: RunningGateway) -> [pid_t] {
            gateway.errors.matches(of: /pid=(\d+)/).compactMap { pid_t($0.1) }
        }

        private func stopped(_ gateway: RunningGateway) -> Int { gateway.errors.matches(of: /\] stopped/).count }

        @Test(.timeLimit(.minutes(2))) func handsItsSocketsOverWithoutARefusedConnection() async throws {
            let bench = try await Bench()
            let gateway = try await bench.gateway()
            defer { for pid in processes(gateway) { kill(pid, SIGKILL) } }
            let load = Load()
            let port = gateway.port
            async let callers: Void = withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 { group.addTask { try await offPool { load.run(port: port) } } }
                try await group.waitForAll()
            }
            let code: Int32
            do {
                _ = try await eventually("some answers") { load.answered.value > 50 ? true : nil }
                gateway.process.send(SIGUSR2)
                code = try await gateway.process.end(within: 60)
                let before = load.answered.value
                _ = try await eventually("answers of the new process") { load.answered.value > before + 50 ? true : nil }
            } catch {
                // Whatever fails, nobody goes on asking: leaving waits for the callers.
                load.isStopping.store(true, ordering: .relaxed)
                throw error
            }
            load.isStopping.store(true, ordering: .relaxed)
            try await callers
            #expect(code == 0, "\(gateway.errors)")
            #expect(load.failures.withLock { $0 } == [])
            let successor = try #require(processes(gateway).first)
            kill(successor, SIGTERM)
            _ = try await eventually("the end of the new process") { stopped(gateway) == 2 ? true : nil }
            let records = try await bench.records()
            #expect(records.count == load.answered.value)
            #expect(Set(records.map { $0["id"]?.string ?? "" }).count == records.count)
        }

        @Test(.timeLimit(.minutes(2))) func goesOnWhereTheNewProcessDoesNotStart() async throws {
            let bench = try await Bench()
            let config = bench.scratch.at("weir.yaml")
            try Data("threads: 1\n".utf8).write(to: URL(fileURLWithPath: config))
            let gateway = try await bench.gateway("--config", config)
            try Data("threads: none\n".utf8).write(to: URL(fileURLWithPath: config))
            gateway.process.send(SIGUSR2)
            _ = try await eventually("the failure to be said") { gateway.errors.contains("this one goes on") ? true : nil }
            let answer = try await Question.chat("still here").ask(port: gateway.port)
            #expect(answer.status == 200)
            #expect(try await gateway.stop() == 0)
        }

        @Test(.timeLimit(.minutes(2))) func takesASocketAsSystemdGivesIt() async throws {
            let bench = try await Bench()
            let socket = try ListeningSocket(host: "127.0.0.1", port: 0)
            // The shell keeps its number as it becomes the program, and its redirection puts the socket at 3.
            let copy = try socket.duplicate()
            _ = fcntl(copy, F_SETFD, 0)
            defer { close(copy) }
            let base = "http://127.0.0.1:\(bench.provider.port)"
            let line = """
                export LISTEN_PID=$$ LISTEN_FDS=1
                exec '\(Weir.path)' serve --listen 127.0.0.1:\(socket.port) --data '\(bench.data)' --provider openai=\(base) 3<&\(copy)
                """
            let answer = try await withInherited(copy, line: line) {
                try await Question.chat("through the given socket").ask(port: socket.port)
            }
            #expect(answer.status == 200)
        }

        /// Runs bash with one more descriptor open while a body runs; ends it afterwards.
        private func withInherited<T>(_ descriptor: Int32, line: String, _ body: () async throws -> T) async throws -> T {
            let texts: [String] = ["bash", "-c", line]
            var words: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
            words.append(nil)
            defer { for word in words { free(word) } }
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            defer { posix_spawn_file_actions_destroy(&actions) }
            posix_spawn_file_actions_adddup2(&actions, descriptor, descriptor)
            var pid: pid_t = 0
            let failed = posix_spawn(&pid, "/bin/bash", &actions, nil, &words, environ)
            guard failed == 0 else { throw TestToolError("bash cannot be started: \(failed)") }
            defer {
                kill(pid, SIGTERM)
                var code: Int32 = 0
                waitpid(pid, &code, 0)
            }
            return try await body()
        }
    }
}
