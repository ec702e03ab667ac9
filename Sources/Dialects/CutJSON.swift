// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// What can be told of a JSON object of which only the head and the tail were kept.
///
/// Members that lie whole in the head, and those that lie whole in the tail and belong to the outermost object, are put together
/// into one small object. Nothing of what lay across the joint, or nested inside it, is guessed.
enum CutJSON {
    /// Members of the outermost object that are worth finding in a tail; whatever follows one of them is found with it.
    private static let keys = [
        "usage", "usageMetadata", "meta", "model", "modelVersion", "stream", "stream_options", "status", "stop_reason",
        "stopReason", "finish_reason", "service_tier", "error", "metrics", "done_reason", "messages", "system", "tools",
    ]

    /// The members that are whole, as one JSON object; nil where there are none.
    ///
    /// - Parameters:
    ///   - bytes: head and tail, one after the other.
    ///   - joint: where the tail begins; nil where there is a head alone.
    /// - Returns: the object.
    static func stitched(_ bytes: [UInt8], joint: Int?) -> JSONDocument? {
        var object: [UInt8] = [UInt8(ascii: "{")]
        for member in headMembers(bytes, to: joint ?? bytes.count) {
            if object.count > 1 { object.append(UInt8(ascii: ",")) }
            object.append(contentsOf: bytes[member])
        }
        if let joint, let tail = tailMembers(bytes, from: joint) {
            if object.count > 1 { object.append(UInt8(ascii: ",")) }
            object.append(contentsOf: bytes[tail])
        } else {
            object.append(UInt8(ascii: "}"))
        }
        return object.count > 2 ? JSONDocument.read(object) : nil
    }

    /// The ranges of the members that lie whole before `limit`, each from its key to the end of its value.
    private static func headMembers(_ bytes: [UInt8], to limit: Int) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var i = skipSpace(bytes, from: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0, to: limit)
        guard i < limit, bytes[i] == UInt8(ascii: "{") else { return [] }
        i = skipSpace(bytes, from: i + 1, to: limit)
        while i < limit, bytes[i] == UInt8(ascii: "\""), let keyEnd = JSONText.endOfString(bytes, from: i, to: limit) {
            var place = skipSpace(bytes, from: keyEnd, to: limit)
            guard place < limit, bytes[place] == UInt8(ascii: ":") else { break }
            place = skipSpace(bytes, from: place + 1, to: limit)
            guard place < limit, let stop = JSONText.end(of: bytes, from: place, to: limit) else { break }
            found.append(i..<stop)
            i = skipSpace(bytes, from: stop, to: limit)
            guard i < limit, bytes[i] == UInt8(ascii: ",") else { break }
            i = skipSpace(bytes, from: i + 1, to: limit)
        }
        return found
    }

    /// The range from the first key of the outermost object in the tail to the object's end.
    ///
    /// A key is taken for one of the outermost object where the bytes from it on are exactly the rest of an object: with a key
    /// further in, a bracket too many would be left. Inside a string there is no such key, since quotes are escaped there.
    private static func tailMembers(_ bytes: [UInt8], from joint: Int) -> Range<Int>? {
        for place in candidates(bytes, from: joint) {
            var text: [UInt8] = [UInt8(ascii: "{")]
            text.append(contentsOf: bytes[place...])
            if JSONDocument.read(text) != nil { return place..<bytes.count }
        }
        return nil
    }

    /// Where one of the keys stands in the tail with a colon behind it, in order; of many the last ones.
    private static func candidates(_ bytes: [UInt8], from joint: Int) -> [Int] {
        var found: [Int] = []
        var i = joint
        while i < bytes.count {
            if bytes[i] == UInt8(ascii: "\""), i == 0 || bytes[i - 1] != UInt8(ascii: "\\"), isKey(bytes, at: i) {
                found.append(i)
            }
            i += 1
        }
        return found.suffix(DialectLimits.tailTries)
    }

    private static func isKey(_ bytes: [UInt8], at place: Int) -> Bool {
        for key in keys {
            let stop = place + 1 + key.utf8.count
            guard stop < bytes.count, bytes[stop] == UInt8(ascii: "\""), bytes[place + 1..<stop].elementsEqual(key.utf8) else {
                continue
            }
            let colon = skipSpace(bytes, from: stop + 1, to: bytes.count)
            return colon < bytes.count && bytes[colon] == UInt8(ascii: ":")
        }
        return false
    }

    private static func skipSpace(_ bytes: [UInt8], from start: Int, to limit: Int) -> Int {
        var i = start
        while i < limit, JSONText.isSpace(bytes[i]) { i += 1 }
        return i
    }
}
