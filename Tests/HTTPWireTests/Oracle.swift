// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOEmbedded
import NIOHTTP1

/// One head as llhttp saw it.
struct OracleHead {
    var method = ""
    var target = ""
    var status = 0
    var headers: [(name: String, value: String)]
    /// Nil for answers: llhttp is asked about requests only, where the decoder hands its verdict on.
    var keepsAlive: Bool?

    fileprivate static func list(_ headers: HTTPHeaders) -> [(name: String, value: String)] {
        headers.map { ($0.name, $0.value) }
    }
}

/// The independent reader: NIOHTTP1's llhttp decoder in an embedded channel.
final class Oracle {
    private let channel = EmbeddedChannel()
    private(set) var heads: [OracleHead] = []
    private(set) var body: [UInt8] = []
    private(set) var endCount = 0
    private(set) var trailers: [(name: String, value: String)] = []
    private(set) var error: (any Error)?
    private let isRequest: Bool

    init(_ kind: MessageKind) throws {
        switch kind {
        case .request:
            isRequest = true
            try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
        case .response(let toHead):
            isRequest = false
            let decoder = HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .forward)
            try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(decoder))
            for method in [toHead ? HTTPMethod.HEAD : .GET, .GET] {
                let head = HTTPRequestHead(version: .http1_1, method: method, uri: "/")
                try channel.writeOutbound(HTTPClientRequestPart.head(head))
            }
        }
    }

    func feed(_ bytes: ArraySlice<UInt8>) {
        guard error == nil, !bytes.isEmpty else { return }
        do { try channel.writeInbound(ByteBuffer(bytes: bytes)) } catch { self.error = error }
        collect()
    }

    /// Ends the connection.
    func finish() {
        do { _ = try channel.finish(acceptAlreadyClosed: true) } catch { if self.error == nil { self.error = error } }
        collect()
    }

    private func collect() {
        do {
            if isRequest {
                while let part = try channel.readInbound(as: HTTPServerRequestPart.self) { take(part) }
            } else {
                while let part = try channel.readInbound(as: HTTPClientResponsePart.self) { take(part) }
            }
        } catch { self.error = error }
    }

    private func take(_ part: HTTPServerRequestPart) {
        switch part {
        case .head(let head):
            heads.append(
                OracleHead(
                    method: head.method.rawValue, target: head.uri, headers: OracleHead.list(head.headers),
                    keepsAlive: head.isKeepAlive))
        case .body(let bytes): body.append(contentsOf: bytes.readableBytesView)
        case .end(let trailers): end(trailers)
        }
    }

    private func take(_ part: HTTPClientResponsePart) {
        switch part {
        case .head(let head): heads.append(OracleHead(status: Int(head.status.code), headers: OracleHead.list(head.headers)))
        case .body(let bytes): body.append(contentsOf: bytes.readableBytesView)
        case .end(let trailers): end(trailers)
        }
    }

    private func end(_ trailers: HTTPHeaders?) {
        endCount += 1
        if endCount == 1, let trailers { self.trailers = OracleHead.list(trailers) }
    }
}
