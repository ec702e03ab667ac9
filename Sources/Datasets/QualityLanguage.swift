// SPDX-License-Identifier: Apache-2.0

/// Scripts that are told apart.
enum TextScript: String, CaseIterable, Sendable {
    case latin, greek, cyrillic, hebrew, arabic, devanagari, thai, hangul, kana, han, other
    /// Digits, signs, spaces: of no script.
    case none

    /// Whether words are written without spaces between them.
    var isWithoutSpaces: Bool { self == .han || self == .kana || self == .thai }

    /// The script of a scalar.
    static func of(_ value: UInt32) -> TextScript {
        switch value {
        case 0x41...0x5A, 0x61...0x7A, 0xC0...0xD6, 0xD8...0xF6, 0xF8...0x24F, 0x1E00...0x1EFF: .latin
        case 0..<0x250: .none
        case 0x370...0x3FF, 0x1F00...0x1FFF: .greek
        case 0x400...0x52F: .cyrillic
        case 0x591...0x5F4: .hebrew
        case 0x620...0x6FF, 0x750...0x77F, 0xFB50...0xFDFF, 0xFE70...0xFEFC: .arabic
        case 0x900...0x97F: .devanagari
        case 0xE00...0xE7F: .thai
        case 0x1100...0x11FF, 0x3130...0x318F, 0xAC00...0xD7A3: .hangul
        case 0x3041...0x30FF, 0x31F0...0x31FF, 0xFF66...0xFF9F: .kana
        case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x323AF: .han
        case 0x2000...0x2BFF, 0x3000...0x303F, 0xFE00...0xFE0F, 0xFF00...0xFF65, 0xE000...0xF8FF, 0x1F000...0x1FAFF: .none
        default: .other
        }
    }
}

/// Which script, and as far as scripts and small words tell, which language a text is in.
///
/// Scripts by their share of the letters. Languages: `ja` (kana), `ko` (hangul), `zh` (han without kana), `el`, `he`, `th`, and of the
/// Latin ones `en`, `de`, `fr`, `es`, `it`, `pt`, `nl` by their most frequent words. Nothing is said of short texts, of code, and between languages of
/// one script beyond these: Russian or Ukrainian is `cyrillic`.
enum TextLanguage {
    /// Letters below which nothing is said.
    private static let lettersLeast = 40
    /// Words below which no language of the Latin script is told.
    private static let wordsLeast = 20

    /// Names that a recipe may ask for.
    static let names: [String] =
        ["ja", "ko", "zh", "el", "he", "th"] + small.map(\.language)
        + TextScript.allCases.filter { $0 != .none && $0 != .other }.map(\.rawValue)

    /// Whether a text is in one of the languages or scripts; nil where it does not say.
    static func isIn(_ wanted: [String], _ text: String) -> Bool? {
        guard let script = script(of: text) else { return nil }
        let language = language(of: text, script)
        for name in wanted {
            if name == script.rawValue || name == language { return true }
            // Japanese is written in both.
            if name == "kana" || name == "han", language == "ja" { return true }
        }
        // A Latin language was asked for, and which one this is is not known.
        if language == nil, script == .latin, wanted.contains(where: { name in small.contains { $0.language == name } }) {
            return nil
        }
        return false
    }

    /// The script of most letters, or nil where there are few.
    static func script(of text: String) -> TextScript? {
        let shares = shares(text)
        let letters = shares.reduce(0) { $0 + $1.count }
        guard letters >= lettersLeast || shares.contains(where: { $0.script.isWithoutSpaces && $0.count >= lettersLeast / 4 })
        else { return nil }
        return shares.max { ($0.weight, $1.script.rawValue) < ($1.weight, $0.script.rawValue) }?.script
    }

    private struct Share {
        let script: TextScript
        var count = 0
        /// A character of a script without spaces says as much as some letters.
        var weight: Int { script.isWithoutSpaces || script == .hangul ? count * 3 : count }
    }

