// SPDX-License-Identifier: Apache-2.0
import NIOSSL
import Upstream

/// Reads a listener's certificate and key and says in words what is wrong with them.
enum ListenerCertificate {
    /// The server side of TLS 1.2 and 1.3 with a certificate chain and its key.
    ///
    /// - Throws: `GatewayError` `badCertificate`, naming the file.
    static func load(_ tls: ListenerTLS) throws(GatewayError) -> NIOSSLContext {
        let chain = try certificates(tls.certificatePath)
        let key = try privateKey(tls.keyPath)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = tls.allowsHTTP2 ? ["h2", "http/1.1"] : ["http/1.1"]
        do { return try NIOSSLContext(configuration: configuration) } catch {
            // The key itself was read well: what the library refuses is the pair.
            if let known = error as? NIOSSLError, known == .failedToLoadPrivateKey {
                throw GatewayError(
                    .badCertificate,
                    "the key in \(tls.keyPath) does not belong to the first certificate in \(tls.certificatePath); the server's own certificate comes first, then the chain"
                )
            }
            throw GatewayError(
                .badCertificate,
                "the certificate in \(tls.certificatePath) with the key in \(tls.keyPath) cannot be used: \(error)")
        }
    }

    private static func certificates(_ path: String) throws(GatewayError) -> [NIOSSLCertificate] {
        let bytes = try read(path, "certificate")
        let chain: [NIOSSLCertificate]
        do { chain = try NIOSSLCertificate.fromPEMBytes(bytes) } catch {
            throw GatewayError(
                .badCertificate, "the certificate file \(path) holds no certificate in PEM form (BEGIN CERTIFICATE)")
        }
        guard !chain.isEmpty else {
            throw GatewayError(
                .badCertificate, "the certificate file \(path) holds no certificate in PEM form (BEGIN CERTIFICATE)")
        }
        return chain
    }

    private static func privateKey(_ path: String) throws(GatewayError) -> NIOSSLPrivateKey {
        let bytes = try read(path, "key")
        if bytes.firstRange(of: Array("ENCRYPTED".utf8)) != nil {
            throw GatewayError(.badCertificate, "the key in \(path) is encrypted; Weir reads keys without a passphrase only")
        }
        do { return try NIOSSLPrivateKey(bytes: bytes, format: .pem) } catch {
            throw GatewayError(.badCertificate, "the key file \(path) holds no private key in PEM form (BEGIN PRIVATE KEY)")
        }
    }

    private static func read(_ path: String, _ what: String) throws(GatewayError) -> [UInt8] {
        do throws(PEMFileError) { return try PEMFile.read(path) } catch {
            throw GatewayError(.badCertificate, "the \(what) file \(path) \(error.reason)")
        }
    }
}
