// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// The model that a request's path names: `models/M:verb`, `models/M`, `models/OWNER/M`, `model/M/verb`; with a verb also
/// `tunedModels/M:verb` and `endpoints/M:verb`.
enum ModelFromPath {
    /// What may follow a model in a path and is no part of its name.
    private static let resources = ["versions", "predictions", "operations", "permissions", "pipeline", "v1", "chat"]

    /// The model, percent-decoded; nil where the path names none.
    ///
    /// The last colon ends the name only before a method that is known: tuned models have colons in their names.
    static func model(_ path: String) -> String? {
        let end = path.utf8.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        let segments = Array(end).split(separator: UInt8(ascii: "/"))
        for (i, segment) in segments.enumerated().reversed() where i + 1 < segments.count {
            if segment.elementsEqual("model".utf8), i + 2 < segments.count { return text(segments[i + 1]) }
            var name = withoutMethod(segments[i + 1])
            let isTuned = segment.elementsEqual("tunedModels".utf8) || segment.elementsEqual("endpoints".utf8)
            if isTuned, name.count < segments[i + 1].count { return text(name) }
            guard segment.elementsEqual("models".utf8) else { continue }
            if name.count == segments[i + 1].count, i + 2 < segments.count, !isResource(segments[i + 2]) {
                name += [UInt8(ascii: "/")] + withoutMethod(segments[i + 2])
            }
            return text(name)
        }
        return nil
    }

    private static func isResource(_ segment: ArraySlice<UInt8>) -> Bool {
        resources.contains { segment.elementsEqual($0.utf8) }
    }

    private static func withoutMethod(_ segment: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard let colon = segment.lastIndex(of: UInt8(ascii: ":")) else { return segment }
        let method = segment[(colon + 1)...]
        let isKnown =
            APIRoute.endsWithGeminiMethod(segment) || method.elementsEqual("rawPredict".utf8)
            || method.elementsEqual("streamRawPredict".utf8)
        return isKnown ? segment[..<colon] : segment
    }

    private static func text(_ name: ArraySlice<UInt8>) -> String? {
        guard !name.isEmpty, name.count <= DialectLimits.nameBytes else { return nil }
        return String(decoding: PercentDecoding.decoded(name), as: UTF8.self)
    }
}
