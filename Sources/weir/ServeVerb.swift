// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Gateway
import Logging
import Platform

struct ServeVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the gateway.",
        discussion: """
            Ready when the port accepts. Logs go to standard error. SIGTERM or Ctrl-C drains: running exchanges finish, the capture queue is written.

            EXAMPLES:
              weir serve
              weir serve --listen 127.0.0.1:9000 --data /var/lib/weir
              weir serve --provider openai=http://127.0.0.1:8000 --allow-private-upstreams
            """)

    @Option(help: ArgumentHelp("Where to listen (default 127.0.0.1:8080).", valueName: "host:port")) var listen: String?
    @OptionGroup var data: DataOption
    @Option(help: ArgumentHelp("A YAML configuration file; flags win over it.", valueName: "file")) var config: String?
    @Flag(help: "Let callers name plain-http and private addresses in x-inference-provider-url.") var allowPrivateUpstreams =
        false
    @Option(help: ArgumentHelp("Override or add a provider's base URL; repeatable.", valueName: "name=base-url")) var provider:
        [String] = []
    @Flag(help: "Listen beyond loopback although no gateway keys are configured.") var open = false
    @Option(help: "Event loops (default 1).") var threads: Int?
    @Option(help: "The node's name in records (default the host name).") var node: String?
    @Option(help: "How long running exchanges may take at shutdown (default 30).") var drainSeconds: Int64?
    @Flag(help: "Do not index inside this process; run `weir index` on a schedule instead.") var noIndex = false
    @Option(help: "trace, debug, info, notice, warning, error or critical.") var logLevel: String = "notice"

    func run() async throws {
        guard let level = Logger.Level(rawValue: logLevel) else {
            throw VerbFailure.usage("--log-level \(logLevel) is not a level")
        }
        var logger = Logger(label: "weir", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = level
        let configuration = try resolved()
        let service = try await GatewayService.start(configuration, directory: data.directory, indexes: !noIndex, logger: logger)
        Terminal.say("weir: listening on \(configuration.listen) (port \(service.port)), data in \(data.data)")
        let signal = await Signals.next()
        logger.notice("draining", metadata: ["signal": "\(signal?.rawValue ?? "none can come")"])
        await service.stop(drainSeconds: configuration.drainSeconds)
    }

    private func resolved() throws -> Configuration {
        var configuration = Configuration()
        if let config { try configuration.read(path: config, files: PosixFileSystem()) }
        if let listen { configuration.listen = listen }
        if allowPrivateUpstreams { configuration.allowsPrivateUpstreams = true }
        if open { configuration.isOpen = true }
        if let threads {
            guard (1...256).contains(threads) else { throw VerbFailure.usage("--threads takes a number from 1 to 256") }
            configuration.threads = threads
        }
        if let node { configuration.node = node }
        if let drainSeconds { configuration.drainSeconds = max(0, drainSeconds) }
        for text in provider { try configuration.addProvider(text) }
        return configuration
    }
}

/// The next signal, awaited without holding a thread of the pool.
enum Signals {
    /// The next signal, or nil where none can come any more: the caller then stops.
    static func next() async -> ProcessSignal? {
        await withCheckedContinuation { continuation in
            do {
                _ = try OwnedThread(name: "weir-signals") { continuation.resume(returning: TerminationSignals.next()) }
            } catch {
                continuation.resume(returning: nil)
            }
        }
    }
}
