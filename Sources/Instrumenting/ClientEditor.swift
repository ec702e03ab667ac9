// SPDX-License-Identifier: Apache-2.0

/// A place where a client is made.
struct ClientSite {
    /// Where its options are.
    enum Options {
        /// In these brackets.
        case list(BracketList)
        /// Nowhere yet: an object goes after this token, an opening bracket.
        case none(after: Int)
        /// In something that is not written out here.
        case unclear(String)
    }

    let shape: ClientShape
    /// The byte where it begins.
    let offset: Int
    let options: Options
}

/// Plans the edits that point the clients of one file at Weir.
struct ClientEditor {
    let text: TokenText
    let language: CodeLanguage
    let options: InstrumentOptions
    let scope: EnvironmentScope
    let writer: BracketWriter
    var findings = FileFindings()
    /// Whether an edit reads the environment, for which Python needs `import os`.
    private(set) var readsEnvironment = false
    private var clientCount = 0
    /// The last token of the clients so far; those inside another are seen already.
    private var seenEnd = 0

    init(_ text: TokenText, _ language: CodeLanguage, _ options: InstrumentOptions, _ scope: EnvironmentScope) {
        self.text = text
        self.language = language
        self.options = options
        self.scope = scope
        writer = BracketWriter(text, language)
    }

    /// Names a place for a person.
    mutating func leave(_ offset: Int, _ message: String) {
        findings.undecided.append((text.line(offset), message))
    }

    /// Counts a client; false beyond the limit, which is said once.
    mutating func mayEdit(_ offset: Int) -> Bool {
        clientCount += 1
        if clientCount == InstrumentLimits.clientsPerFile + 1 {
            leave(offset, "more than \(InstrumentLimits.clientsPerFile) clients in one file; the rest is left")
        }
        return clientCount <= InstrumentLimits.clientsPerFile
    }

    /// Plans one client: all of its edits, or none and the reason.
    mutating func edit(_ site: ClientSite) {
        if let advice = site.shape.advice {
            leave(site.offset, "\(site.shape.name): \(advice)")
            return
        }
        markSeen(site)
        var plan = ClientPlan(editor: self, site: site)
        do throws(ClientDoubt) {
            let edits = try plan.make()
            findings.edits += edits
            readsEnvironment = readsEnvironment || (plan.readsEnvironment && !edits.isEmpty)
            for remark in plan.remarks { leave(site.offset, "\(site.shape.name): \(remark)") }
            if !edits.isEmpty, let note = site.shape.note { findings.notes.append((text.line(site.offset), note)) }
            if !edits.isEmpty { for note in plan.notes { findings.notes.append((text.line(site.offset), note)) } }
        } catch {
            leave(site.offset, "\(site.shape.name): \(error.message)")
        }
    }

    /// The strings of a client were looked at, whatever came of it.
    private mutating func markSeen(_ site: ClientSite) {
        guard case .list(let list) = site.options else { return }
        let first = max(list.open, seenEnd)
        guard first <= list.close else { return }
        for index in first...list.close where text.tokens[index].isString { findings.seen.insert(index) }
        seenEnd = list.close
    }
}

/// Why a client is left as it is.
struct ClientDoubt: Error {
    let message: String

    init(_ message: String) { self.message = message }
}

/// Where a group of options stands.
enum OptionGroup {
    case absent
    case list(BracketList)
    /// A variable or a call: what it holds is not known.
    case unclear
}
