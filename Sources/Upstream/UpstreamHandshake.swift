// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOSSL
import NIOTLS

/// Waits for the end of one TLS handshake as a client, with a deadline, and then goes away.
///
/// World: loop.
final class UpstreamHandshake: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let whom: String
    private let milliseconds: Int64
    private var completion: ((Result<Void, UpstreamError>) -> Void)?
    private var deadline: Scheduled<Void>?
    private var context: ChannelHandlerContext?

    /// - Parameters:
    ///   - whom: as in "the provider".
    ///   - milliseconds: how long it may take.
    ///   - completion: called once, on the loop.
    init(with whom: String, milliseconds: Int64, completion: @escaping (Result<Void, UpstreamError>) -> Void) {
        self.whom = whom
        self.milliseconds = milliseconds
        self.completion = completion
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let seconds = milliseconds / 1_000
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(milliseconds)) {
            self.end(
                .failure(
                    UpstreamError(.tlsTimedOut, "TLS with \(self.whom) failed: the handshake took longer than \(seconds) s")))
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted = event as? TLSUserEvent else { return context.fireUserInboundEventTriggered(event) }
        end(.success(()))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let shown: NIOSSLCertificate?
        do { shown = try context.pipeline.syncOperations.nioSSL_peerCertificate() } catch { shown = nil }
        let reason = UpstreamFailure.tlsReason(error, certificate: shown)
        end(.failure(UpstreamError(.tlsFailed, "TLS with \(whom) failed: \(reason)")))
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.failure(UpstreamError(.tlsFailed, "TLS with \(whom) failed: it closed the connection during the handshake")))
    }

    private func end(_ result: Result<Void, UpstreamError>) {
        guard let completion else { return }
        self.completion = nil
        deadline?.cancel()
        if let context {
            if case .failure = result { context.close(promise: nil) }
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        }
        completion(result)
    }
}

/// Checks that a certificate is for a numeric address, where the socket's own address is a proxy's.
enum CertificateAddress {
    /// The result of the check as the library wants it.
    static func check(_ certificate: NIOSSLCertificate, is host: String, on loop: any EventLoop) -> EventLoopFuture<Void> {
        guard let wanted = AddressPolicy.addressBytes(host) else {
            return loop.makeFailedFuture(NIOSSLExtraError.failedToValidateHostname)
        }
        for name in certificate._subjectAlternativeNames() where name.nameType == .ipAddress {
            let isSame = unsafe name.contents.withUnsafeBufferPointer { unsafe $0.elementsEqual(wanted) }
            if isSame { return loop.makeSucceededVoidFuture() }
        }
        return loop.makeFailedFuture(NIOSSLExtraError.failedToValidateHostname)
    }
}
