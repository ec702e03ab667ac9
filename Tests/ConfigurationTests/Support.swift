// SPDX-License-Identifier: Apache-2.0
import Platform
import Testing

@testable import weir

/// A configuration file in memory, with what surrounds it.
struct Trial {
    var yaml: String?
    var flags: [String: [String]] = [:]
    var providers: [String] = []
    var environment: [String: String] = [:]
    /// Further files by path.
    var others: [String: String] = [:]

    init(
        _ yaml: String?, flags: [String: [String]] = [:], providers: [String] = [], environment: [String: String] = [:],
        others: [String: String] = [:]
    ) {
        self.yaml = yaml
        self.flags = flags
        self.providers = providers
        self.environment = environment
        self.others = others
    }

    private var inputs: ConfigInputs {
        ConfigInputs(file: yaml == nil ? nil : "weir.yaml", flags: flags, providers: providers, environment: environment)
    }

    private func files() throws -> MemoryFileSystem {
        let files = MemoryFileSystem()
        if let yaml { try files.replaceFile("weir.yaml", with: Array(yaml.utf8)) }
        for (path, text) in others {
            try files.createDirectories(PathText.parent(of: path))
            try files.replaceFile(path, with: Array(text.utf8))
        }
        return files
    }

    func emptyFiles() throws -> MemoryFileSystem { MemoryFileSystem() }

    func resolution() throws -> ConfigResolution { ConfigResolution(inputs, files: try files()) }

    func configuration() throws -> Configuration { try Configuration(inputs, files: try files()) }

    /// The faults, one line each.
    func faults() throws -> [String] {
        let files = try files()
        do throws(ConfigFaults) {
            _ = try Configuration(inputs, files: files)
            return []
        } catch { return error.list.map { "\($0)" } }
    }

    /// The value of a setting as doctor shows it, and its origin.
    func shown(_ path: String) throws -> String {
        let report = DoctorReport(try resolution())
        let setting = try #require(report.settings.first { $0.path == path }, "no setting \(path)")
        return "\(setting.value) from \(setting.origin)"
    }
}
