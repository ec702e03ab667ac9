// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// One file of a side, as a recipe names it: `trl`, `trl.pairs`, `trl.pairs.arrow-uniform`.
package struct ExportChoice: Hashable, Sendable {
    /// Kinds of rows that some formats have beside their usual one.
    package enum Variant: String, CaseIterable, Sendable {
        /// Preference pairs.
        case pairs
        /// Calls of tools in ShareGPT.
        case tools
    }

    /// What a line looks like.
    package let format: ExportFormat
    /// Nil for the format's usual rows.
    package let variant: Variant?
    /// How strictly the file keeps to one shape.
    package let profile: ExportProfile

    private init(_ format: ExportFormat, _ variant: Variant?, _ profile: ExportProfile) {
        (self.format, self.variant, self.profile) = (format, variant, profile)
    }

    /// The file of a name, or nil where none has it.
    package init?(name: String) {
        guard let known = ExportChoice.byName[name] else { return nil }
        self = known
    }

    /// What every data set has, as `train.jsonl` and `eval.jsonl`; no recipe names it.
    package static let chat = ExportChoice(.chat, nil, .strictVendor)

    /// All that a recipe may name: the formats in their order, strict ones first.
    package static let all: [ExportChoice] = ExportProfile.allCases.flatMap { profile in
        ExportFormat.allCases.filter { $0 != .chat }.flatMap { format in
            variants(of: format).map { ExportChoice(format, $0, profile) }
        }
    }

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    private static func variants(of format: ExportFormat) -> [Variant?] {
        switch format {
        case .together, .fireworks, .trl: [nil, .pairs]
        case .sharegpt: [nil, .tools]
        default: [nil]
        }
    }

    /// The format, its variant and its profile, parted by dots; what is usual is not said.
    package var name: String {
        let parts = [format.rawValue, variant?.rawValue, profile == .strictVendor ? nil : profile.rawValue]
        return parts.compactMap { $0 }.joined(separator: ".")
    }

    /// The file's name: `train.openai-sft.jsonl`, `train.jsonl` for the one that every data set has.
    ///
    /// - Parameter side: `train`, `eval` or any other stem.
    /// - Returns: a file name.
    package func fileName(_ side: String) -> String { self == .chat ? "\(side).jsonl" : "\(side).\(name).jsonl" }

    /// Whether a line is a preferred answer and a worse one.
    package var isOfPairs: Bool { format == .openaiDPO || variant == .pairs }

    /// What the file as a whole decides for its rows.
    package var options: ExportOptions {
        var options = ExportOptions()
        options.preference = isOfPairs
        options.toolsInShareGPT = variant == .tools
        return options
    }

    /// Writes the names as a recipe's member.
    static func write(_ choices: [ExportChoice], to json: inout JSONWriter) {
        json.key("formats")
        json.beginArray()
        for choice in sorted(choices) { json.value(choice.name) }
        json.endArray()
    }

    /// Each once, in the order of their names.
    static func sorted(_ choices: [ExportChoice]) -> [ExportChoice] {
        Set(choices).sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }
}
