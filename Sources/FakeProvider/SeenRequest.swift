// SPDX-License-Identifier: Apache-2.0

/// One header line as it came, case and order kept.
package struct SeenHeader: Sendable, Equatable {
    /// The name as written.
    package let name: String
    /// The value, outer white space removed.
    package let value: String

    /// A header line.
    ///
    /// - Parameters:
    ///   - name: as written.
    ///   - value: without outer white space.
    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// What the fake provider saw of one request and what became of its answer.
package struct SeenRequest: Sendable {
    /// Position among all requests since the start, from 0.
    package let ordinal: Int
    /// The connection it came on, from 0 in the order of accepting.
    package let connection: Int
    /// Method as written.
    package let method: String
    /// Request target as written, query included.
    package let target: String
    /// Headers in order, duplicates and case kept.
    package let headers: [SeenHeader]
    /// Body bytes without framing, of a WebSocket the text messages, each with a line feed; at most `FakeProviderLimits.seenBodyBytes`, and emptied when old bodies make room.
    package internal(set) var body: [UInt8]
    /// Body bytes that came, kept or not.
    package internal(set) var bodyByteCount: Int
    /// Whether the request came to its end.
    package internal(set) var isWhole: Bool
    /// Status sent; 0 where none was.
    package internal(set) var status = 0
    /// Answer body bytes handed to the socket, framing excluded.
    package internal(set) var answeredBytes = 0
    /// Whether the answer was written to its end.
    package internal(set) var isAnswered = false
    /// Whether the client went away before the answer (or its own request) was over.
    package internal(set) var clientGone = false

    /// Whether `body` is the whole body that came.
    package var isBodyKept: Bool { body.count == bodyByteCount }

    /// The first value of a header, name compared without case.
    ///
    /// - Parameter name: in any case.
    /// - Returns: the value, or nil where the header is absent.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// What a fake provider has counted since its start.
package struct FakeProviderCounts: Sendable, Equatable {
    /// Connections accepted.
    package internal(set) var connections = 0
    /// Requests that ended as a whole or were broken off by the client.
    package internal(set) var requests = 0
    /// Answers begun as streams.
    package internal(set) var streams = 0
    /// Answers by status.
    package internal(set) var byStatus: [Int: Int] = [:]
    /// Answers cut by order or by script.
    package internal(set) var cuts = 0
    /// Clients that went away too early.
    package internal(set) var clientsGone = 0
}
