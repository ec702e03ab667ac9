// SPDX-License-Identifier: Apache-2.0
import Answers
import ArgumentParser
import Capture
import Datasets
import FactStore
import FakeProvider
import Gateway
import Logging
import Platform

struct DemoVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Show everything end to end against a scripted provider; no API key needed.",
        discussion: """
            Starts a scripted provider and a gateway on loopback, drives several conversations through it, indexes, answers, and builds a data set.

            EXAMPLES:
              weir demo
              weir demo --exchanges 2000 --keep
            """)

    @Option(help: "Exchanges to drive through the gateway.") var exchanges = 400
    @Option(help: ArgumentHelp("The data directory (default ./demo-data/TIME).", valueName: "dir")) var data: String?
    @Option(help: ArgumentHelp("Where the gateway listens.", valueName: "host:port")) var listen = "127.0.0.1:0"
    @Option(help: "Seed of the traffic and of the provider.") var seed: UInt64 = 7
    @Flag(help: "Leave the provider and the gateway up until Ctrl-C.") var keep = false

    func run() async throws {
        try TerminationSignals.hold()
        guard (1...1_000_000).contains(exchanges) else { throw VerbFailure.usage("--exchanges takes 1 to 1000000") }
        var logger = Logger(label: "weir", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .warning
        let directory = DataDirectory(path: data ?? "demo-data/\(SystemClock().wallUs / 1_000_000)")

        var script = FakeProviderScript(seed: seed, speed: 12, faults: .everyday)
        script.createdAt = SystemClock().wallUs / 1_000_000
        script.stallMilliseconds = 1_000
        let provider = FakeProviderServer(script: script)
        let providerPort = try provider.start()
        defer { provider.stop() }
        let service = try await GatewayService.start(
            try configuration(providerPort: providerPort), directory: directory, logger: logger)

        Terminal.say("1  a scripted provider answers on port \(providerPort); the gateway listens on port \(service.port)")
        try await drive(port: service.port)
        do {
            try DemoReport(directory: directory, recorded: service.capture.counters.admitted).show()
        } catch {
            await service.stop(drainMilliseconds: 5_000)
            throw error
        }
        if keep { try await wait(port: service.port, directory: directory) }
        await service.stop(drainMilliseconds: 5_000)
    }

    private func configuration(providerPort: Int) throws -> Configuration {
        let providers = ["openai", "anthropic"].map { "\($0)=http://127.0.0.1:\(providerPort)" }
        return try Configuration(
            ConfigInputs(flags: ["listen": [listen], "index": [keep ? "true" : "false"]], providers: providers))
    }

    private func drive(port: Int) async throws {
        let driver = TrafficDriver(plan: TrafficPlan(port: port, exchanges: exchanges, seed: seed))
        let result = try await driver.run { progress in
            let filled = progress.total > 0 ? progress.done * 30 / progress.total : 0
            let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 30 - filled)
            Terminal.progress("2  [\(bar)] \(progress.done)/\(progress.total) exchanges, \(progress.errors) not answered well")
        }
        let outcomes = result.byOutcome.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.value) \($0.key.rawValue)" }
        Terminal.progress(
            "2  \(result.exchanges) exchanges of \(result.conversations) conversations in \(result.elapsedMilliseconds) ms: "
                + outcomes.joined(separator: ", "), isLast: true)
    }

    private func wait(port: Int, directory: DataDirectory) async throws {
        Terminal.say(
            """

            The gateway stays up until Ctrl-C. In another terminal:
              curl http://127.0.0.1:\(port)/v1/chat/completions -H 'content-type: application/json' -H 'authorization: Bearer any' \\
                -d '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello"}]}'
            """)
        _ = await Signals.next()
    }
}

/// What the demo shows once the traffic is over: the log, the answers, the data set.
struct DemoReport {
    let directory: DataDirectory
    /// Exchanges that the gateway admitted.
    let recorded: Int

    func show() throws {
        let facts = try indexAll()
        Terminal.say("3  \(recorded) exchanges admitted, \(facts) facts in the index: nothing lost\n")
        let store = try FactStore.open(path: directory.index, mode: .readOnly)
        for name in ["tail-latency", "errors"] {
            try Terminal.data("weir query \(name)\n\n")
            try Answers.write(name, filter: FactFilter(), form: .table(hasPicture: true), store: store) { try Terminal.data($0) }
            try Terminal.data("\n")
        }
        let report = try DatasetRun.run(DatasetRecipe(name: "demo"), directory, output: nil)
        try Terminal.data(
            "weir dataset build --name demo\n\n" + DatasetRun.text(report, output: PathText.join(directory.datasets, "demo")))
        try Terminal.data(nextSteps)
    }

    /// Indexes until every admitted exchange is there; the capture thread needs a moment to write the last ones.
    private func indexAll() throws -> Int64 {
        let clock = SystemClock()
        let deadline = clock.monotonicUs + 15_000_000
        while true {
            _ = try IndexRun.run(directory, maxDurationUs: 15_000_000, showsProgress: false)
            let facts = try FactStore.open(path: directory.index, mode: .readOnly).count()
            if facts >= recorded { return facts }
            guard clock.monotonicUs < deadline else {
                throw VerbFailure.found("\(recorded) exchanges were admitted, but only \(facts) are in the index")
            }
            clock.sleep(us: 50_000)
        }
    }

    private var nextSteps: String {
        """

        Everything lies in \(directory.path): segments/ (the log), index.sqlite (derived), datasets/demo/.
        Try next:
          weir query tokens --data \(directory.path)
          weir query exchanges --data \(directory.path) --limit 5
          weir segment cat --data \(directory.path) | head -1 | jq .
          weir serve --listen 127.0.0.1:8080        then point an SDK's base URL at http://127.0.0.1:8080/v1

        """
    }
}
