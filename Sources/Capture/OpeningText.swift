// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// The opening of a conversation: the texts of a request body from its beginning to the end of its first user message.
///
/// It knows no dialect: it takes system prompts and messages under the names that all of them use, and of those only text, so that
/// model, parameters, cache marks and pictures do not count. What comes after the first user message is not read: a body grows
/// with each turn, its opening does not. Nothing is copied; a body that is no JSON has no opening.
struct OpeningText {
    /// Bytes of a body within which an opening is looked for.
    static let searchedBytes = 1 << 20
    private static let depthMax = 64

    private let body: ByteRun
    private var at = 0
    private var isFound = false
    private let take: (ByteRun) -> Void

    /// Gives the texts of an opening in their order, escapes as they came.
    ///
    /// - Returns: false where there is none.
    static func read(_ body: ByteRun, _ take: (ByteRun) -> Void) -> Bool {
        withoutActuallyEscaping(take) { take in
            var reader = OpeningText(body: body.slice(0, min(body.count, searchedBytes)), take: take)
            _ = reader.readRoot()
            return reader.isFound
        }
    }

    private init(body: ByteRun, take: @escaping (ByteRun) -> Void) {
        self.body = body
        self.take = take
    }

    /// How the reading goes on after a value.
    private enum Step { case next, stop }

    private mutating func readRoot() -> Step {
        guard enter(UInt8(ascii: "{")) else { return .stop }
        while let key = key() {
            if value(of: key) == .stop { return .stop }
            guard another() else { return .stop }
        }
        return .stop
    }

    /// A member of the root.
    private mutating func value(of key: ByteRun) -> Step {
        if key.equals(ByteRun("messages")) || key.equals(ByteRun("contents")) || key.equals(ByteRun("input")) {
            return messages()
        }
        if key.equals(ByteRun("prompt")) {
            texts(depth: 0)
            return isFound ? .stop : .next
        }
        // A conversation that the provider keeps: its id stands for the texts.
        if key.equals(ByteRun("conversation")) {
            texts(depth: 0, takesID: true)
            return isFound ? .stop : .next
        }
        if key.equals(ByteRun("system")) || key.equals(ByteRun("instructions")) || key.equals(ByteRun("systemInstruction"))
            || key.equals(ByteRun("system_instruction")) || key.equals(ByteRun("preamble"))
        {
            let before = isFound
            texts(depth: 0)
            // A system prompt alone opens nothing.
            isFound = before
            return .next
        }
        return skip() ? .next : .stop
    }

    /// A list of messages, or one as plain text; ends after the first that is the user's.
    private mutating func messages() -> Step {
        skipSpace()
        guard peek == UInt8(ascii: "[") else {
            texts(depth: 0)
            return isFound ? .stop : .next
        }
        at += 1
        while !isAt(UInt8(ascii: "]")), at < body.count {
            if message() { return .stop }
            guard another() else { return .stop }
        }
        return .next
    }

    /// One message; true where it was the user's.
    private mutating func message() -> Bool {
        skipSpace()
        guard peek == UInt8(ascii: "{") else {
            texts(depth: 1)
            return true
        }
        at += 1
        var isUsers = true
        while let key = key() {
            if key.equals(ByteRun("role")) {
                skipSpace()
                if let role = string() {
                    isUsers = role.equalsIgnoringCase("user")
                } else if !skip() {
                    return true
                }
            } else if OpeningText.holdsText(key) {
                texts(depth: 1)
            } else if !skip() {
                return true
            }
            guard another() else { break }
        }
        return isUsers
    }

    private static func holdsText(_ key: ByteRun) -> Bool {
        key.equals(ByteRun("content")) || key.equals(ByteRun("text")) || key.equals(ByteRun("parts"))
    }

    /// Every text within a value.
    private mutating func texts(depth: Int, takesID: Bool = false) {
        skipSpace()
        guard depth < OpeningText.depthMax, at < body.count else { return at = body.count }
        switch peek {
        case UInt8(ascii: "\""):
            isFound = true
            let rest = body.slice(at + 1, body.count)
            guard let text = string() else {
                take(rest)
                return at = body.count
            }
            take(text)
        case UInt8(ascii: "["):
            at += 1
            while !isAt(UInt8(ascii: "]")), at < body.count {
                texts(depth: depth + 1)
                guard another() else { return }
            }
        case UInt8(ascii: "{"):
            at += 1
            while let key = key() {
                if OpeningText.holdsText(key) || takesID && key.equals(ByteRun("id")) {
                    texts(depth: depth + 1)
                } else if !skip() {
                    return
                }
                guard another() else { return }
            }
        default: _ = skip()
        }
    }

    // MARK: Pieces of JSON

    private var peek: UInt8 { at < body.count ? unsafe body.base.load(fromByteOffset: at, as: UInt8.self) : 0 }

    private mutating func skipSpace() {
        while at < body.count {
            let byte = peek
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            at += 1
        }
    }

    private mutating func enter(_ bracket: UInt8) -> Bool {
        skipSpace()
        guard peek == bracket else { return false }
        at += 1
        return true
    }

    /// Takes a closing bracket where it comes next.
    private mutating func isAt(_ bracket: UInt8) -> Bool { enter(bracket) }

    /// After a value: true where another one of the same list comes; takes what parts or ends it.
    private mutating func another() -> Bool {
        skipSpace()
        let byte = peek
        at += 1
        return byte == UInt8(ascii: ",")
    }

    /// The next key with its colon, or nil where the object ends here or is none.
    private mutating func key() -> ByteRun? {
        skipSpace()
        if peek == UInt8(ascii: "}") { at += 1 }
        guard peek == UInt8(ascii: "\""), let key = string(), enter(UInt8(ascii: ":")) else { return nil }
        return key
    }

    /// A string without its quotes, or nil where there is none or it does not end.
    private mutating func string() -> ByteRun? {
        guard peek == UInt8(ascii: "\"") else { return nil }
        let start = at + 1
        var from = start
        while let quote = body.firstIndex(of: UInt8(ascii: "\""), from: from) {
            var slashes = 0
            while quote - slashes > start,
                unsafe body.base.load(fromByteOffset: quote - slashes - 1, as: UInt8.self) == UInt8(ascii: "\\")
            {
                slashes += 1
            }
            if slashes % 2 == 0 {
                at = quote + 1
                return body.slice(start, quote)
            }
            from = quote + 1
        }
        return nil
    }

    /// Steps over a value of any kind; false where it does not end.
    private mutating func skip() -> Bool {
        skipSpace()
        var depth = 0
        while at < body.count {
            switch peek {
            case UInt8(ascii: "\""): guard string() != nil else { return false }
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                at += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                guard depth > 0 else { return true }
                depth -= 1
                at += 1
            case UInt8(ascii: ","):
                guard depth > 0 else { return true }
                at += 1
            default: at += 1
            }
            if depth == 0 {
                skipSpace()
                let next = peek
                if next == UInt8(ascii: ",") || next == UInt8(ascii: "]") || next == UInt8(ascii: "}") { return true }
            }
        }
        return false
    }
}
