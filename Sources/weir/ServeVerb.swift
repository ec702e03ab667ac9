// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Logging
import Platform

struct ServeVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the gateway.",
        discussion: """
            Ready when the port accepts. Logs go to standard error. SIGTERM or Ctrl-C drains: running exchanges finish, the capture queue is written. SIGHUP reads the configuration file and the certificates again; a file with faults changes nothing. SIGUSR2 starts the program anew, hands it the listening sockets and drains. Flag > WEIR_* variable > file > default; `weir doctor` shows what is in force and why.

            EXAMPLES:
              weir serve
              weir serve --config /etc/weir/weir.yaml
              weir serve --listen 127.0.0.1:9000 --data /var/lib/weir
              weir serve --provider openai=http://127.0.0.1:8000 --allow-private-upstreams
            """)

    @OptionGroup var flags: ConfigFlags

    func run() async throws {
        try TerminationSignals.hold()
        let handed = HandedOver.take()
        let inputs = flags.inputs
        let configuration: Configuration
        do throws(ConfigFaults) { configuration = try Configuration(inputs) } catch { throw error.failure }
        TerminationSignals.holdRequests()
        var logger = Logger(label: "weir", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = Logger.Level(rawValue: configuration.logLevel) ?? .notice
        for warning in configuration.resolution.warnings { logger.warning("\(warning)") }
        let service = try await GatewayService.start(
            configuration, directory: configuration.directory, handed: handed, logger: logger)
        let addresses = configuration.addresses.map { "\($0)" }.joined(separator: ", ")
        let place = configuration.capturesNothing ? "nothing is recorded" : "data in \(configuration.directory.path)"
        Terminal.say("weir: listening on \(addresses) (port \(service.port)), \(place)")
        handed.takeOver(within: HandOver.takeOverMilliseconds)
        if handed.hasPredecessor { try await service.beginAccepting() }
        var running = configuration
        while true {
            let signal = await Signals.next()
            switch signal {
            case .hangUp:
                running = await ConfigReload.run(
                    inputs, started: configuration, current: running, server: service.server, capture: service.capture,
                    logger: logger)
            case .user2:
                guard await service.handOverListeners() else { continue }
                logger.notice("draining: a new process has taken over")
                await service.stop(drainMilliseconds: running.drainMilliseconds, isHandedOver: true)
                return
            default:
                logger.notice("draining", metadata: ["signal": "\(signal?.rawValue ?? "none can come")"])
                await service.stop(drainMilliseconds: running.drainMilliseconds)
                return
            }
        }
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
