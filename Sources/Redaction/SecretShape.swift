// SPDX-License-Identifier: Apache-2.0

/// The shape of one kind of key: how it begins, what it is made of, how long it is.
struct SecretShape: Sendable {
    /// What the rest of a key may be made of.
    enum Alphabet: Int, Sendable, CaseIterable {
        case digits, lowerHex, hex, upper, alphanumeric
        /// Letters, digits, `-` and `_`.
        case web
        /// Letters, digits, `-`, `_` and `.`.
        case dotted
        /// Letters, digits, `+`, `/` and `=`.
        case base64
        /// Both.
        case base64Web

        static let count = allCases.count
        var index: Int { rawValue }

        func holds(_ byte: UInt8) -> Bool {
            let value = UInt32(byte)
            return switch self {
            case .digits: value.isDigit
            case .lowerHex: value.isDigit || byte >= 0x61 && byte <= 0x66
            case .hex: value.isDigit || value.isLetter && byte | 0x20 <= 0x66
            case .upper: value.isDigit || byte >= 0x41 && byte <= 0x5A
            case .alphanumeric: value.isAlphanumeric
            case .web: value.isAlphanumeric || byte == 0x2D || byte == 0x5F
            case .dotted: value.isAlphanumeric || byte == 0x2D || byte == 0x5F || byte == 0x2E
            case .base64Web: value.isAlphanumeric || [0x2B, 0x2D, 0x2F, 0x3D, 0x5F].contains(byte)
            case .base64: value.isAlphanumeric || byte == 0x2B || byte == 0x2F || byte == 0x3D
            }
        }
    }

    /// What must be true of the rest beyond alphabet and length.
    enum Rule: Sendable {
        case none
        /// A digit: words joined by dashes and underscores are no key.
        case digit
        /// Sixteen letters and digits in a row, of both sorts.
        case dense
        /// Three parts with dots between them: a signed token.
        case token
        /// Up to the line that ends it.
        case block
        /// What the prefix announces, long and mixed; the prefix stays.
        case announced
    }

    let prefix: StaticString
    let alphabet: Alphabet
    /// Characters after the prefix.
    let least: Int
    let most: Int
    let rule: Rule
    /// Where in the prefix the three bytes are by which it is found.
    let triggerPlace: Int

    init(_ prefix: StaticString, _ alphabet: Alphabet, _ least: Int, _ most: Int, _ rule: Rule = .none, at place: Int? = nil) {
        self.prefix = prefix
        self.alphabet = alphabet
        (self.least, self.most) = (least, most)
        self.rule = rule
        triggerPlace = place ?? SecretShape.place(prefix)
    }

    /// The first dash or underscore that has two characters before it, else the beginning.
    private static func place(_ prefix: StaticString) -> Int {
        let count = prefix.utf8CodeUnitCount
        for i in stride(from: 2, to: count, by: 1) where prefix.utf8Start[i] == 0x2D || prefix.utf8Start[i] == 0x5F {
            return i - 2
        }
        return 0
    }

    /// The longest key; a longer row of characters is something else, such as an image.
    private static let long = 1_024

    /// All shapes: of those with the same beginning the more particular one first.
    static let all: [SecretShape] = models + clouds + forges + services

    /// Providers of models, gateways and tools beside them.
    private static let models: [SecretShape] = [
        SecretShape("sk-ant-", .web, 16, long, .digit), SecretShape("sk-proj-", .web, 16, long, .digit),
        SecretShape("sk-svcacct-", .web, 16, long, .digit), SecretShape("sk-admin-", .web, 16, long, .digit),
        SecretShape("sk-None-", .web, 16, long, .digit), SecretShape("sk-or-", .web, 16, long, .digit),
        SecretShape("sk-lf-", .web, 16, 64, .digit), SecretShape("sk-", .web, 18, long, .dense),
        SecretShape("AIza", .web, 35, 35), SecretShape("gsk_", .alphanumeric, 40, 80),
        SecretShape("csk-", .alphanumeric, 32, 80, .digit),
        SecretShape("hf_", .alphanumeric, 30, 60, .digit), SecretShape("r8_", .alphanumeric, 37, 40),
        SecretShape("pplx-", .alphanumeric, 32, 80, .digit),
        SecretShape("xai-", .alphanumeric, 60, 100), SecretShape("nvapi-", .web, 40, 100, .digit),
        SecretShape("tgp_v1_", .web, 40, 60, .digit),
        SecretShape("fw_", .alphanumeric, 22, 60, .dense), SecretShape("tvly-", .web, 20, 80, .digit),
        SecretShape("lsv2_pt_", .web, 32, 80, .digit),
        SecretShape("lsv2_sk_", .web, 32, 80, .digit), SecretShape("pcsk_", .web, 40, 120, .digit),
        SecretShape("weir_", .web, 15, 256, .dense),
    ]

