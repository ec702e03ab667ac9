// SPDX-License-Identifier: Apache-2.0
import Capture
import Gateway
import Platform

/// What a gateway runs with: file, environment and flags, read and checked; nothing in it can be wrong any more but the files it names.
struct Configuration {
    let resolution: ConfigResolution
    /// What the gateway may replace while it runs.
    let settings: GatewaySettings

    /// Reads everything.
    ///
    /// - Throws: `ConfigFaults`, all of them at once.
    init(_ inputs: ConfigInputs, files: any FileSystem = PosixFileSystem()) throws(ConfigFaults) {
        resolution = ConfigResolution(inputs, files: files)
        var wiring = ConfigWiring(resolution)
        settings = wiring.settings()
        let faults = resolution.faults + wiring.faults
        guard faults.isEmpty else { throw ConfigFaults(list: faults) }
    }

    /// Flags over the defaults, with no file and no environment.
    init(listen: String, providers: [String]) throws(ConfigFaults) {
        try self.init(ConfigInputs(flags: ["listen": [listen]], providers: providers))
    }

    var listeners: [ListenerSettings] { ConfigWiring.listeners(resolution) }
    var tls: ListenerTLS? { ConfigWiring.tls(resolution) }
    var addresses: [ListenAddress] {
        guard case .list(let list) = resolution["listen"] else { return [] }
        return list.compactMap { try? ListenAddress($0) }
    }
    var directory: DataDirectory { DataDirectory(path: resolution.text("data") ?? "./weir-data") }
    var node: String { resolution.text("node") ?? Host.hostName() }
    var threads: Int { Int(resolution.number("threads")) }
    var indexes: Bool { resolution.flag("index") }
    var drainMilliseconds: Int64 { resolution.number("drain") }
    var logLevel: String { resolution.text("log_level") ?? "notice" }
    /// The bypass: nothing can be recorded, whoever asks.
    var capturesNothing: Bool {
        let policy = capturePolicy
        return policy.terms.mode == .off && policy.rules.allSatisfy { $0.terms.mode == .off } && policy.header != .any
    }
    var capturePolicy: CapturePolicy { ConfigWiring.policy(resolution) }
    var captureLimits: CaptureLimits { ConfigWiring.captureLimits(resolution) }
    var metrics: MetricsAccess { resolution.text("metrics").flatMap(MetricsAccess.init) ?? .auto }
}

extension ConfigResolution {
    func number(_ path: String) -> Int64 { if case .number(let number) = self[path] { number } else { 0 } }
    func flag(_ path: String) -> Bool { self[path] == .flag(true) }
    func text(_ path: String) -> String? { if case .text(let text) = self[path] { text } else { nil } }
    func list(_ path: String) -> [String] { if case .list(let list) = self[path] { list } else { [] } }
}
