// SPDX-License-Identifier: Apache-2.0
import HTTPWire

/// AWS Signature Version 4.
package enum SigV4 {
    /// Whether a header belongs to a signature, so that one made anew takes its place.
    static func isOwnHeader(_ name: ArraySlice<UInt8>) -> Bool {
        ASCII.equalsIgnoringCase(name, "x-amz-date") || ASCII.equalsIgnoringCase(name, "x-amz-security-token")
            || ASCII.equalsIgnoringCase(name, "x-amz-content-sha256")
    }
}
