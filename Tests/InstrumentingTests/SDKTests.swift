// SPDX-License-Identifier: Apache-2.0
import Foundation
import Instrumenting
import Platform
import Testing

private let python = ProcessInfo.processInfo.environment["WEIR_PYTHON"].flatMap { $0.isEmpty ? nil : $0 }

/// The edited code in the hands of the real SDKs: where do the requests go, and with which headers?
@Suite(.enabled(if: python != nil, "WEIR_PYTHON names no Python with the official SDKs; `make test` sets it"))
struct SDKTests {
    private static let app = """
        import anthropic
        from openai import OpenAI
        from openai import AzureOpenAI

        client = OpenAI(api_key="provider-key", max_retries=0)
        azure = AzureOpenAI(api_key="azure-key", azure_endpoint="https://desk.openai.azure.com", api_version="1", max_retries=0)
        claude = anthropic.Anthropic(
            api_key="provider-key",
            max_retries=0
        )
        """

    /// Listens, says its port, waits for a line, makes the requests, and prints what it saw.
    private static let script = """
        import http.server, json, sys, threading
        seen = []
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                seen.append([self.path, {name.lower(): value for name, value in self.headers.items()}])
                self.send_response(500)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")
            def log_message(self, *rest): pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_port, flush=True)
        sys.path.insert(0, sys.stdin.readline().strip())
        import app
        asks = [
            lambda: app.client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}]),
            lambda: app.azure.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}]),
            lambda: app.claude.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}]),
        ]
        for ask in asks:
            try: ask()
            except Exception as error: print(type(error).__name__, error, file=sys.stderr)
        print(json.dumps(seen))
        """

    private func ask(_ contract: HeaderContract, variables: [String: String] = [:]) throws -> [(
        path: String, headers: [String: String]
    )] {
        let scratch = try Scratch()
        try scratch.write("app.py", Self.app)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python ?? "")
        process.arguments = ["-c", Self.script]
        process.environment = ["PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"].merging(variables) { $1 }
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        var port: [UInt8] = []
        while let byte = try output.fileHandleForReading.read(upToCount: 1)?.first, byte != 0x0A { port.append(byte) }
        let options = try InstrumentOptions(
            gateway: "http://127.0.0.1:\(String(decoding: port, as: UTF8.self))", contract: contract, task: "triage",
            environment: "test")
        let files = PosixFileSystem()
        let plan = try TreePlan(path: scratch.path, options: options, files: files)
        #expect(plan.undecided.isEmpty && plan.apply(files).isEmpty)
        try input.fileHandleForWriting.write(contentsOf: Data((scratch.path + "\n").utf8))
        let seen = try JSONSerialization.jsonObject(with: output.fileHandleForReading.readDataToEndOfFile()) as? [[Any]]
        process.waitUntilExit()
        return (seen ?? []).map { ($0[0] as? String ?? "", $0[1] as? [String: String] ?? [:]) }
    }

    @Test func dropInRequestsReachWeirWithTheProvidersKey() throws {
        let seen = try ask(.dropIn)
        #expect(
            seen.map(\.path) == ["/v1/chat/completions", "/openai/deployments/m/chat/completions?api-version=1", "/v1/messages"])
        for exchange in seen {
            #expect(exchange.headers["x-inference-task-id"] == "triage")
            #expect(exchange.headers["x-inference-environment"] == "test")
        }
        #expect(seen.first?.headers["authorization"] == "Bearer provider-key")
        #expect(seen[1].headers["x-inference-provider"] == "azure-openai")
        #expect(seen[1].headers["x-inference-provider-url"] == "https://desk.openai.azure.com")
        #expect(seen[1].headers["api-key"] == "azure-key")
    }

    @Test func currentContractPutsTheProjectsKeyFirst() throws {
        let seen = try ask(.current, variables: ["WEIR_API_KEY": "weir_project"])
        #expect(seen.count == 3)
        for (exchange, key) in zip(seen, ["provider-key", "azure-key", "provider-key"]) {
            #expect(exchange.headers["x-inference-provider-api-key"] == key)
            let credentials = ["authorization", "x-api-key", "api-key"].compactMap { exchange.headers[$0] }
            #expect(credentials.contains { $0.hasSuffix("weir_project") })
            #expect(!credentials.contains { $0.contains(key) })
        }
    }
}
