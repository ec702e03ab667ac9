// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing

private enum CertificateTools {
    static let areHere = ["/usr/bin/openssl", "/usr/bin/curl"].allSatisfy(FileManager.default.isExecutableFile(atPath:))
}

extension SystemTests {
    @Suite(.enabled(if: CertificateTools.areHere, "needs the openssl and curl programs")) struct CertificateTests {
        /// Writes a certificate of its own authority and its key.
        private func issue(_ name: String, _ certificate: String, _ key: String) async throws {
            let made = try await Weir.run([
                "/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-keyout", key, "-out", certificate, "-subj", "/CN=\(name)", "-days", "2", "-addext",
                "subjectAltName=DNS:localhost",
            ])
            guard made.code == 0 else { throw TestToolError("openssl: \(made.errors)") }
        }

        /// Who the gateway says it is.
        private func subject(_ port: Int) async throws -> String {
            let line = "openssl s_client -connect 127.0.0.1:\(port) </dev/null 2>/dev/null | grep '^subject='"
            return try await Weir.shell(line).text
        }

        @Test(.timeLimit(.minutes(2))) func readsTheCertificateAgainOnSIGHUP() async throws {
            let bench = try await Bench()
            let (certificate, key) = (bench.scratch.at("server.pem"), bench.scratch.at("server.key"))
            try await issue("first.test", certificate, key)
            let file = bench.scratch.at("weir.yaml")
            try Data("tls: {certificate: \(certificate), key: \(key)}\n".utf8).write(to: URL(fileURLWithPath: file))
            let gateway = try await bench.gateway("--config", file)
            #expect(try await subject(gateway.port).contains("first.test"))

            try await issue("second.test", certificate, key)
            gateway.process.send(SIGHUP)
            _ = try await eventually("the new certificate") {
                try await subject(gateway.port).contains("second.test") ? true : nil
            }
            let asked = try await Weir.run([
                "/usr/bin/curl", "-sS", "--cacert", certificate, "https://localhost:\(gateway.port)/healthz", "-w",
                " %{http_version}",
            ])
            #expect(asked.text.contains("alive") && asked.text.hasSuffix(" 2"), "\(asked.text) \(asked.errors)")

            try Data("no certificate".utf8).write(to: URL(fileURLWithPath: certificate))
            gateway.process.send(SIGHUP)
            _ = try await eventually("the refusal") { gateway.errors.contains("holds no certificate") ? true : nil }
            #expect(try await subject(gateway.port).contains("second.test"))
            #expect(try await gateway.stop() == 0)
        }
    }
}
