// SPDX-License-Identifier: Apache-2.0
import FakeProvider
import Foundation
import Glibc
import Testing

extension SystemTests {
    /// Credentials sent in every place that takes one, repeated in every place that may repeat one: found nowhere that is kept.
    @Suite struct PlantedSecretTests {
        @Test(.timeLimit(.minutes(3))) func keepsNoPlantedCredential() async throws {
            let shapes = PlantedShapes.all
            #expect(shapes.count >= 50)
            #expect(Set(shapes.map(\.name)).count == shapes.count)
            var script = FakeProviderScript.instant
            script.fixedAnswer = { request in
                let number = request.headers.first { $0.name.lowercased() == "x-shape" }.flatMap { Int($0.value) }
                return number.flatMap { shapes.indices.contains($0) ? shapes[$0].answer : nil }
            }
            let bench = try await Bench(script)
            let gateway = try await bench.gateway("--log-level", "trace")
            for (number, shape) in shapes.enumerated() {
                let question = shape.question.with("x-shape: \(number)")
                let answer = try await question.ask(port: gateway.port)
                if shape.isRefused {
                    #expect(answer.status >= 400 && answer.header("x-weir-error-source") == "gateway", "\(shape.name)")
                    for secret in shape.secrets { #expect(!answer.text.contains(secret), "\(shape.name): a fault shows it") }
                } else {
                    #expect(answer.status == shape.answer.status && answer.isWhole, "\(shape.name): \(answer.status)")
                    #expect(answer.body == shape.answer.chunks.flatMap { $0 }, "\(shape.name): bytes go through untouched")
                }
            }
            let metrics = try await Question(method: "GET", path: "/metrics").ask(port: gateway.port)
            #expect(metrics.text.contains("weir_"))
            #expect(try await gateway.stop() == 0)
            #expect(try await Weir.run("index", "--data", bench.data).code == 0)
            let kept = try await PlantedSecretTests.kept(bench, gateway, metrics: metrics.body, exchanges: shapes.count)
            for shape in shapes {
                for form in shape.forms {
                    for (place, bytes) in kept {
                        #expect(bytes.range(of: Data(form.utf8)) == nil, "\(shape.name): \(place) holds \(form)")
                    }
                }
            }
            // The test sees what it looks for: what is no credential is there.
            #expect(kept[0].bytes.range(of: Data("planted-witness".utf8)) != nil)
        }

        /// The same through HTTP/2, where names are compressed and cookies come apart.
        @Test(.timeLimit(.minutes(2)), .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")))
        func keepsNoneOfHTTP2() async throws {
            let secrets = ["planted-h2-bearer-7c1f", "planted-h2-query-8d2a", "planted-h2-cookie-9e3b4"]
            var script = FakeProviderScript.instant
            script.fixedAnswer = { _ in
                FixedAnswer(
                    status: 401, headers: [SeenHeader(name: "x-echo", value: secrets[0])],
                    chunks: [Array(secrets.joined(separator: " ").utf8)])
            }
            let bench = try await Bench(script)
            let (certificate, key) = (bench.scratch.at("server.pem"), bench.scratch.at("server.key"))
            let made = try await Weir.run([
                "/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-keyout", key,
                "-out", certificate, "-subj", "/CN=localhost", "-days", "2", "-addext", "subjectAltName=DNS:localhost",
            ])
            #expect(made.code == 0)
            let file = bench.scratch.at("weir.yaml")
            try Data("tls: {certificate: \(certificate), key: \(key)}\n".utf8).write(to: URL(fileURLWithPath: file))
            let gateway = try await bench.gateway("--config", file, "--log-level", "trace")
            let asked = try await Weir.run([
                "/usr/bin/curl", "-sS", "--http2", "--cacert", certificate, "-H", "Authorization: Bearer \(secrets[0])", "-H",
                "Cookie: a=1; sid=\(secrets[2])", "-d", "{\"model\":\"m\",\"user\":\"planted-witness\"}",
                "https://localhost:\(gateway.port)/v1/chat/completions?key=\(secrets[1])", "-w", " %{http_version}",
            ])
            #expect(asked.text.hasSuffix(" 2") && asked.text.contains(secrets[0]), "\(asked.text) \(asked.errors)")
            #expect(try await gateway.stop() == 0)
            #expect(try await Weir.run("index", "--data", bench.data).code == 0)
            let kept = try await PlantedSecretTests.kept(bench, gateway, metrics: [], exchanges: 1)
            for secret in secrets {
                for (place, bytes) in kept { #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(place) holds \(secret)") }
            }
            #expect(kept[0].bytes.range(of: Data("planted-witness".utf8)) != nil)
        }

        /// Everything that outlives the exchanges: segments as they are and decompressed, index, facts, logs, metrics, what is left of arenas.
        private static func kept(_ bench: Bench, _ gateway: RunningGateway, metrics: [UInt8], exchanges: Int) async throws -> [(
            place: String, bytes: Data
        )] {
            let cat = try await Weir.run("segment", "cat", "--data", bench.data)
            #expect(cat.lines.count == exchanges)
            let facts = try await Weir.run("query", "exchanges", "--json", "--data", bench.data)
            #expect(facts.lines.count == exchanges)
            var kept: [(place: String, bytes: Data)] = [
                ("segments, decompressed", Data(cat.output)), ("facts", Data(facts.output)),
                ("standard error", Data(gateway.errors.utf8)),
                ("metrics", Data(metrics)),
            ]
            for name in try FileManager.default.subpathsOfDirectory(atPath: bench.data) {
                kept.append((name, Data(bytes(of: bench.data + "/" + name))))
            }
            #expect(kept.contains { $0.place == "index.sqlite" && !$0.bytes.isEmpty })
            return kept
        }
    }
}
