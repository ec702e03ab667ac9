// SPDX-License-Identifier: Apache-2.0
import ByteCoding
package import Redaction

/// What a recipe wants taken out of rows, and by which key.
package struct RedactRules: Equatable, Sendable {
    /// What is looked for; nothing where it is empty.
    package var kinds = Set(DetectorKind.allCases)
    /// The id of the key that pseudonyms are made with; nil takes the first of the file, or the salt's.
    package var key: String?
    /// The file of keys; nil makes a key from the recipe's salt.
    ///
    /// A place on one machine: in no manifest and no hash.
    package var keyFile: String?

    /// Every default.
    package init() {}

    /// The kinds by name, sorted.
    package var kindNames: [String] { kinds.map(\.rawValue).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }

    /// Leaves only the kinds that are named.
    package mutating func keep(_ names: [String]) { kinds = kinds.filter { names.contains($0.rawValue) } }

    /// Writes what decides the rows, keys sorted.
    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.key("key")
        json.value(key)
        json.key("kinds")
        json.beginArray()
        for name in kindNames { json.value(name) }
        json.endArray()
        json.endObject()
    }

    /// What is wrong with the rules: the recipe's key and words for it, or nil.
    var fault: (key: String, words: String)? {
        if let key, key.utf8.count != 8 || Hex.decode(Array(key.utf8)) == nil {
            return ("redact.key", "must be the eight hex digits that name a key")
        }
        if let keyFile, keyFile.utf8.isEmpty || keyFile.utf8.count > DatasetLimits.pathBytes {
            return ("redact.key_file", "must be a path of at most \(DatasetLimits.pathBytes) bytes")
        }
        return nil
    }
}
