// SPDX-License-Identifier: Apache-2.0

/// Bounds of what is read out of one exchange; all other work is linear in the size of the bodies.
package enum DialectLimits {
    /// Names (of models, tiers, finish reasons) with more bytes than this are not read: they end as dimensions of an index.
    package static let nameBytes = 1_024
    /// Bytes of an error message that are looked at.
    package static let messageBytes = 2_048
    /// Distinct tool calls that are told apart in one streamed answer; more are not counted.
    package static let toolCalls = 65_536
    /// Leading bytes of a body that decide what it looks like.
    package static let prefixBytes = 256
    /// Significant digits and exponents of reported money beyond this are not read.
    package static let moneyDigits = 64
}
