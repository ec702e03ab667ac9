// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import FakeProvider
import Foundation
import Glibc
import Testing

extension SystemTests {
    @Suite struct ReloadTests {
        private func write(_ text: String, _ path: String) throws {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        }

        @Test(.timeLimit(.minutes(2))) func reloadsOnSIGHUPAndKeepsTheOldConfigurationWhereTheNewOneIsBad() async throws {
            let bench = try await Bench()
            let other = try await RunningProvider()
            let file = bench.scratch.at("weir.yaml")
            try write("providers:\n  acme: http://127.0.0.1:\(bench.provider.port)\n", file)
            let gateway = try await bench.gateway("--config", file)
            let question = Question.chat("hello").with("x-inference-provider: acme")
            let small = Question.chat(String(repeating: "x", count: 5_000)).with("x-inference-provider: acme")
            #expect(try await small.ask(port: gateway.port).status == 200)
            #expect(bench.provider.server.seen().count == 1)

            try write("providers:\n  acme: http://127.0.0.1:\(other.port)\nlimits:\n  body_bytes: 1KiB\nthreads: 2\n", file)
            gateway.process.send(SIGHUP)
            _ = try await eventually("the reload") { gateway.errors.contains("configuration reloaded") ? true : nil }
            #expect(gateway.errors.contains("limits.body_bytes, providers"))
            #expect(
                gateway.errors.contains("settings take effect after a restart") && gateway.errors.contains("settings=threads"))
            #expect(try await question.ask(port: gateway.port).status == 200)
            #expect(bench.provider.server.seen().count == 1 && other.server.seen().count == 1)
            #expect(try await small.ask(port: gateway.port).status == 413)

            try write("limts:\n  body_bytes: 1MiB\nthreads: none\nproviders:\n  acme: nowhere\n", file)
            gateway.process.send(SIGHUP)
            _ = try await eventually("the refusal") { gateway.errors.contains("the old one stays") ? true : nil }
            for fault in [
                "weir.yaml:1: unknown key limts; did you mean `limits`?", "weir.yaml:3: threads", "weir.yaml:5: providers.acme",
            ] {
                #expect(gateway.errors.contains(fault), "\(fault)")
            }
            #expect(try await question.ask(port: gateway.port).status == 200)
            #expect(try await small.ask(port: gateway.port).status == 413)
            #expect(other.server.seen().count == 2)

