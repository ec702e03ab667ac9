// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation

/// The variables this process was started with.
enum ProgramEnvironment {
    static var all: [String: String] { ProcessInfo.processInfo.environment }

    /// A variable that holds something.
    static func value(_ name: String) -> String? { all[name].flatMap { $0.isEmpty ? nil : $0 } }
}

/// The flags of everything that runs with, or looks at, a gateway's configuration.
struct ConfigFlags: ParsableArguments {
    @Option(help: ArgumentHelp("Where to listen (default 127.0.0.1:8080); repeatable.", valueName: "host:port")) var listen:
        [String] = []
    @Option(help: ArgumentHelp("The data directory (default ./weir-data).", valueName: "dir")) var data: String?
    @Option(
        help: ArgumentHelp(
            "A YAML configuration file (default $WEIR_CONFIG, else none); flags and variables win over it.", valueName: "file"))
    var config: String?
    @Flag(help: "Let callers name plain-http and private addresses in x-inference-provider-url.") var allowPrivateUpstreams =
        false
    @Option(help: ArgumentHelp("Override or add a provider's base URL; repeatable.", valueName: "name=base-url")) var provider:
        [String] = []
    @Flag(help: "Listen beyond loopback although no gateway keys are configured.") var open = false
    @Option(help: "Event loops (default 1).") var threads: String?
    @Option(help: "The node's name in records (default the host name).") var node: String?
    @Option(help: "How long running exchanges may take at shutdown (default 30).") var drainSeconds: String?
    @Flag(help: "Do not index inside this process; run `weir index` on a schedule instead.") var noIndex = false
    @Option(help: "trace, debug, info, notice, warning, error or critical (default notice).") var logLevel: String?

    /// Everything that was given, with the environment.
    var inputs: ConfigInputs {
        let environment = ProgramEnvironment.all
        var inputs = ConfigInputs(
            file: config ?? ProgramEnvironment.value(ConfigSchema.configVariable), providers: provider, environment: environment)
        if !listen.isEmpty { inputs.flags["listen"] = listen }
        if let data { inputs.flags["data"] = [data] }
        if allowPrivateUpstreams { inputs.flags["allow_private_upstreams"] = ["true"] }
        if open { inputs.flags["open"] = ["true"] }
        if let threads { inputs.flags["threads"] = [threads] }
        if let node { inputs.flags["node"] = [node] }
        if let drainSeconds { inputs.flags["drain"] = [drainSeconds + "s"] }
        if noIndex { inputs.flags["index"] = ["false"] }
        if let logLevel { inputs.flags["log_level"] = [logLevel] }
        return inputs
    }
}
