// SPDX-License-Identifier: Apache-2.0
import ExchangeModel

/// `/p/NAME/t/TASK/e/ENVIRONMENT/...`: routing and attribution for clients that cannot set headers.
struct PathPrefix {
    private(set) var provider: ArraySlice<UInt8>?
    private(set) var attribution = Attribution()
    let rest: ArraySlice<UInt8>

    /// Reads the prefix and refuses names that no header could carry either.
    init(checking path: ArraySlice<UInt8>) throws(Fault) {
        self.init(path)
        guard provider != nil else { return }
        for name in [attribution.task, attribution.environment ?? ""] where name.utf8.count > ControlHeaders.valueLimit {
            throw Fault(
                .badControlHeader, "a task or an environment in the path is longer than \(ControlHeaders.valueLimit) bytes")
        }
    }

    init(_ path: ArraySlice<UInt8>) {
        guard ByteMatching.hasPrefix(path, "/p/") else {
            rest = path
            return
        }
        var left = path
        while let (key, value, after) = PathPrefix.take(left) {
            switch key {
            case UInt8(ascii: "p") where provider == nil: provider = value
            case UInt8(ascii: "t") where provider != nil && attribution.task == "default":
                attribution.task = String(decoding: value, as: UTF8.self)
            case UInt8(ascii: "e") where provider != nil && attribution.environment == nil:
                attribution.environment = String(decoding: value, as: UTF8.self)
            default:
                rest = left
                return
            }
            left = after
        }
        rest = left
    }

    /// Takes `/K/VALUE` off the front where something follows it.
    private static func take(_ path: ArraySlice<UInt8>) -> (UInt8, ArraySlice<UInt8>, ArraySlice<UInt8>)? {
        let start = path.startIndex
        guard path.count > 4, path[start] == ByteMatching.slash, path[start + 2] == ByteMatching.slash else { return nil }
        let tail = path[(start + 3)...]
        guard let end = tail.firstIndex(of: ByteMatching.slash), end > tail.startIndex else { return nil }
        return (path[start + 1], tail[..<end], tail[end...])
    }
}

/// Paths of captured requests.
package enum CapturedPath {
    /// A request's path without the prefix that named a provider, task or environment to Weir.
    package static func withoutPrefix(_ path: String) -> String {
        String(decoding: PathPrefix(Array(path.utf8)[...]).rest, as: UTF8.self)
    }
}