            try write("threads: []\nlisten: []\n", file)
            gateway.process.send(SIGHUP)
            _ = try await eventually("the second refusal") {
                gateway.errors.contains("weir.yaml:1: threads has no value") ? true : nil
            }
            #expect(try await question.ask(port: gateway.port).status == 200)
            #expect(try await gateway.stop() == 0)
            try await other.stop()
        }
    }

    @Suite struct DoctorTests {
        private func items(_ node: JSONNode?) -> [JSONNode] { node.map { Array($0.elements) } ?? [] }

        @Test func showsValuesWithOriginsAndFindsNothingWrong() async throws {
            let scratch = try Scratch()
            let file = scratch.at("weir.yaml")
            try Data("listen: 127.0.0.1:0\nlimits: {body_bytes: 3MiB}\nnode: ${NODE:-n1}\n".utf8).write(
                to: URL(fileURLWithPath: file))
            let ended = try await Weir.run(
                [
                    "/usr/bin/env", "WEIR_TIMEOUTS_HEAD=7s", Weir.path, "doctor", "--config", file, "--data", scratch.at("data"),
                    "--threads", "2", "--json",
                ])
            #expect(ended.code == 0, "\(ended.text)\(ended.errors)")
            let root = try JSONDocument(ended.output).root
            #expect(root["ok"]?.bool == true)
            var shown: [String: String] = [:]
            for setting in items(root["settings"]) {
                shown[setting["path"]?.string ?? ""] = "\(setting["value"]?.string ?? "") \(setting["origin"]?.string ?? "")"
            }
            #expect(shown["limits.body_bytes"] == "3MiB \(file):2")
            #expect(shown["node"] == "n1 \(file):3")
            #expect(shown["timeouts.head"] == "7s WEIR_TIMEOUTS_HEAD")
            #expect(shown["threads"] == "2 flag --threads")
            #expect(shown["drain"] == "30s default")
            let names = Set(items(root["checks"]).compactMap { $0["name"]?.string })
            #expect(
                names.isSuperset(of: ["data directory", "free space", "listen 127.0.0.1:0", "libraries", "clock", "trust store"]))
            #expect(!FileManager.default.fileExists(atPath: scratch.at("data")), "doctor changed something")
        }

        @Test func reportsEveryFaultWithExitCode2() async throws {
            let scratch = try Scratch()
            let file = scratch.at("weir.yaml")
            try Data("listne: a\nthreads: 0\nkeys:\n  - {id: a, key: planted-secret-key}\n".utf8).write(
                to: URL(fileURLWithPath: file))
            for verb in ["doctor", "serve"] {
                let ended = try await Weir.run(verb, "--config", file, "--data", scratch.at("data"))
                #expect(ended.code == 2 && ended.output.isEmpty)
                for fault in ["3 faults", ":1: unknown key listne", ":2: threads must be", ":4: keys[].key of a must begin"] {
                    #expect(ended.errors.contains(fault), "\(verb): \(ended.errors)")
                }
                #expect(!ended.errors.contains("planted-secret-key"))
            }
            let json = try await Weir.run("doctor", "--config", file, "--json")
            let root = try JSONDocument(json.output).root
            #expect(json.code == 2 && root["ok"]?.bool == false && items(root["faults"]).count == 3)
        }

        @Test func namesPricesThatNobodyReadsAndPricesThatCannotBeRead() async throws {
            let scratch = try Scratch()
            let prices = scratch.at("data/prices")
            try FileManager.default.createDirectory(atPath: prices, withIntermediateDirectories: true)
            try Data("discount_ppm: 1\n".utf8).write(to: URL(fileURLWithPath: scratch.at("data/prices.yaml")))
            try Data("discount_ppm: 1\n".utf8).write(to: URL(fileURLWithPath: prices + "/overrides.yml"))
            let misplaced = try await Weir.run("doctor", "--listen", "127.0.0.1:0", "--data", scratch.at("data"))
            #expect(misplaced.code == 0, "\(misplaced.text)\(misplaced.errors)")
            for name in ["/data/prices.yaml", "/data/prices/overrides.yml"] {
                #expect(misplaced.text.contains("\(name) is not read; own prices belong in"), "\(misplaced.text)")
            }
            #expect(misplaced.text.contains("the built-in table\n") && misplaced.text.contains("capture priority"))
            try Data("prices: 7\n".utf8).write(to: URL(fileURLWithPath: prices + "/overrides.yaml"))
            let broken = try await Weir.run("doctor", "--listen", "127.0.0.1:0", "--data", scratch.at("data"))
            #expect(broken.code == 1 && broken.lines.contains { $0.contains("fail  prices") && $0.contains("overrides.yaml") })
        }

        @Test(arguments: [("off", false), ("{mode: off, header: any}", true)])
        func namesThePriorityOfCaptureOnlyWhereSomethingCanBeRecorded(capture: String, isNamed: Bool) async throws {
            let scratch = try Scratch()
            let file = scratch.at("weir.yaml")
            try Data("listen: 127.0.0.1:0\ncapture: \(capture)\n".utf8).write(to: URL(fileURLWithPath: file))
            let ended = try await Weir.run("doctor", "--config", file, "--data", scratch.at("data"), "--json")
            let names = items(try JSONDocument(ended.output).root["checks"]).compactMap { $0["name"]?.string }
            #expect(ended.code == 0 && names.contains("descriptors"), "\(ended.text)\(ended.errors)")
            #expect(names.contains("capture priority") == isNamed)
        }

        @Test(.timeLimit(.minutes(2))) func tellsARunningGatewayFromAnotherProgram() async throws {
            let bench = try await Bench()
            let gateway = try await bench.gateway()
            let held = try await Weir.run("doctor", "--listen", "127.0.0.1:\(gateway.port)", "--data", bench.data)
            #expect(held.code == 0 && held.text.contains("held by a running gateway"), "\(held.text)\(held.errors)")
            let taken = try await Weir.run("doctor", "--listen", "127.0.0.1:\(bench.provider.port)", "--data", bench.data)
            #expect(taken.code == 1 && taken.text.contains("fail  listen 127.0.0.1:\(bench.provider.port)"), "\(taken.text)")
            #expect(try await gateway.stop() == 0)
        }

        @Test func findsBadCertificatesAndAnUnwritableDirectory() async throws {
            let scratch = try Scratch()
            for name in ["cert.pem", "key.pem"] { try Data("no PEM".utf8).write(to: URL(fileURLWithPath: scratch.at(name))) }
            let file = scratch.at("weir.yaml")
            let yaml = "listen: 127.0.0.1:0\ntls: {certificate: \(scratch.at("cert.pem")), key: \(scratch.at("key.pem"))}\n"
            try Data(yaml.utf8).write(to: URL(fileURLWithPath: file))
            let ended = try await Weir.run("doctor", "--config", file, "--data", scratch.at("cert.pem"))
            #expect(ended.code == 1)
            #expect(ended.text.contains("no certificate in PEM form") && ended.text.contains("is no directory"), "\(ended.text)")
        }

        @Test(.timeLimit(.minutes(2))) func reachesConfiguredProvidersThroughTheProxyInForceAndNamesThoseThatAreDown()
            async throws
        {
            let provider = try await RunningProvider()
            let scratch = try Scratch()
            let file = scratch.at("weir.yaml")
            // Everything else goes to a proxy that is not there, so that no test asks the world.
            let yaml = """
                listen: 127.0.0.1:0
                providers:
                  here: {url: "http://127.0.0.1:\(provider.port)/v1", aws: {access_key_id: AKIAPLANTED, secret_access_key: planted-secret, region: us-east-1}}
                  down: http://127.0.0.1:1
                upstream:
                  https_proxy: http://planted-user:planted-password@127.0.0.1:1
                  no_proxy: 127.0.0.1
                """
            try Data(yaml.utf8).write(to: URL(fileURLWithPath: file))
            let ended = try await Weir.run("doctor", "--config", file, "--data", scratch.at("data"), "--reach", within: 60)
            #expect(ended.code == 1)
            let lines = ended.lines
            #expect(lines.contains { $0.contains("ok") && $0.contains("reach here") && $0.contains("tcp") }, "\(ended.text)")
            #expect(lines.contains { $0.contains("fail") && $0.contains("reach down") && $0.contains("connect_failed") })
            #expect(lines.contains { $0.contains("warn") && $0.contains("reach openai") })
            for secret in ["planted-user", "planted-password", "planted-secret", "AKIAPLANTED"] {
                #expect(!ended.text.contains(secret))
            }
            let seen = provider.server.seen()
            #expect(
                seen.count == 1
                    && seen.allSatisfy { request in !request.headers.contains { $0.name.lowercased() == "authorization" } })
            try await provider.stop()
        }

        @Test func printsTheSchemaOfThePage() async throws {
            let ended = try await Weir.run("doctor", "--schema")
            #expect(ended.code == 0 && ended.text.contains("| `limits.body_bytes` |"))
        }
    }
}
