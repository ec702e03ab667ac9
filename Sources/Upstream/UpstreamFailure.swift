// SPDX-License-Identifier: Apache-2.0
import Glibc
import NIOCore
import NIOSSL

/// Turns what the libraries throw into errors that say what happened.
enum UpstreamFailure {
    /// The error of a connection that could not be opened.
    static func named(_ error: any Error, to whom: String = "the provider") -> UpstreamError {
        if let known = error as? UpstreamError { return known }
        if let channel = error as? ChannelError, case .connectTimeout = channel {
            return UpstreamError(.connectTimedOut, "\(whom) did not accept a connection in time")
        }
        if let io = error as? IOError {
            return UpstreamError(.connectFailed, "cannot connect to \(whom): \(reason(io.errnoCode))")
        }
        return UpstreamError(.connectFailed, "cannot connect to \(whom): \(type(of: error))")
    }

    private static func reason(_ number: CInt) -> String {
        switch number {
        case ECONNREFUSED: "nothing listens there (connection refused)"
        case ECONNRESET: "the connection was reset"
        case ENETUNREACH, EHOSTUNREACH: "there is no route to it"
        default: "errno \(number)"
        }
    }

    /// Why a TLS handshake failed, in words; the library's own text names its source files.
    ///
    /// - Parameters:
    ///   - error: what the library threw.
    ///   - certificate: what the other side showed, where it is known.
    /// - Returns: words that follow "TLS with ... failed".
    static func tlsReason(_ error: any Error, certificate: NIOSSLCertificate?) -> String {
        if let extra = error as? NIOSSLExtraError {
            if extra == .failedToValidateHostname { return "its certificate is not for this host name" }
            return "the handshake failed"
        }
        let text = String(describing: error)
        if text.contains("CERTIFICATE_VERIFY_FAILED") { return untrusted(certificate) }
        if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") { return "it does not speak TLS on this port" }
        if text.contains("PROTOCOL_VERSION") || text.contains("UNSUPPORTED_PROTOCOL") { return "it offers no TLS 1.2 or 1.3" }
        if text.contains("eofDuringHandshake") || text.contains("EOF during handshake") {
            return "it closed the connection during the handshake"
        }
        if let io = error as? IOError { return "during the handshake, \(reason(io.errnoCode))" }
        return "the handshake failed"
    }

    private static func untrusted(_ certificate: NIOSSLCertificate?) -> String {
        if let certificate {
            let now = time(nil)
            if certificate.notValidAfter < now { return "its certificate has expired" }
            if certificate.notValidBefore > now { return "its certificate is not valid yet" }
        }
        return
            "its certificate is not signed by an authority that this machine trusts, or is not valid now; an authority of your own goes into the upstream CA files"
    }
}
