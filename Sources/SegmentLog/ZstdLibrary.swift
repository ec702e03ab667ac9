// SPDX-License-Identifier: Apache-2.0
import CZstd

/// The zstd that this program runs with.
package enum ZstdLibrary {
    /// Its version, as in `1.5.4`.
    package static var version: String {
        guard let text = unsafe ZSTD_versionString() else { return "unknown" }
        return unsafe String(cString: text)
    }
}
