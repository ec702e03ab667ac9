// SPDX-License-Identifier: Apache-2.0

/// Uses that the house refuses, each with what to write in its place and why.
enum UseRules {
    /// One refused use.
    struct Ban: Sendable {
        let name: String
        /// Words of which one is in every line that breaks the ban.
        let hints: [String]
        let instead: String
        /// Rooms where it is allowed.
        let exceptIn: Set<String>
        /// Whether a line of code breaks the ban.
        let pattern: @Sendable (String) -> Bool

        init(
            _ name: String, hints: [String]? = nil, instead: String, exceptIn: Set<String> = [],
            _ pattern: @escaping @Sendable (String) -> Bool
        ) {
            self.name = name
            self.hints = hints ?? [name]
            self.instead = instead
            self.exceptIn = exceptIn
            self.pattern = pattern
        }
    }

    static let bans: [Ban] = [
        Ban("print(", instead: "a verb writes through its output type, an engine logs: stdout carries data") {
            $0.contains(/(^|[^\w.])print\(/)
        },
        Ban("debugPrint(", instead: "the logger: stdout carries data") {
            $0.contains(/\bdebugPrint\(/.wordBoundaryKind(.simple))
        },
        Ban("Date()", instead: "the injected clock of Platform: a test must be able to set the time") {
            $0.contains(/\bDate\(\)/.wordBoundaryKind(.simple))
        },
        Ban("Task.detached", instead: "structured concurrency: a detached task outlives its owner and loses cancellation") {
            $0.contains(/\bTask\.detached\b/.wordBoundaryKind(.simple))
        },
        Ban(
            "unstructured Task", hints: ["Task"], instead: "a task group or an OwnedThread: only the program starts tasks",
            exceptIn: ["weir"]
        ) { $0.contains(/(^|[^\w.])Task(<[^>]*>)?\s*[({]/) },
        Ban("fatalError", instead: "a thrown error of the target, or a precondition for our own broken invariant") {
            $0.contains(/\bfatalError\b/.wordBoundaryKind(.simple))
        },
        Ban("try!", instead: "try in a throwing function, or do/catch that counts the error") {
            $0.contains(/\btry!/.wordBoundaryKind(.simple))
        },
        Ban("as!", instead: "as? with a named error") { $0.contains(/\bas!/.wordBoundaryKind(.simple)) },
        Ban("force unwrap", hints: ["!"], instead: "guard let, or ?? with a stated default: input must never trap") {
            $0.replacing(/\b(try|as)!/.wordBoundaryKind(.simple), with: "").contains(/[\w\)\]\}?>"]!(?!=)/)
        },
        Ban(
            "DispatchQueue", hints: ["Dispatch"],
            instead: "an event loop, an OwnedThread or a task: the three worlds of the house"
        ) {
            $0.contains(/\bDispatch(Queue|Semaphore|Group|WorkItem)\b/.wordBoundaryKind(.simple))
        },
        Ban("@_exported", instead: "an import line in the file that needs the module") {
            $0.contains(/@_exported\b/.wordBoundaryKind(.simple))
        },
        Ban("public", hints: ["public", "open"], instead: "package: nothing leaves this package") {
            $0.contains(/^\s*(@\w+\s+)*(public|open)\s/)
        },
    ]

    /// Refused uses in one shipped file.
    static func bannedUses(_ source: SourceText, room: String) -> [Finding] {
        bans.filter { !$0.exceptIn.contains(room) }.flatMap { ban in
            source.codeIndex.lines(holding: ban.hints).filter { ban.pattern(source.code[$0]) }.map {
                Finding(path: source.path, line: $0 + 1, message: "no \(ban.name); instead: \(ban.instead).")
            }
        }
    }

    /// Work left in comments.
    static func leftovers(_ source: SourceText) -> [Finding] {
        source.rawIndex.lines(holding: ["TO" + "DO", "FIX" + "ME", "XX" + "X"]).filter { index in
            let line = source.raw[index]
            let comment = line.firstRange(of: "//").map { line[$0.lowerBound...] } ?? ""
            let isComment = !source.code[index].contains("//")
            return isComment && comment.contains(/\b(TO[D]O|FIX[M]E|X[X]X)\b/.wordBoundaryKind(.simple))
        }.map {
            Finding(path: source.path, line: $0 + 1, message: "unfinished work in a comment: finish it or open an issue.")
        }
    }

    // MARK: Unchecked sendability

    /// How many unchecked promises of sendability each room may hold; a room not listed may hold none.
    static let uncheckedBudget = ["Platform": 4, "Telemetry": 1, "Capture": 3, "Upstream": 2]

    /// Places where the compiler was told to trust us, against the budget, each with its guard named above it.
    static func uncheckedSendable(_ sources: [SourceText], room: String, budget: [String: Int]) -> [Finding] {
        var found: [Finding] = []
        var count = 0
        for source in sources {
            for index in source.codeIndex.lines(holding: ["@unchecked Sendable", "nonisolated(unsafe)"]) {
                count += 1
                if !namesGuard(source, above: index) {
                    let message = "say in a comment on the line above what guards this value (a lock, a thread, an event loop)."
                    found.append(Finding(path: source.path, line: index + 1, message: message))
                }
                if count > budget[room, default: 0] {
                    let message =
                        "\(room) holds \(count) unchecked promises of sendability, its budget is \(budget[room, default: 0]):"
                        + " use a Mutex, an atomic or NIOLoopBound."
                    found.append(Finding(path: source.path, line: index + 1, message: message))
                }
            }
        }
        return found
    }

    private static func namesGuard(_ source: SourceText, above index: Int) -> Bool {
        var words = ""
        var at = index - 1
        while at >= 0 {
            let line = source.raw[at].trimmed
            if line.hasPrefix("//") { words += " " + line } else if !line.hasPrefix("@") { break }
            at -= 1
        }
        return words.lowercased().contains(/guard|lock|mutex|atomic|loop|thread|immutable|never changes/)
    }
}
