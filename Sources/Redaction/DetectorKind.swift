// SPDX-License-Identifier: Apache-2.0

/// What a detector looks for; in the order in which overlapping finds give way, the first one staying.
package enum DetectorKind: String, CaseIterable, Sendable {
    /// Keys and tokens that their own shape gives away.
    case secret
    /// International bank account numbers of a known country, with the right length and check digits.
    case iban
    /// Payment card numbers with a known issuer and a right check digit.
    case card
    /// E-mail addresses.
    case email
    /// Social security numbers of the United States.
    case ssn
    /// Telephone numbers.
    case phone
    /// Internet addresses of version 4 and 6.
    case ip

    /// The kinds in order of precedence: the one that a value proves best comes first.
    ///
    /// An account number is asked for before a card: its country, its length and two check digits prove more than one digit by Luhn, and a row of
    /// digits within an account number may pass for a card, of which a mask would leave the rest.
    static let byPrecedence: [DetectorKind] = [.secret, .iban, .card, .email, .ssn, .phone, .ip]

    /// Place in `byPrecedence`.
    var rank: Int {
        switch self {
        case .secret: 0
        case .iban: 1
        case .card: 2
        case .email: 3
        case .ssn: 4
        case .phone: 5
        case .ip: 6
        }
    }
}

/// How many values of each kind were replaced.
package struct RedactionCounts: Sendable, Equatable {
    private var counts: InlineArray<7, Int> = [0, 0, 0, 0, 0, 0, 0]

    /// None.
    package init() {}

    /// The count of one kind.
    package subscript(kind: DetectorKind) -> Int {
        get { counts[kind.rank] }
        set { counts[kind.rank] = newValue }
    }

    /// All kinds together.
    package var total: Int { DetectorKind.byPrecedence.reduce(0) { $0 + self[$1] } }

    /// Adds the counts of another run.
    package mutating func add(_ other: RedactionCounts) {
        for kind in DetectorKind.byPrecedence { self[kind] += other[kind] }
    }

    /// Whether the counts are the same.
    package static func == (left: RedactionCounts, right: RedactionCounts) -> Bool {
        DetectorKind.byPrecedence.allSatisfy { left[$0] == right[$0] }
    }
}
