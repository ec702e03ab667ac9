// SPDX-License-Identifier: Apache-2.0

/// The numbers of `notebooks-docs/separation.md`, and limits of this room.
package enum SeparationLimits {
    /// Tokens of a shingle.
    package static let shingleTokens = 5
    /// Scalars of a shingle of a short text.
    package static let shortShingleScalars = 5
    /// A view of fewer tokens is short: no eval row has one, and grouping looks at its characters.
    package static let evalTokens = 20
    /// Tokens of a run that a training row may not share with an eval row, where it is rare (G4).
    package static let longRunTokens = 13
    /// A longer run in more eval rows than this is boilerplate (G4).
    package static let longRunRows = 10
    /// Tokens of the runs by which an eval row is covered (G4).
    package static let coverTokens = 8

    /// Values of a signature.
    package static let permutations = 128
    /// Bands of a signature.
    package static let bands = 32
    /// Values of a band.
    package static let bandRows = 4
    /// Near duplicates have a Jaccard index of at least seven tenths.
    package static let nearTenths = 7
    /// Shingles in more groups than this, and in more than one of `boilerplateShare` groups, are boilerplate.
    package static let boilerplateGroups = 20
    /// One in this many groups.
    package static let boilerplateShare = 100

    /// Rows that a gate or a search holds at most: numbers of rows are 32 bits wide, and the highest ones have a meaning.
    package static let rows = 1 << 31
    /// Shingles of all eval rows of a gate, in both views: their places are 32 bits wide.
    package static let gateTokens = 1 << 31
    /// Shingles, in one view, of the rows whose nearest others are looked for: 8 bytes each.
    package static let nearestShingles = 1 << 23
    /// Meetings of a shingle with one of these rows before half of them is given up: about a second.
    package static let nearestVisits = 1 << 28

    /// Tokens that stored traits of one row may have: 1 GB of words.
    package static let storedTokens = 1 << 27
    /// Nodes, and group keys, that stored traits of one row may have.
    package static let storedDigests = 1 << 22
}
