// SPDX-License-Identifier: Apache-2.0
import Capture
import Gateway
import Logging

/// What SIGHUP does: everything is read again, checked, and applied where it can be; a bad file changes nothing.
struct ConfigReload {
    /// Settings whose value differs, parted by what a running gateway can do with them.
    struct Difference: Equatable {
        var applied: [String] = []
        var needingRestart: [String] = []
        var isEmpty: Bool { applied.isEmpty && needingRestart.isEmpty }
    }

    /// Compares two configurations; names only, for values may be secrets.
    static func difference(_ old: Configuration, _ new: Configuration) -> Difference {
        var difference = Difference()
        for setting in ConfigSchema.table.settings
        where old.resolution.values[setting.path]?.value != new.resolution.values[setting.path]?.value {
            if setting.isReloadable {
                difference.applied.append(setting.path)
            } else {
                difference.needingRestart.append(setting.path)
            }
        }
        if ConfigStanzaText.providers(old.resolution) != ConfigStanzaText.providers(new.resolution) {
            difference.applied.append("providers")
        }
        if ConfigStanzaText.keys(old.resolution) != ConfigStanzaText.keys(new.resolution) { difference.applied.append("keys") }
        if old.resolution.rules.map(\.words) != new.resolution.rules.map(\.words) {
            difference.applied.append(ConfigSchema.rulesPath)
        }
        // The bypass has no capture that could be told otherwise.
        if old.capturesNothing, !new.capturesNothing { difference.needingRestart.append("capture.mode") }
        return difference
    }

    /// Reads the inputs again and applies them.
    ///
    /// - Parameters:
    ///   - inputs: the file and flags of the start; the environment of a process does not change while it runs.
    ///   - started: what the process was started with, which a reload cannot change as a whole.
    ///   - current: what runs now.
    ///   - server: what takes the new settings.
    ///   - capture: what takes the new policy.
    ///   - logger: told what changed, and what does not take effect before a restart.
    /// - Returns: the configuration that runs from now on.
    static func run(
        _ inputs: ConfigInputs, started: Configuration, current: Configuration, server: GatewayServer, capture: CaptureEngine,
        logger: Logger
    ) async -> Configuration {
        let new: Configuration
        do throws(ConfigFaults) { new = try Configuration(inputs) } catch {
            logger.error(
                "the new configuration has faults; the old one stays",
                metadata: ["faults": "\(error.list.map { "\($0)" }.joined(separator: "; "))"])
            return current
        }
        if let address = started.addresses.first(where: { !$0.isLoopback }), new.resolution.keys.isEmpty,
            !started.resolution.flag("open")
        {
            logger.error(
                "the new configuration has no gateway keys while this gateway listens beyond loopback; the old one stays",
                metadata: ["address": "\(address)"])
            return current
        }
        let needingRestart = difference(started, new).needingRestart
        if !needingRestart.isEmpty {
            logger.warning("these settings take effect after a restart", metadata: ["settings": "\(list(needingRestart))"])
        }
        do { try await server.apply(new.settings) } catch {
            logger.error("the new configuration cannot be used; the old one stays", metadata: ["error": "\(error)"])
            return current
        }
        capture.apply(new.capturePolicy)
        do { try await server.reloadCertificates() } catch {
            logger.error("the certificates stay as they were", metadata: ["error": "\(error)"])
        }
        logger.notice("configuration reloaded", metadata: ["changed": "\(list(difference(current, new).applied))"])
        return new
    }

    private static func list(_ names: [String]) -> String { names.isEmpty ? "nothing" : names.joined(separator: ", ") }
}

/// Stanzas in a comparable form, secrets and all: never shown.
enum ConfigStanzaText {
    static func providers(_ resolution: ConfigResolution) -> [String] {
        resolution.providers.map { provider in
            let aws = provider.aws.map {
                [$0.accessKeyID, $0.secretAccessKey, $0.sessionToken ?? "", $0.region, $0.service].joined(separator: "\n")
            }
            let url = provider.url.map { $0.origin + $0.path } ?? ""
            let lists = [provider.hosts.joined(separator: ","), provider.apis?.joined(separator: ",") ?? "-"]
            let words = [provider.name, url, provider.key ?? "", provider.region ?? "", provider.usageOptIn ?? "", aws ?? ""]
            return (words + lists).joined(separator: "\n")
        }.sorted()
    }

    static func keys(_ resolution: ConfigResolution) -> [String] {
        resolution.keys.map { key in
            switch key.form {
            case .sha256(let bytes): "\(key.id)\n\(bytes)"
            case .plain(let text): "\(key.id)\n\(text)"
            }
        }.sorted()
    }
}
