// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOPosix
import Synchronization

/// The names that one loop is resolving: each once at a time, each with a deadline.
///
/// World: loop. The system's resolver blocks a thread of a small pool, and a lookup that is given up may hold that thread on. Names that
/// callers chose therefore have a pool and a limit of their own: whatever their name servers do, the operator's providers are found.
final class HostLookups {
    /// Who chose a name.
    enum Source: Hashable {
        case operatorNamed, callerNamed
    }

    private struct Name: Hashable {
        let host: String
        let source: Source
    }

    private final class Lookup {
        var waiting: [(Result<[String], UpstreamError>) -> Void] = []
        var deadline: Scheduled<Void>?
        let isGivenUp = Flag()
    }

    /// Told by the loop, read on the pool's thread.
    private final class Flag: Sendable {
        let isSet = Atomic<Bool>(false)
    }

    typealias Resolver = @Sendable (String) throws -> [String]

    private let loop: any EventLoop
    private let resolve: Resolver
    private var running: [Name: Lookup] = [:]
    /// Those given up among them.
    private var threadsAsked: [Source: Int] = [:]

    /// - Parameters:
    ///   - loop: on which everything here runs.
    ///   - resolve: blocks; called on a thread of a pool.
    init(loop: any EventLoop, resolve: @escaping Resolver = { try HostLookup.addresses(of: $0) }) {
        self.loop = loop
        self.resolve = resolve
    }

    /// Resolves a name.
    ///
    /// - Parameters:
    ///   - host: a name or a numeric address, which is its own answer.
    ///   - source: who chose it.
    ///   - limits: the deadline and the number at once.
    ///   - completion: called once, on the loop.
    func addresses(
        of host: String, from source: Source, limits: UpstreamLimits,
        completion: @escaping (Result<[String], UpstreamError>) -> Void
    ) {
        if AddressPolicy.isNumeric(host) { return completion(.success([host])) }
        let name = Name(host: host, source: source)
        if let lookup = running[name] { return lookup.waiting.append(completion) }
        let limit = source == .callerNamed ? limits.callerLookupsAtOnce : limits.lookupsAtOnce
        guard threadsAsked[source, default: 0] < limit else {
            return completion(.failure(UpstreamError(.lookupTimedOut, "too many host names wait for the system's resolver")))
        }
        let lookup = Lookup()
        lookup.waiting.append(completion)
        running[name] = lookup
        lookup.deadline = loop.assumeIsolated().scheduleTask(in: .milliseconds(limits.lookupMilliseconds)) {
            self.end(
                name, lookup,
                .failure(UpstreamError(.lookupTimedOut, "the system's resolver did not answer for the host name in time")))
        }
        ask(name, lookup)
    }

    private func ask(_ name: Name, _ lookup: Lookup) {
        threadsAsked[name.source, default: 0] += 1
        let (resolve, isGivenUp, host) = (resolve, lookup.isGivenUp, name.host)
        LookupThreads.pool(for: name.source).runIfActive(eventLoop: loop) { () throws -> [String] in
            // Nobody waits any more for what was given up in the queue.
            if isGivenUp.isSet.load(ordering: .relaxed) { return [] }
            return try resolve(host)
        }.assumeIsolated().whenComplete { result in
            self.threadsAsked[name.source, default: 1] -= 1
            self.end(name, lookup, result.mapError { UpstreamFailure.named($0) })
        }
    }

    private func end(_ name: Name, _ lookup: Lookup, _ result: Result<[String], UpstreamError>) {
        guard running[name] === lookup else { return }
        running[name] = nil
        lookup.isGivenUp.isSet.store(true, ordering: .relaxed)
        lookup.deadline?.cancel()
        for completion in lookup.waiting { completion(result) }
    }
}

/// The threads that the system's resolver may block, shared by all loops; they live as long as the process.
private enum LookupThreads {
    private static let operatorNamed = NIOThreadPool._makePerpetualStartedPool(numberOfThreads: 4, threadNamePrefix: "weir-dns-")
    private static let callerNamed = NIOThreadPool._makePerpetualStartedPool(numberOfThreads: 4, threadNamePrefix: "weir-cdns-")

    static func pool(for source: HostLookups.Source) -> NIOThreadPool {
        source == .callerNamed ? callerNamed : operatorNamed
    }
}
