// SPDX-License-Identifier: Apache-2.0

/// What may stand in a ledger; checked before anything is written.
enum LedgerRules {
    /// Whether a text may name a ledger, a data set, a version or a source: letters, digits, dot, hyphen, underscore.
    static func isName(_ text: String) -> Bool {
        guard (1...ControlStoreLimits.nameBytes).contains(text.utf8.count) else { return false }
        return text.utf8.allSatisfy {
            switch $0 {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
            default: false
            }
        }
    }

    static func checkName(_ text: String, of what: String) throws(ControlStoreError) {
        guard isName(text) else {
            throw .badValue(
                "the name of \(what) takes letters, digits, dots, hyphens and underscores, \(ControlStoreLimits.nameBytes) at most"
            )
        }
    }

    static func check(_ entry: LedgerEntry) throws(ControlStoreError) {
        switch entry {
        case .eval(let row): try check(row)
        case .train(let build): try check(build.dataset, build.version, build.groups, build.items)
        case .imported(let file):
            try check(file.dataset, file.version, file.groups, file.items)
            guard file.side != .unknown else { throw .badValue("an import is on the side of train or of eval") }
            guard (0...(1 << 53)).contains(file.rows) else { throw .badValue("an import has 0 to 2^53 rows") }
        case .tombstone(let removal): try checkReason(removal.reason)
        case .taint(let taint):
            try check(groups: taint.groups, of: "a taint")
            guard taint.training > 0 else { throw .badValue("a taint names the entry of the training that touched the item") }
        }
    }

    private static func check(_ row: LedgerEval) throws(ControlStoreError) {
        try checkName(row.dataset, of: "a data set")
        try checkName(row.version, of: "a version")
        try check(groups: row.groups, of: "a row of eval")
        guard row.exchanges.count <= ControlStoreLimits.exchanges else {
            throw .badValue("a row of eval has at most \(ControlStoreLimits.exchanges) exchanges")
        }
        guard row.separation.count <= ControlStoreLimits.separationBytes else {
            throw .badValue("a row of eval has at most \(ControlStoreLimits.separationBytes) bytes for the gate")
        }
    }

    private static func check(groups: [LedgerKey], of what: String) throws(ControlStoreError) {
        guard (1...ControlStoreLimits.groupKeys).contains(groups.count) else {
            throw .badValue("\(what) has 1 to \(ControlStoreLimits.groupKeys) group keys")
        }
    }

    private static func check(
        _ dataset: String, _ version: String, _ groups: LedgerKeyList, _ items: LedgerKeyList
    ) throws(ControlStoreError) {
        try checkName(dataset, of: "a data set")
        try checkName(version, of: "a version")
        guard max(groups.keys.count, items.keys.count) <= ControlStoreLimits.listKeys else {
            throw .badValue("a build exports at most \(ControlStoreLimits.listKeys) groups and rows")
        }
    }

    private static func checkReason(_ text: String) throws(ControlStoreError) {
        guard text.utf8.count <= ControlStoreLimits.reasonBytes, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw .badValue("a reason has at most \(ControlStoreLimits.reasonBytes) bytes and no control characters")
        }
    }
}
