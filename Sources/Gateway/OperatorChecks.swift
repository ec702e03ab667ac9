// SPDX-License-Identifier: Apache-2.0
import Crypto
import NIOCore
import NIOPosix

extension GatewayKey {
    /// Names a key that the configuration holds in plain text; the text is hashed and not kept.
    package init(id: String, hashing key: String) {
        self.init(id: id, sha256: Array(SHA256.hash(data: Array(key.utf8))))
    }
}

/// Looks at what a listener needs, without serving.
package enum ListenerCheck {
    /// What stands at an address.
    package enum Address: Sendable, Equatable {
        /// It can be listened on.
        case free
        /// Somebody listens there already.
        case taken
        /// It cannot be listened on; the reason.
        case refused(String)
    }

    /// Reads certificate and key as a listener would; blocks.
    ///
    /// - Parameter tls: names the files.
    /// - Throws: `GatewayError` `badCertificate`, naming the file and what is wrong.
    package static func check(_ tls: ListenerTLS) throws(GatewayError) { _ = try ListenerCertificate.load(tls) }

    /// Binds an address as a listener would, and lets it go at once.
    ///
    /// - Parameters:
    ///   - host: a name or a numeric address without brackets.
    ///   - port: 0 for any.
    /// - Returns: what stands there.
    package static func look(host: String, port: Int) async -> Address {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let bootstrap = ServerBootstrap(group: group).serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        let found: Address
        do {
            try await bootstrap.bind(host: host, port: port).get().close()
            found = .free
        } catch let error as IOError {
            switch error.errnoCode {
            case 98: found = .taken
            case 99: found = .refused("this machine has no such address")
            case 13: found = .refused("not permitted; ports below 1024 need the capability to bind them")
            default: found = .refused("errno \(error.errnoCode)")
            }
        } catch {
            found = .refused("the name has no address of this machine")
        }
        do { try await group.shutdownGracefully() } catch { return found }
        return found
    }
}
