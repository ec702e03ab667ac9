// SPDX-License-Identifier: Apache-2.0
import Gateway
import Platform
import Yams

/// What a gateway runs with: the configuration file under the flags.
struct Configuration {
    var listen = "127.0.0.1:8080"
    var node = Host.hostName()
    var threads = 1
    var allowsPrivateUpstreams = false
    var isOpen = false
    var providers: [String: BaseURL] = [:]
    var drainSeconds: Int64 = 30
    var metrics = MetricsAccess.auto

    /// Keys of the file, all optional; an unknown one is refused, so that a typing error is not a silent default.
    private static let keys = [
        "listen", "node", "threads", "allow_private_upstreams", "open", "providers", "drain_seconds", "metrics",
    ]

    /// Reads a YAML file over the defaults.
    mutating func read(path: String, files: any FileSystem) throws {
        let bytes: [UInt8]
        do { bytes = try files.readFile(path, limit: 1 << 20) } catch {
            throw VerbFailure.usage("the configuration file \(path) cannot be read: \(error)")
        }
        let node: Node?
        do { node = try Yams.compose(yaml: String(decoding: bytes, as: UTF8.self)) } catch {
            throw VerbFailure.usage("\(path) is not YAML: \(error)")
        }
        guard let node else { return }
        guard let mapping = node.mapping else {
            throw VerbFailure.usage("\(path): the top level must be a mapping of keys to values")
        }
        for (key, value) in mapping {
            try apply(key.string ?? "", value, path: path)
        }
    }

    private mutating func apply(_ key: String, _ value: Node, path: String) throws {
        func bad(_ rule: String) -> VerbFailure { .usage("\(path): \(key) \(rule)") }
        switch key {
        case "listen":
            guard let text = value.string else { throw bad("must be HOST:PORT") }
            listen = text
        case "node":
            guard let text = value.string, !text.isEmpty else { throw bad("must be a name") }
            node = text
        case "threads":
            guard let count = value.int, (1...256).contains(count) else { throw bad("must be a number from 1 to 256") }
            threads = count
        case "allow_private_upstreams":
            guard let flag = value.bool else { throw bad("must be true or false") }
            allowsPrivateUpstreams = flag
        case "open":
            guard let flag = value.bool else { throw bad("must be true or false") }
            isOpen = flag
        case "metrics":
            guard let access = value.string.flatMap(MetricsAccess.init(rawValue:)) else { throw bad("must be auto, open or off") }
            metrics = access
        case "drain_seconds":
            guard let count = value.int, (0...3_600).contains(count) else { throw bad("must be a number from 0 to 3600") }
            drainSeconds = Int64(count)
        case "providers":
            guard let entries = value.mapping else { throw bad("must map names to base URLs") }
            for (name, url) in entries { try addProvider("\(name.string ?? "")=\(url.string ?? "")") }
        default:
            throw VerbFailure.usage("\(path): unknown key \(key); known are \(Configuration.keys.joined(separator: ", "))")
        }
    }

    /// Takes `NAME=BASE_URL`.
    mutating func addProvider(_ text: String) throws {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2,
            parts[0].utf8.allSatisfy({ ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2D })
        else {
            throw VerbFailure.usage("--provider takes NAME=BASE_URL with a lower-case name, as in openai=https://api.openai.com")
        }
        do throws(Fault) { providers[parts[0]] = try BaseURL(parts[1]) } catch {
            throw VerbFailure.usage("--provider \(parts[0]): \(error.message)")
        }
    }

    /// Host and port to listen on; anything but loopback needs `--open` while no gateway keys are configured.
    func address() throws -> (host: String, port: Int) {
        guard let colon = listen.lastIndex(of: ":"), let port = Int(listen[listen.index(after: colon)...]),
            (0...65_535).contains(port)
        else {
            throw VerbFailure.usage("--listen takes HOST:PORT, as in 127.0.0.1:8080")
        }
        var host = String(listen[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty else {
            throw VerbFailure.usage("--listen needs a host: 127.0.0.1:\(port), or 0.0.0.0:\(port) with --open")
        }
        let isLoopback = host == "localhost" || host == "::1" || host.hasPrefix("127.")
        guard isLoopback || isOpen else {
            throw VerbFailure.usage(
                "refusing to listen on \(host): anyone who reaches it could use it, for no gateway keys are configured. Listen on 127.0.0.1, or say --open."
            )
        }
        return (host, port)
    }
}
