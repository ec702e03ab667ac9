// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Platform

struct DoctorVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Show the effective configuration with its origins, and check what a gateway needs.",
        discussion: """
            Takes the flags of `weir serve`, changes nothing, shows no secret. Exit codes: 0 all well, 1 something was found wrong, 2 the configuration has faults.

            EXAMPLES:
              weir doctor
              weir doctor --config /etc/weir/weir.yaml --json
              weir doctor --reach
              weir doctor --schema
            """)

    @OptionGroup var flags: ConfigFlags
    @Flag(help: "One JSON object on standard output.") var json = false
    @Flag(help: "Ask every provider's base URL for an answer, without a key.") var reach = false
    @Flag(help: "The table of all settings, as the documentation has it, and nothing else.") var schema = false

    func run() async throws {
        if schema { return try Terminal.data(ConfigSchemaPage.text) }
        let inputs = flags.inputs
        let configuration: Configuration
        do throws(ConfigFaults) { configuration = try Configuration(inputs) } catch {
            if json { try Terminal.data(DoctorReport.json(error)) }
            throw error.failure
        }
        var report = DoctorReport(configuration.resolution)
        report.findings = await DoctorChecks(
            configuration: configuration, environment: inputs.environment, clock: SystemClock()
        ).local()
        if reach { report.findings += await DoctorReach(configuration: configuration).findings() }
        try Terminal.data(json ? report.json : Array(report.text.utf8))
        if !report.isWell { throw VerbFailure.found("") }
    }
}
