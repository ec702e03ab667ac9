// SPDX-License-Identifier: Apache-2.0
import Gateway
import Logging
import Platform
import Synchronization

/// The listening sockets of this process: opened here or handed over to it, kept beside the server that serves them, and handed over
/// to a successor while callers go on connecting.
final class HandOver: Sendable {
    private let sockets: Mutex<[ListeningSocket]>
    private let programPath: String?
    private let logger: Logger

    /// How long a successor may take until it accepts.
    static let readyMilliseconds: Int32 = 60_000

    /// Opens what was not handed over.
    ///
    /// A socket that was handed over serves the listener with its port; one that no listener wants is closed.
    /// - Parameters:
    ///   - listeners: get descriptors that the server will own.
    ///   - handed: from another process.
    ///   - logger: for what does not fit.
    /// - Throws: `GatewayError` `cannotListen`, or `PlatformError` where there are no more descriptors.
    init(_ listeners: inout [ListenerSettings], handed: HandedOver, logger: Logger) throws {
        var left = handed.sockets
        var mine: [ListeningSocket] = []
        for index in listeners.indices {
            let wanted = listeners[index]
            let socket: ListeningSocket
            if let found = left.firstIndex(where: { wanted.port == 0 || $0.port == wanted.port }) {
                socket = left.remove(at: found)
            } else {
                do throws(PlatformError) { socket = try ListeningSocket(host: wanted.host, port: wanted.port) } catch {
                    throw GatewayError.cannotListen(host: wanted.host, port: wanted.port, errno: error.errno)
                }
            }
            listeners[index].inheritedDescriptor = try socket.duplicate()
            mine.append(socket)
        }
        for socket in left {
            logger.warning(
                "a socket that was handed over has no listen address here; closed", metadata: ["port": "\(socket.port)"])
        }
        sockets = Mutex(mine)
        programPath = Host.programPath()
        self.logger = logger
    }

    /// Lets the sockets go: as no server accepts any more, the kernel then refuses callers at once.
    func close() { sockets.withLock { $0 = [] } }

    /// Starts a successor with the same arguments and waits until it accepts.
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
