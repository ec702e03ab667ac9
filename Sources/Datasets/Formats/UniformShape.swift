// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// The shape of row 1, against which every later value is held: keys, their order, JSON types.
///
/// Elements of a list share one shape, so that all messages of a file are alike. No row may fill a column
/// with times alone, as it would be read as times.
struct UniformShape: Sendable {
    private indirect enum Shape: Sendable {
        case plain(JSONKind, isInteger: Bool)
        case list(Shape)
        case object([(key: String, shape: Shape)])
    }

    private var first: Shape?

    mutating func check(_ root: JSONNode, _ found: inout LineFindings) {
        if let first {
            compare(root, first, "", &found)
        } else {
            first = learn(root, "", depth: 0, &found)
        }
        var columns: [(place: String, isTimes: Bool)] = []
        gather(root, "", depth: 0, &columns)
        for column in columns where column.isTimes { found.add(.timestampValue, column.place) }
    }

    /// The texts of the row by their column: for each whether they are times, all of them.
    private func gather(_ node: JSONNode, _ place: String, depth: Int, _ columns: inout [(place: String, isTimes: Bool)]) {
        guard depth < FormatLimits.uniformDepth else { return }
        if node.kind == .string {
            // Escaped, a time takes at most six bytes a sign.
            let isTime = node.range.count < 256 && TimestampText.isTimestamp(node.unescapedBytes)
            if let known = columns.firstIndex(where: { $0.place == place }) {
                columns[known].isTimes = columns[known].isTimes && isTime
            } else if columns.count < FormatLimits.uniformKeys {
                columns.append((place, isTime))
            }
        }
        for element in node.elements { gather(element, place, depth: depth + 1, &columns) }
        for (key, value) in node.members {
            gather(value, LineFindings.place(place, key.string ?? ""), depth: depth + 1, &columns)
        }
    }

    private func learn(_ node: JSONNode, _ place: String, depth: Int, _ found: inout LineFindings) -> Shape? {
        guard depth < FormatLimits.uniformDepth else {
            found.add(.tooDeep, place)
            return nil
        }
        switch node.kind {
        case .array:
            guard let element = node.elements.first else {
                found.add(.uniformEmptyList, place)
                return nil
            }
            guard let shape = learn(element, "\(place)[0]", depth: depth + 1, &found) else { return nil }
            for (position, other) in node.elements.enumerated().dropFirst() {
                compare(other, shape, "\(place)[\(position)]", &found)
            }
            return .list(shape)
        case .object:
            var members: [(key: String, shape: Shape)] = []
            for (key, value) in node.members {
                guard members.count < FormatLimits.uniformKeys else {
                    found.add(.tooDeep, place)
                    return nil
                }
                let name = key.string ?? ""
                guard let shape = learn(value, LineFindings.place(place, name), depth: depth + 1, &found) else { return nil }
                members.append((name, shape))
            }
            return .object(members)
        default: return .plain(node.kind, isInteger: node.int != nil)
        }
    }

    private func compare(_ node: JSONNode, _ shape: Shape, _ place: String, _ found: inout LineFindings) {
        switch shape {
        case .plain(let kind, let isInteger):
            if node.kind != kind || (node.int != nil) != isInteger { found.add(.uniformType, place) }
        case .list(let element):
            guard node.kind == .array else { return found.add(.uniformType, place) }
            if !node.isFilled { found.add(.uniformEmptyList, place) }
            for (position, value) in node.elements.enumerated() { compare(value, element, "\(place)[\(position)]", &found) }
        case .object(let members):
            guard node.kind == .object else { return found.add(.uniformType, place) }
            var position = 0
            for (key, value) in node.members {
                guard position < members.count, key.equals(members[position].key) else { return found.add(.uniformKeys, place) }
                compare(value, members[position].shape, LineFindings.place(place, members[position].key), &found)
                position += 1
            }
            if position != members.count { found.add(.uniformKeys, place) }
        }
    }
}
