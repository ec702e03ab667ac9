// SPDX-License-Identifier: Apache-2.0
import FactStore

/// The metadata keys that rollups are told apart by, as an operator gives them.
enum MetadataDimensions {
    /// The keys, each once, in their order.
    ///
    /// - Parameters:
    ///   - keys: as given.
    ///   - setting: what they were given to, for the message.
    /// - Returns: the keys.
    /// - Throws: `VerbFailure` where they are too many.
    static func checked(_ keys: [String], setting: String) throws -> [String] {
        var once: [String] = []
        for key in keys where !once.contains(key) { once.append(key) }
        guard once.count <= FactStoreLimits.declaredKeys else {
            throw VerbFailure.usage(
                "\(setting) takes at most \(FactStoreLimits.declaredKeys) keys, each with few values: every hour has a cell for each "
                    + "combination. Any other key can still be asked for; it is looked up exchange by exchange.")
        }
        return once
    }
}
