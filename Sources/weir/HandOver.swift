// SPDX-License-Identifier: Apache-2.0
import Gateway
import Logging
import Platform
import Synchronization

/// The listening sockets of this process: opened here or handed over to it, kept beside the server that serves them, and handed over
/// to a successor while callers go on connecting.
final class HandOver: Sendable {
    private let sockets: Mutex<[ListeningSocket]>
    private let successor = Mutex<Successor?>(nil)
    private let programPath: String?
    private let logger: Logger

    /// How long a successor may take until it can accept.
    static let readyMilliseconds: Int32 = 60_000
    /// How long a process waits for its predecessor to accept no more.
    static let takeOverMilliseconds: Int32 = 5_000

    /// Opens what was not handed over.
    ///
    /// A socket that was handed over serves the listener with its address and port; one that no listener wants is closed. One that
    /// stands in a listener's way with a wider address is refused: the gateway would be reached from where the configuration does not
    /// let it be.
    /// - Parameters:
    ///   - listeners: get descriptors that the server will own.
    ///   - handed: from another process.
    ///   - logger: for what does not fit.
    /// - Throws: `GatewayError` `cannotListen`, or `PlatformError` where there are no more descriptors.
    init(_ listeners: inout [ListenerSettings], handed: HandedOver, logger: Logger) throws {
        var left = handed.sockets
        let found = HandOver.match(listeners, &left)
        var mine: [ListeningSocket] = []
        for index in listeners.indices {
            let wanted = listeners[index]
            let socket: ListeningSocket
            if let inherited = found[index] {
                socket = inherited
            } else {
                try HandOver.refuseOverlap(wanted, left)
                do throws(PlatformError) { socket = try ListeningSocket(host: wanted.host, port: wanted.port) } catch {
                    throw GatewayError.cannotListen(host: wanted.host, port: wanted.port, errno: error.errno)
                }
            }
            listeners[index].inheritedDescriptor = try socket.duplicate()
            mine.append(socket)
        }
        for socket in left {
            logger.warning(
                "a socket that was handed over has no listen address here; closed",
                metadata: ["address": "\(socket.address.map { "\($0)" } ?? "none")"])
        }
        sockets = Mutex(mine)
        programPath = Host.programPath()
        self.logger = logger
    }

    /// The socket of each listener by its index; those that are taken leave `left`.
    private static func match(_ listeners: [ListenerSettings], _ left: inout [ListeningSocket]) -> [Int: ListeningSocket] {
        guard !left.isEmpty else { return [:] }
        var found: [Int: ListeningSocket] = [:]
        // Those that want any port come last: they would take what another one names.
        for (index, wanted) in listeners.enumerated().sorted(by: { $0.element.port != 0 && $1.element.port == 0 }) {
            let hosts = BoundAddress.all(ofHost: wanted.host, port: wanted.port).map(\.host)
            let place = left.firstIndex { socket in
                guard let address = socket.address, hosts.contains(address.host) else { return false }
                return wanted.port == 0 || address.port == wanted.port
            }
            if let place { found[index] = left.remove(at: place) }
        }
        return found
    }

    private static func refuseOverlap(_ wanted: ListenerSettings, _ left: [ListeningSocket]) throws(GatewayError) {
        guard !left.isEmpty else { return }
        let isWide = BoundAddress.all(ofHost: wanted.host, port: wanted.port).contains(where: \.isWildcard)
        for socket in left {
            guard let address = socket.address, wanted.port != 0, address.port == wanted.port, isWide || address.isWildcard else {
                continue
            }
            let asked = BoundAddress(host: wanted.host, port: wanted.port)
            throw GatewayError(
                .cannotListen,
                "the socket that was handed over is bound to \(address), but the configuration says \(asked): they must be the same."
                    + " Correct ListenStream= of the socket unit, or `listen`; to change the address of a port, stop this gateway and"
                    + " start it again")
        }
    }

    /// Lets the successor accept, now that this process does not any more.
    func letSuccessorAccept() {
        successor.withLock { known in
            known?.letAccept()
            known = nil
        }
    }

    /// Lets the sockets go: as no server accepts any more, the kernel then refuses callers at once.
    func close() { sockets.withLock { $0 = [] } }

    /// Starts a successor with the same arguments and waits until it can accept.
    ///
    /// - Parameter arguments: of this process.
    /// - Returns: false where it could not start or did not become ready: this process then goes on as before.
    func succeed(arguments: [String]) async -> Bool {
        guard let programPath else {
            logger.error("no hand-over: the path of the program is not known")
            return false
        }
        do {
            let successor = try Successor.start(
                path: programPath, arguments: arguments, sockets: sockets.withLock { $0 })
            logger.notice("a new process takes over", metadata: ["pid": "\(successor.processID)", "program": "\(programPath)"])
            guard await ready(successor) else {
                logger.error("the new process did not start; this one goes on", metadata: ["pid": "\(successor.processID)"])
                return false
            }
            self.successor.withLock { $0 = successor }
            return true
        } catch {
            logger.error("the new process cannot be started; this one goes on", metadata: ["error": "\(error)"])
            return false
        }
    }

    private func ready(_ successor: Successor) async -> Bool {
        await withCheckedContinuation { continuation in
            do {
                _ = try OwnedThread(name: "weir-hand-over") {
                    continuation.resume(returning: successor.isReady(within: HandOver.readyMilliseconds))
                }
            } catch {
                continuation.resume(returning: false)
            }
        }
    }
}
