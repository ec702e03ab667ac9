// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOPosix

/// The names that one loop is resolving: each once at a time, each with a deadline.
///
/// World: loop. The system's resolver blocks a thread of a small pool; a lookup that is given up may hold that thread on, so that the
/// number of lookups has a limit of its own.
final class HostLookups {
    private final class Lookup {
        var waiting: [(Result<[String], UpstreamError>) -> Void] = []
        var deadline: Scheduled<Void>?
    }

    private let loop: any EventLoop
    private let resolve: @Sendable (String) throws -> [String]
    private var running: [String: Lookup] = [:]
    /// Those given up among them.
    private var threadsAsked = 0

    /// Lookups of a loop.
    ///
    /// - Parameters:
    ///   - loop: where completions are called.
    ///   - resolve: blocks until the system's resolver has answered.
    init(
        loop: any EventLoop, resolve: @escaping @Sendable (String) throws -> [String] = { try HostLookup.addresses(of: $0) }
    ) {
        self.loop = loop
        self.resolve = resolve
    }

    /// Resolves a name.
    ///
    /// - Parameters:
    ///   - host: a name or a numeric address, which is its own answer.
    ///   - limits: the deadline and the number at once.
    ///   - completion: called once, on the loop.
    func addresses(of host: String, limits: UpstreamLimits, completion: @escaping (Result<[String], UpstreamError>) -> Void) {
        if AddressPolicy.isNumeric(host) { return completion(.success([host])) }
        if let lookup = running[host] { return lookup.waiting.append(completion) }
        guard threadsAsked < limits.lookupsAtOnce else {
            return completion(.failure(UpstreamError(.lookupTimedOut, "too many host names wait for the system's resolver")))
        }
        let lookup = Lookup()
        lookup.waiting.append(completion)
        running[host] = lookup
        lookup.deadline = loop.assumeIsolated().scheduleTask(in: .milliseconds(limits.lookupMilliseconds)) {
            self.end(
                host, lookup,
                .failure(UpstreamError(.lookupTimedOut, "the system's resolver did not answer for the host name in time")))
        }
        threadsAsked += 1
        NIOThreadPool.singleton.runIfActive(eventLoop: loop) { [resolve] in try resolve(host) }
            .assumeIsolated().whenComplete { result in
                self.threadsAsked -= 1
                self.end(host, lookup, result.mapError { UpstreamFailure.named($0) })
            }
    }

    private func end(_ host: String, _ lookup: Lookup, _ result: Result<[String], UpstreamError>) {
        guard running[host] === lookup else { return }
        running[host] = nil
        lookup.deadline?.cancel()
        for completion in lookup.waiting { completion(result) }
    }
}