    private static let clouds: [SecretShape] = [
        SecretShape("AKIA", .upper, 16, 16), SecretShape("ASIA", .upper, 16, 16), SecretShape("ABSK", .base64, 60, 300),
        SecretShape("ya29.", .web, 20, long, at: 2), SecretShape("GOCSPX-", .web, 24, 40),
        SecretShape("dop_v1_", .lowerHex, 64, 64),
        SecretShape("doo_v1_", .lowerHex, 64, 64), SecretShape("dor_v1_", .lowerHex, 64, 64),
        SecretShape("dapi", .lowerHex, 32, 32),
        SecretShape("hvs.", .web, 24, 200, .digit, at: 1), SecretShape("sbp_", .lowerHex, 40, 40),
        SecretShape("pscale_tkn_", .dotted, 32, 64), SecretShape("pscale_pw_", .dotted, 32, 64),
        SecretShape("HRKU-", .web, 36, 80, .digit),
    ]

    private static let forges: [SecretShape] = [
        SecretShape("github_pat_", .web, 36, 255, .digit, at: 4), SecretShape("ghp_", .alphanumeric, 36, 255),
        SecretShape("gho_", .alphanumeric, 36, 255),
        SecretShape("ghu_", .alphanumeric, 36, 255), SecretShape("ghs_", .alphanumeric, 36, 255),
        SecretShape("ghr_", .alphanumeric, 36, 255),
        SecretShape("glpat-", .dotted, 20, 300, .digit), SecretShape("gldt-", .web, 20, 64, .digit),
        SecretShape("glrt-", .dotted, 20, 300, .digit),
        SecretShape("glptt-", .hex, 40, 40), SecretShape("gloas-", .lowerHex, 64, 64),
        SecretShape("glcbt-", .web, 20, 64, .digit),
        SecretShape("npm_", .alphanumeric, 36, 36), SecretShape("pypi-AgE", .web, 50, 400),
        SecretShape("rubygems_", .lowerHex, 48, 48),
        SecretShape("dckr_pat_", .web, 27, 40), SecretShape("ATATT3", .base64Web, 100, 300, at: 3),
    ]

    private static let services: [SecretShape] =
        [
            SecretShape("xoxb-", .web, 20, 300, .digit), SecretShape("xoxp-", .web, 20, 300, .digit),
            SecretShape("xoxa-", .web, 20, 300, .digit),
            SecretShape("xoxr-", .web, 20, 300, .digit), SecretShape("xoxs-", .web, 20, 300, .digit),
            SecretShape("xoxe-", .web, 20, 300, .digit),
            SecretShape("xapp-", .web, 30, 300, .digit),
            SecretShape("hooks.slack.com/services/T", .base64, 36, 80, .digit, at: 10),
            SecretShape("sk_live_", .alphanumeric, 16, 255), SecretShape("sk_test_", .alphanumeric, 16, 255),
            SecretShape("rk_live_", .alphanumeric, 16, 255),
            SecretShape("rk_test_", .alphanumeric, 16, 255), SecretShape("whsec_", .base64, 24, 100, .digit),
            SecretShape("SG.", .dotted, 60, 80, .digit),
            SecretShape("shpat_", .hex, 32, 32), SecretShape("shpss_", .hex, 32, 32), SecretShape("shppa_", .hex, 32, 32),
            SecretShape("shpca_", .hex, 32, 32),
            SecretShape("lin_api_", .alphanumeric, 32, 64), SecretShape("ntn_", .alphanumeric, 40, 60),
            SecretShape("PMAK-", .web, 40, 80, .digit),
            SecretShape("glsa_", .web, 32, 64, .digit), SecretShape("glc_", .base64, 40, 300, .digit),
            SecretShape("sntrys_", .base64Web, 40, 400),
            SecretShape("NRAK-", .upper, 27, 27), SecretShape("figd_", .web, 36, 64, .digit),
            SecretShape("AGE-SECRET-KEY-1", .upper, 58, 58, at: 1),
            SecretShape("Bearer ", .base64Web, 16, 256, .announced), SecretShape("eyJ", .web, 10, 16_384, .token),
            SecretShape("-----BEGIN ", .base64, 0, 65_536, .block, at: 4),
        ] + twilioPrefixes.map { SecretShape($0, .lowerHex, 31, 31) }

    /// Keys of one service begin with nothing but `SK`: the next digit tells them from words.
    private static let twilioPrefixes: [StaticString] = [
        "SK0", "SK1", "SK2", "SK3", "SK4", "SK5", "SK6", "SK7", "SK8", "SK9", "SKa", "SKb", "SKc", "SKd", "SKe", "SKf",
    ]
}
