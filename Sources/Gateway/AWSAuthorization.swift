// SPDX-License-Identifier: Apache-2.0
import HTTPWire

/// Tells a request's own AWS signature from what has to be signed anew.
///
/// A signature covers `Host`: one made for the gateway's host does not hold at AWS, one made for AWS's host does.
enum AWSAuthorization {
    /// Whether the caller signed the request with SigV4.
    static func isSignature(_ request: RoutedRequest) -> Bool {
        guard let field = request.control.authorization else { return false }
        return ByteMatching.hasPrefix(request.block.value(field), "AWS4-HMAC-SHA256")
    }

    /// The caller's `Host` as an https base URL, or nil where it cannot be one.
    static func host(_ request: RoutedRequest) -> BaseURL? {
        guard let field = request.control.host,
            let base = try? BaseURL(bytes: (Array("https://".utf8) + request.block.value(field))[...]), base.path.isEmpty
        else { return nil }
        return base
    }

    /// Whether the caller's signature is one for this very host.
    static func isMade(_ request: RoutedRequest, for base: BaseURL) -> Bool {
        guard isSignature(request), let host = host(request) else { return false }
        return host.host == base.host && (host.port == base.port || host.authority == base.authority)
    }

    /// Whether an endpoint's credentials sign the request: it brings none of its own, or a signature for another host.
    static func needsSigning(_ request: RoutedRequest, for base: BaseURL) -> Bool {
        guard request.control.providerKey == nil else { return false }
        guard let field = request.control.authorization else { return true }
        if GatewayKeys.isKey(request.block.value(field)) { return true }
        return isSignature(request) && !isMade(request, for: base)
    }
}
