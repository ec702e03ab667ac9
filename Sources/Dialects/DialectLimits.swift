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
    /// A frame of an event stream with more bytes than this is damage: the format allows 24 MiB of payload at most.
    package static let frameBytes = 32 << 20
    /// Headers of one frame of an event stream; the format allows 128 KiB.
    package static let frameHeaderBytes = 128 << 10
    /// Kinds of tools that the provider ran, and what it bills apart: more are not listed.
    package static let listEntries = 64
    /// Gaps between events that are kept for their percentiles; of a longer stream the first ones.
    package static let gaps = 65_536
    /// Members of a cut JSON object that are tried as the first whole one of its tail.
    package static let tailTries = 64
    /// Boundaries of a form that are looked at for its fields.
    package static let formParts = 64
}
