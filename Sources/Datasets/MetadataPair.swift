// SPDX-License-Identifier: Apache-2.0

/// A name and a value that the caller attached to an exchange.
package struct MetadataPair: Equatable, Sendable {
    /// In lower case as it is stored; unique within a row.
    package let name: String
    /// Verbatim.
    package let value: String

    /// A pair.
    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}