    private static func shares(_ text: String) -> [Share] {
        var counts = [Int](repeating: 0, count: TextScript.allCases.count)
        let places = Dictionary(uniqueKeysWithValues: TextScript.allCases.enumerated().map { ($1, $0) })
        for scalar in text.unicodeScalars {
            let script = TextScript.of(scalar.value)
            if script != .none, let place = places[script] { counts[place] += 1 }
        }
        return TextScript.allCases.enumerated().filter { counts[$0.offset] > 0 && $0.element != .none }
            .map { Share(script: $0.element, count: counts[$0.offset]) }
    }

    private static func language(of text: String, _ script: TextScript) -> String? {
        switch script {
        case .hangul: return "ko"
        case .kana: return "ja"
        case .greek: return "el"
        case .hebrew: return "he"
        case .thai: return "th"
        case .han:
            let shares = shares(text)
            let (han, kana) = (shares.first { $0.script == .han }?.count ?? 0, shares.first { $0.script == .kana }?.count ?? 0)
            return kana * 20 > han ? "ja" : "zh"
        case .latin: return latin(text)
        default: return nil
        }
    }

    /// Frequent words that no other language of the list has, or that few have.
    private static let small: [(language: String, words: Set<String>)] = [
        (
            "en",
            [
                "the", "and", "of", "to", "is", "that", "for", "with", "you", "this", "are", "it", "be", "your", "from", "have",
                "not", "can", "will", "an", "as", "at", "by", "or",
            ]
        ),
        (
            "de",
            [
                "der", "die", "und", "das", "ist", "nicht", "mit", "den", "von", "zu", "ein", "eine", "für", "auf", "sie", "dem",
                "des", "auch", "ich", "wird", "sind", "im", "oder", "werden",
            ]
        ),
        (
            "fr",
            [
                "le", "la", "les", "et", "des", "est", "une", "vous", "pour", "dans", "que", "qui", "pas", "du", "sur", "avec",
                "au", "ce", "plus", "je", "nous", "votre", "ou", "sont",
            ]
        ),
        (
            "es",
            [
                "el", "los", "las", "y", "que", "una", "por", "con", "para", "del", "se", "es", "su", "como", "más", "pero",
                "sus", "al", "lo", "está", "este", "puede", "muy", "son",
            ]
        ),
        (
            "it",
            [
                "il", "di", "che", "è", "per", "un", "una", "con", "sono", "della", "dei", "gli", "nel", "alla", "questo",
                "anche", "più", "del", "si", "le", "da", "come", "ma", "può",
            ]
        ),
        (
            "pt",
            [
                "o", "os", "que", "de", "do", "da", "em", "um", "uma", "para", "com", "não", "é", "mais", "por", "dos", "como",
                "se", "na", "no", "são", "você", "ao", "também",
            ]
        ),
        (
            "nl",
            [
                "de", "het", "een", "en", "van", "is", "dat", "niet", "op", "te", "met", "voor", "zijn", "die", "aan", "er", "om",
                "ook", "als", "bij", "je", "wordt", "naar", "kan",
            ]
        ),
    ]

    private static func latin(_ text: String) -> String? {
        var counts = [Int](repeating: 0, count: small.count)
        var words = 0
        for word in text.lowercased().split(whereSeparator: { !$0.isLetter }) {
            words += 1
            let word = String(word)
            for (place, language) in small.enumerated() where language.words.contains(word) { counts[place] += 1 }
        }
        guard words >= wordsLeast, let most = counts.max(), most * 10 >= words else { return nil }
        let second = counts.enumerated().filter { $0.offset != counts.firstIndex(of: most) }.map(\.element).max() ?? 0
        // Two that are as likely are neither.
        guard most * 3 > second * 4 else { return nil }
        return counts.firstIndex(of: most).map { small[$0].language }
    }
}
