// SPDX-License-Identifier: Apache-2.0
import Gateway
import Logging
import Platform
import Testing

@testable import weir

/// Which socket that was handed over serves which listener.
@Suite struct InheritedSocketTests {
    private static let logger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }

    /// Where the listeners' descriptors are bound, in the order of the listeners.
    private static func bound(_ wanted: [(host: String, port: Int)], _ sockets: [ListeningSocket]) throws -> [BoundAddress] {
        var listeners = wanted.map { ListenerSettings(host: $0.host, port: $0.port) }
        let handOver = try HandOver(&listeners, handed: HandedOver(sockets: sockets), logger: logger)
        defer { handOver.close() }
        return try listeners.map { listener in
            let descriptor = try #require(listener.inheritedDescriptor)
            return try #require(ListeningSocket(adopting: descriptor).address)
        }
    }

    @Test func takesTheSocketWithItsAddress() throws {
        let socket = try ListeningSocket(host: "127.0.0.1", port: 0)
        let port = socket.port
        // A second socket on the port could not be bound: this is the one.
        #expect(try Self.bound([("127.0.0.1", port)], [socket]) == [BoundAddress(host: "127.0.0.1", port: port)])
        #expect(try Self.bound([("localhost", port)], [socket]).map(\.port) == [port])
        #expect(try Self.bound([("127.0.0.1", 0)], [socket]).map(\.port) == [port])
    }

    @Test(arguments: ["0.0.0.0", "::"]) func refusesASocketThatIsWiderThanTheConfiguration(host: String) throws {
        // A machine without IPv6 has no such socket to hand over.
        guard let socket = try? ListeningSocket(host: host, port: 0) else { return }
        let port = socket.port
        let wide = BoundAddress(host: host, port: port)
        do {
            _ = try Self.bound([("127.0.0.1", port)], [socket])
            Issue.record("taken")
        } catch let error as GatewayError {
            #expect(error.code == .cannotListen)
            #expect(error.message.contains("\(wide)") && error.message.contains("127.0.0.1:\(port)"), "\(error.message)")
        }
        #expect(try Self.bound([(host, port)], [socket]) == [wide])
    }

    @Test func refusesANarrowerSocketOnTheSamePort() throws {
        let socket = try ListeningSocket(host: "127.0.0.1", port: 0)
        #expect(throws: GatewayError.self) { try Self.bound([("0.0.0.0", socket.port)], [socket]) }
    }

    @Test func opensWhatIsNotAmongThem() throws {
        let other = try ListeningSocket(host: "127.0.0.2", port: 0)
        let port = other.port
        #expect(try Self.bound([("127.0.0.1", port)], [other]) == [BoundAddress(host: "127.0.0.1", port: port)])
        #expect(try Self.bound([("127.0.0.1", 0)], [other]).map(\.host) == ["127.0.0.1"])
    }

    @Test func tellsListenersOfOnePortApart() throws {
        let first = try ListeningSocket(host: "127.0.0.1", port: 0)
        let port = first.port
        let second = try ListeningSocket(host: "127.0.0.2", port: port)
        let third = try ListeningSocket(host: "127.0.0.1", port: 0)
        let free = third.port
        let found = try Self.bound([("127.0.0.1", 0), ("127.0.0.2", port), ("127.0.0.1", port)], [first, second, third])
        #expect(
            found == [
                BoundAddress(host: "127.0.0.1", port: free), BoundAddress(host: "127.0.0.2", port: port),
                BoundAddress(host: "127.0.0.1", port: port),
            ])
    }

    @Test func showsAnIPv4AddressAsOne() {
        #expect("\(BoundAddress(host: "::ffff:127.0.0.1", port: 80))" == "127.0.0.1:80")
        #expect("\(BoundAddress(host: "::1", port: 80))" == "[::1]:80")
        #expect(BoundAddress(host: "::", port: 1).isWildcard && !BoundAddress(host: "::1", port: 1).isWildcard)
    }
}
