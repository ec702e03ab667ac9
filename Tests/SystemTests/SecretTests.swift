// SPDX-License-Identifier: Apache-2.0
import FakeProvider
import Foundation
import Glibc
import Testing

extension SystemTests {
    @Suite struct SecretTests {
        private static let bearer = "sk-planted-bearer-4f9c1e77d2"
        private static let apiKey = "sk-ant-planted-9b1d6c2a"
        private static let providerKey = "gsk-planted-provider-0c55aa81"
        private static let queryKey = "AIza-planted-query-77be01f3"
        private static let encodedKey = "planted/slash+plus=e1d2"
        private static let urlKey = "planted-url-query-31aa9c"
        private static let urlUser = "planted-url-user-8d00f1"
        private static let secrets = [
            bearer, apiKey, providerKey, queryKey, encodedKey, "planted%2Fslash%2Bplus%3De1d2", urlKey, urlUser,
        ]

        /// Answers like a provider that repeats the key it refuses: in a header, and in a body cut in two within the key.
        private static let echo: @Sendable (SeenRequest) -> FixedAnswer? = { request in
            var keys = request.headers.filter { ["authorization", "x-api-key"].contains($0.name.lowercased()) }.map(\.value)
            if let query = request.target.split(separator: "?").dropFirst().first {
                keys += [String(query), String(query).removingPercentEncoding ?? ""]
            }
            let said = keys.joined(separator: " and ")
            let body = Array(#"{"error":{"message":"Incorrect API key provided: \#(said)."}}"#.utf8)
            let middle = body.count - 12
            return FixedAnswer(
                status: 401,
                headers: [SeenHeader(name: "Content-Type", value: "application/json"), SeenHeader(name: "x-echo", value: said)],
                chunks: [Array(body[..<middle]), Array(body[middle...])], gapMicroseconds: 5_000)
        }

        @Test(.timeLimit(.minutes(2))) func writesNoCredentialAnywhere() async throws {
            var script = FakeProviderScript.instant
            script.fixedAnswer = SecretTests.echo
            let bench = try await Bench(script)
            let gateway = try await bench.gateway("--log-level", "trace")
            let port = gateway.port
            let base = Question.chat("hello")
            var byQuery = base.with("x-inference-provider: openai")
            byQuery.path += "?key=\(SecretTests.queryKey)&alt=sse"
            var byEncodedQuery = base
            byEncodedQuery.path += "?api_key=planted%2Fslash%2Bplus%3De1d2"
            let echoed = [
                base.with("Authorization: Bearer \(SecretTests.bearer)"),
                Question.message("hello").with("x-api-key: \(SecretTests.apiKey)"),
                base.with(
                    "Authorization: Bearer \(SecretTests.bearer)", "x-inference-provider-api-key: \(SecretTests.providerKey)"),
                byQuery, byEncodedQuery,
            ]
            for question in echoed {
                let answer = try await question.ask(port: port)
                #expect(answer.status == 401 && answer.isWhole)
                #expect(
                    SecretTests.secrets.contains { answer.text.contains($0) }, "the provider's bytes go to the caller untouched")
            }
            let refused = [
                base.with("Authorization: Bearer \(SecretTests.bearer)", "x-inference-provider: no-such"),
                base.with("x-inference-provider-url: https://\(SecretTests.urlUser):pw@127.0.0.1/v1"),
                base.with("x-inference-provider-url: https://127.0.0.1/v1?key=\(SecretTests.urlKey)"),
                base.with(
                    "x-inference-provider-url: https://127.0.0.1:1/v1", "x-inference-provider-api-key: \(SecretTests.providerKey)"
                ),
                base.with(
                    "x-inference-provider-api-key: \(SecretTests.providerKey)",
                    "x-inference-provider-api-key: \(SecretTests.providerKey)"),
                Question(path: "/nowhere?key=\(SecretTests.queryKey)", headers: ["x-api-key: \(SecretTests.apiKey)"]),
            ]
            for question in refused {
                let answer = try await question.ask(port: port)
                #expect(answer.status >= 400 && answer.header("x-weir-error-source") == "gateway")
                for secret in SecretTests.secrets { #expect(!answer.text.contains(secret), "a fault's body holds a credential") }
            }
            try await bench.provider.stop()
            let unreachable = try await base.with("Authorization: Bearer \(SecretTests.bearer)").ask(port: port)
            #expect(unreachable.status == 502 && !unreachable.text.contains(SecretTests.bearer))
            #expect(try await gateway.stop() == 0)
            #expect(try await Weir.run("index", "--data", bench.data).code == 0)
            try await SecretTests.searchEverything(bench, stderr: gateway.errors, exchanges: echoed.count + refused.count + 1)
        }

        /// Arenas hold what passes as it came, heads and keys too: they must be nobody else's to read, and be gone after a start.
        @Test(.timeLimit(.minutes(2))) func arenasArePrivateAndGoneAfterTheNextStart() async throws {
            var script = FakeProviderScript.instant
            script.fixedAnswer = SecretTests.echo
            let bench = try await Bench(script)
            let gateway = try await bench.gateway()
            let question = Question.chat("hello").with("Authorization: Bearer \(SecretTests.bearer)")
            for _ in 0..<3 { #expect(try await question.ask(port: gateway.port).status == 401) }
            let arenas = bench.data + "/arenas"
            func mode(_ path: String) throws -> Int? {
                try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            }
            let names = try FileManager.default.contentsOfDirectory(atPath: arenas)
            #expect(names.contains { $0.hasSuffix(".arena") })
            #expect(try mode(arenas) == 0o700)
            for name in names { #expect(try mode(arenas + "/" + name) == 0o600, "\(name)") }
            gateway.process.send(SIGKILL)
            #expect(try await gateway.process.end() == 128 + SIGKILL)
            // Set aside by an earlier start: nobody reads it again, so that the operator is told of it.
            try FileManager.default.createDirectory(atPath: arenas + "/damaged", withIntermediateDirectories: true)
            try Data("x".utf8).write(to: URL(fileURLWithPath: arenas + "/damaged/old.arena"))
            let doctor = try await Weir.run("doctor", "--listen", "127.0.0.1:0", "--data", bench.data)
            #expect(doctor.text.contains("warn  damaged arenas"), "\(doctor.text)")
            try FileManager.default.removeItem(atPath: arenas + "/damaged")

            let again = try await bench.gateway()
            #expect(try await question.ask(port: again.port).status == 401)
            #expect(try await again.stop() == 0)
            #expect(try FileManager.default.contentsOfDirectory(atPath: arenas).isEmpty)
            #expect(try await Weir.run("index", "--data", bench.data).code == 0)
            try await SecretTests.searchEverything(bench, stderr: gateway.errors + again.errors, exchanges: 4)
        }

        private static func searchEverything(_ bench: Bench, stderr: String, exchanges: Int) async throws {
            let cat = try await Weir.run("segment", "cat", "--data", bench.data)
            #expect(cat.lines.count == exchanges)
            let facts = try await Weir.run("query", "exchanges", "--json", "--data", bench.data)
            #expect(facts.lines.count == exchanges)
            var written: [(place: String, bytes: [UInt8])] = [
                ("segments, decompressed", cat.output), ("facts", facts.output), ("standard error", Array(stderr.utf8)),
            ]
            for name in try FileManager.default.subpathsOfDirectory(atPath: bench.data) {
                written.append((name, bytes(of: bench.data + "/" + name)))
            }
            #expect(written.contains { $0.place == "index.sqlite" && !$0.bytes.isEmpty })
            for entry in written {
                let haystack = Data(entry.bytes)
                for secret in secrets {
                    // Base64 as bodies that are no text would show it, at each of three alignments.
                    let encoded = (0..<3).map {
                        Data([UInt8](repeating: 0, count: $0) + Array(secret.utf8)).base64EncodedString().dropFirst(4).dropLast(4)
                    }
                    for form in [secret] + encoded.map(String.init) {
                        #expect(haystack.range(of: Data(form.utf8)) == nil, "\(entry.place) holds \(secret)")
                    }
                }
            }
        }
    }
}
