// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

extension LedgerPayload {
    /// Reads a payload, or nil where it is none, or breaks a limit.
    ///
    /// Lenient about order and white space: whoever needs the canonical bytes encodes again and compares.
    init?(reading bytes: [UInt8]) {
        guard let document = JSONDocument.read(bytes) else { return nil }
        self.init(document.root)
    }

    /// The same of a node.
    init?(_ node: JSONNode) {
        let fields = PayloadFields(node)
        guard let seq = fields.integer("seq"), let kind = fields.text("kind").flatMap(LedgerEntry.Kind.init(rawValue:)),
            let entry = LedgerPayload.entry(kind, fields)
        else { return nil }
        guard let marks = LedgerPayload.marks(kind, fields) else { return nil }
        do throws(ControlStoreError) { try LedgerRules.check(entry) } catch { return nil }
        self.init(seq: seq, entry: entry, marks: marks)
    }

    private static func entry(_ kind: LedgerEntry.Kind, _ fields: PayloadFields) -> LedgerEntry? {
        switch kind {
        case .eval: eval(fields)
        case .train: train(fields)
        case .imported: imported(fields)
        case .tombstone: tombstone(fields)
        case .taint: taint(fields)
        }
    }

    private static func eval(_ fields: PayloadFields) -> LedgerEntry? {
        guard let item = fields.digest("item"), let groups = fields.keys("groups"),
            let exchanges = fields.texts("exchanges", limit: ControlStoreLimits.exchanges, ExchangeID.init(text:)),
            let dataset = fields.text("dataset"), let version = fields.text("version")
        else { return nil }
        return .eval(LedgerEval(item: item, groups: groups, exchanges: exchanges, dataset: dataset, version: version))
    }

    private static func train(_ fields: PayloadFields) -> LedgerEntry? {
        guard let dataset = fields.text("dataset"), let version = fields.text("version") else { return nil }
        return .train(LedgerTrain(dataset: dataset, version: version, groups: .empty, items: .empty))
    }

    private static func imported(_ fields: PayloadFields) -> LedgerEntry? {
        guard let dataset = fields.text("dataset"), let version = fields.text("version"), let source = fields.digest("source"),
            let side = fields.text("side").flatMap(LedgerSide.init(rawValue:)), let rows = fields.integer("rows")
        else { return nil }
        return .imported(
            LedgerImport(
                side: side, dataset: dataset, version: version, source: source, rows: rows, groups: .empty, items: .empty))
    }

    private static func tombstone(_ fields: PayloadFields) -> LedgerEntry? {
        guard let item = fields.digest("item"), let reason = fields.text("reason") else { return nil }
        return .tombstone(LedgerTombstone(item: item, reason: reason))
    }

    private static func taint(_ fields: PayloadFields) -> LedgerEntry? {
        guard let item = fields.digest("item"), let groups = fields.keys("groups"), let training = fields.integer("training")
        else {
            return nil
        }
        return .taint(LedgerTaint(item: item, training: training, groups: groups))
    }

    private static func marks(_ kind: LedgerEntry.Kind, _ fields: PayloadFields) -> [LedgerMark]? {
        let lists: [LedgerList] =
            switch kind {
            case .eval: [.separation]
            case .train, .imported: [.groups, .items]
            case .tombstone, .taint: []
            }
        let marks = lists.compactMap(fields.mark)
        return marks.count == lists.count ? marks : nil
    }
}

/// The members of a payload, each as what it is to be.
private struct PayloadFields {
    let node: JSONNode

    init(_ node: JSONNode) { self.node = node }

    func text(_ key: String) -> String? { node[key]?.string }

    func integer(_ key: String) -> Int64? { node[key]?.int }

    func digest(_ key: String) -> LedgerDigest? { text(key).flatMap(LedgerDigest.init(hex:)) }

    func keys(_ key: String) -> [LedgerKey]? { texts(key, limit: ControlStoreLimits.groupKeys, LedgerKey.init(hex:)) }

    func texts<Value>(_ key: String, limit: Int, _ read: (String) -> Value?) -> [Value]? {
        guard let list = node[key], list.kind == .array else { return nil }
        var values: [Value] = []
        for element in list.elements {
            guard values.count < limit, let value = element.string.flatMap(read) else { return nil }
            values.append(value)
        }
        return values
    }

    func mark(_ list: LedgerList) -> LedgerMark? {
        guard let node = node[list.rawValue], let count = node["bytes"]?.int,
            let digest = node["sha256"]?.string.flatMap(LedgerDigest.init(hex:))
        else { return nil }
        let most = list.isKeys ? ControlStoreLimits.listKeys * LedgerKey.byteCount : ControlStoreLimits.separationBytes
        guard (0...Int64(most)).contains(count), !list.isKeys || count.isMultiple(of: Int64(LedgerKey.byteCount)) else {
            return nil
        }
        return LedgerMark(list: list, byteCount: count, sha256: digest)
    }
}
