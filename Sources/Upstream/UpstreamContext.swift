// SPDX-License-Identifier: Apache-2.0
import NIOSSL

/// Settings that have been read and checked: what every loop's pool works with until the next reload.
package struct UpstreamContext: Sendable {
    let limits: UpstreamLimits
    let proxies: ProxyRules
    /// The system's trust store and the extra authorities; names are always checked.
    let tls: NIOSSLContext
    /// The same, but without the check of names: for a numeric target behind a proxy, whose address is checked apart; nil without
    /// proxies, for reading the trust store takes a while.
    let tlsByAddress: NIOSSLContext?

    /// Reads the trust store and every extra authority file; blocks, so never on a loop.
    ///
    /// - Parameter settings: what the operator wants.
    /// - Throws: `UpstreamError` `badSettings`, naming the file and what is wrong.
    package init(_ settings: UpstreamSettings) throws(UpstreamError) {
        limits = settings.limits
        proxies = settings.proxies
        var authorities: [NIOSSLCertificate] = []
        for path in settings.extraCAFiles { authorities += try UpstreamContext.authorities(path) }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.applicationProtocols = ["http/1.1"]
        configuration.minimumTLSVersion = .tlsv12
        configuration.additionalTrustRoots = authorities.isEmpty ? [] : [.certificates(authorities)]
        do {
            tls = try NIOSSLContext(configuration: configuration)
            configuration.certificateVerification = .noHostnameVerification
            let hasProxy = settings.proxies.httpProxy != nil || settings.proxies.httpsProxy != nil
            tlsByAddress = hasProxy ? try NIOSSLContext(configuration: configuration) : nil
        } catch {
            throw UpstreamError(
                .badSettings, "the system's trust store cannot be read; install the package ca-certificates: \(error)")
        }
    }

    private static func authorities(_ path: String) throws(UpstreamError) -> [NIOSSLCertificate] {
        let bytes: [UInt8]
        do throws(PEMFileError) { bytes = try PEMFile.read(path) } catch {
            throw UpstreamError(.badSettings, "the authority file \(path) \(error.reason)")
        }
        let found: [NIOSSLCertificate]
        do { found = try NIOSSLCertificate.fromPEMBytes(bytes) } catch { found = [] }
        guard !found.isEmpty else {
            throw UpstreamError(
                .badSettings, "the authority file \(path) holds no certificate in PEM form (BEGIN CERTIFICATE)")
        }
        return found
    }
}
