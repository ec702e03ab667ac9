// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Platform
import Testing

@testable import weir

@Suite struct DocumentTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    @Test func schemaIsConsistent() throws {
        let settings = ConfigSchema.table.settings
        #expect(Set(settings.map(\.path)).count == settings.count)
        #expect(Set(settings.map(\.variable)).count == settings.count)
        let flags = settings.compactMap(\.flag)
        #expect(Set(flags).count == flags.count)
        for setting in settings {
            #expect(setting.doc.hasSuffix(".") && setting.doc.count > 10, "\(setting.path)")
            #expect(!ConfigSchema.table.isSection(setting.path), "\(setting.path) is a setting and a section")
            if let fallback = setting.fallback { _ = try setting.kind.value([fallback]) }
        }
        for short in ConfigSchema.shortForms { #expect(ConfigSchema.table[short.value] != nil) }
    }

    @Test func pageHoldsTheGeneratedTables() throws {
        let page = try DocumentTests.text("notebooks-docs/configuration.md")
        #expect(page.contains(ConfigSchemaPage.text), "paste the output of `weir doctor --schema` into the page")
        for name in [ConfigSchema.configVariable, ConfigSchema.providersVariable, ConfigSchema.keysVariable] {
            #expect(page.contains(name))
        }
    }

    @Test func everyFlagOfServeIsASettingOrNamedOnThePage() throws {
        let page = try DocumentTests.text("notebooks-docs/configuration.md")
        let help = ServeVerb.helpMessage()
        let flags = Set(help.matches(of: /\s(--[a-z-]+)/).map { String($0.1) }).subtracting(["--help", "--version"])
        #expect(flags.count >= 11)
        for flag in flags { #expect(page.contains("`\(flag)"), "\(flag)") }
        for flag in ConfigSchema.table.settings.compactMap(\.flag) { #expect(flags.contains(flag), "\(flag)") }
    }

    @Test func exampleFileSaysTheDefaults() throws {
        let path = DocumentTests.root.appendingPathComponent("fixtures/weir.example.yaml").path
        let environment = ["WEIR_TEAM_KEY": "weir_0123456789abcdef"]
        let resolution = ConfigResolution(ConfigInputs(file: path, environment: environment), files: PosixFileSystem())
        #expect(resolution.faults == [])
        let defaults = ConfigResolution(ConfigInputs(), files: PosixFileSystem())
        for setting in ConfigSchema.table.settings {
            let effective = try #require(resolution.values[setting.path])
            #expect(effective.value == defaults.values[setting.path]?.value, "\(setting.path)")
            // A proxy in the file would hide those of the environment.
            let isLeftOut = !setting.usualVariables.isEmpty
            if setting.fallback != nil, !isLeftOut, effective.origin == .fallback {
                Issue.record("the example does not show \(setting.path)")
            }
        }
    }

    @Test func exampleFileReadsWithEveryCommentTakenOff() throws {
        let text = try DocumentTests.text("fixtures/weir.example.yaml")
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        // A setting that is commented out keeps its place after the "#"; prose follows "# ".
        let all = lines.map { line in
            guard let hash = line.firstIndex(of: "#"), line[..<hash].allSatisfy({ $0 == " " }) else { return line }
            let rest = line[line.index(after: hash)...]
            return rest.hasPrefix(" ") && !rest.hasPrefix("  ") ? "" : String(line[..<hash]) + rest
        }
        let environment = [
            "WEIR_TEAM_KEY": "weir_0123456789abcdef", "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B",
            "AWS_SESSION_TOKEN": "C",
        ]
        let others = [
            "/etc/weir/cert.pem": "x", "/etc/weir/key.pem": "y", "/etc/weir/company-ca.pem": "z",
            "/etc/weir/segments.key": "k",
        ]
        let trial = Trial(all.joined(separator: "\n"), environment: environment, others: others)
        #expect(try trial.faults() == [])
        let resolution = try trial.resolution()
        for setting in ConfigSchema.table.settings {
            #expect(resolution.values[setting.path]?.origin != .fallback, "the example does not name \(setting.path)")
        }
        #expect(resolution.providers.count >= 3 && resolution.keys.count == 2)
    }
}
