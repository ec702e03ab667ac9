// SPDX-License-Identifier: Apache-2.0
import NIOCore
import TestSupport

@testable import HTTPWire

/// Which side's message a test reads.
enum MessageKind: Equatable {
    case request
    case response(toHead: Bool)
}

/// One header line as three byte strings.
struct HeaderFacts: Equatable {
    var name: [UInt8]
    var value: [UInt8]
    var line: [UInt8]
}

/// Everything a head says, copied out of it.
struct HeadFacts: Equatable {
    var method: [UInt8] = []
    var target: [UInt8] = []
    var status = 0
    var reason: [UInt8] = []
    var minorVersion: UInt8
    var headers: [HeaderFacts]
    var framing: BodyFraming
    var keepsAlive: Bool
    var wantsWebSocket = false
    var isUpgrade = false
    var bytes: [UInt8]

    init(_ head: RequestHead) {
        method = Array(head.method)
        target = Array(head.target)
        wantsWebSocket = head.wantsWebSocket
        minorVersion = head.minorVersion
        headers = Self.headers(head.block)
        framing = head.framing
        keepsAlive = head.keepsAlive
        bytes = head.block.bytes
    }

    init(_ head: ResponseHead) {
        status = head.status
        isUpgrade = head.isUpgrade
        reason = Array(head.reason)
        minorVersion = head.minorVersion
        headers = Self.headers(head.block)
        framing = head.framing
        keepsAlive = head.keepsAlive
        bytes = head.block.bytes
    }

    private static func headers(_ block: HeaderBlock) -> [HeaderFacts] {
        block.fields.map { HeaderFacts(name: Array(block.name($0)), value: Array(block.value($0)), line: Array(block.line($0))) }
    }
}

/// What came of reading one message.
struct Reading: Equatable {
    var head: HeadFacts?
    var payload: [UInt8] = []
    var raw: [UInt8] = []
    var ending: [UInt8]?
    var isComplete = false
    var error: WireError?
    /// Bytes taken from the input, an empty line before the head included.
    var consumed = 0
    /// The most bytes that were ever kept back after a read.
    var heldBytes = 0
}

/// Reads one message from bytes that arrive in pieces.
func readMessage(_ kind: MessageKind, _ pieces: [ArraySlice<UInt8>]) -> Reading {
    var reading = Reading()
    var buffer = ByteBuffer()
    var parser = HeadParser()
    var body: BodyReader?
    var fed = 0
    do throws(WireError) {
        for piece in pieces {
            buffer.writeBytes(piece)
            fed += piece.count
            if body == nil, let head = try readHead(kind, &parser, &buffer) {
                reading.head = head
                // HTTP ends with the head of an upgrade: what follows is another protocol's.
                body = BodyReader(head.isUpgrade ? .none : head.framing)
            }
            if var reader = body {
                let part = try reader.read(&buffer) { reading.payload.append(contentsOf: $0.readableBytesView) }
                reading.raw.append(contentsOf: part.raw.readableBytesView)
                if let ending = part.ending { reading.ending = Array(ending.readableBytesView) }
                body = reader
                if part.isComplete {
                    reading.isComplete = true
                    break
                }
            }
            reading.heldBytes = max(reading.heldBytes, buffer.readableBytes)
        }
    } catch {
        reading.error = error
    }
    reading.consumed = fed - buffer.readableBytes
    return reading
}

private func readHead(_ kind: MessageKind, _ parser: inout HeadParser, _ buffer: inout ByteBuffer) throws(WireError) -> HeadFacts?
{
    switch kind {
    case .request: try parser.readRequest(&buffer).map(HeadFacts.init)
    case .response(let toHead): try parser.readResponse(&buffer, toHead: toHead).map(HeadFacts.init)
    }
}

func readMessage(_ kind: MessageKind, _ bytes: [UInt8]) -> Reading { readMessage(kind, [bytes[...]]) }

func readRequest(_ text: String) -> Reading { readMessage(.request, Array(text.utf8)) }

func readResponse(_ text: String, toHead: Bool = false) -> Reading { readMessage(.response(toHead: toHead), Array(text.utf8)) }

/// Bytes as a line of printable text.
func printable(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { byte in
        switch byte {
        case 0x0D: "\\r"
        case 0x0A: "\\n"
        case 0x5C: "\\\\"
        case 0x20...0x7E: String(UnicodeScalar(byte))
        default: "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }.joined()
}

extension SplitMix64 {
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }
}
