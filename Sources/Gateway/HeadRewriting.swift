// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel
package import HTTPWire
package import NIOCore

/// Builds the heads that leave Weir out of those that came: order, case and duplicates kept, only what the contract names changed.
package enum HeadRewriting {
    /// The request head for the provider.
    ///
    /// Lines that pass are copied in runs, as they came.
    /// - Parameters:
    ///   - head: the caller's.
    ///   - route: where it goes; one that `isSigned` needs `signedUpstreamHead` instead.
    ///   - contentLength: what takes the place of the stated length; nil: it stays.
    ///   - allocator: for the buffer.
    /// - Returns: the bytes, closing empty line included.
    package static func upstreamHead(
        _ head: RequestHead, route: Route, contentLength: Int? = nil, allocator: ByteBufferAllocator
    ) -> ByteBuffer {
        let body = gatheredBytes(contentLength.map { .length($0) } ?? head.framing)
        var out = allocator.buffer(capacity: head.block.byteCount + route.endpoint.basePath.count + 256 + body)
        let key = PlacedKey(route)
        writeRequestLine(head, route: route, key: key, to: &out)
        writeFields(head, route: route, key: key, signature: nil, contentLength: contentLength, to: &out)
        return out
    }

    /// Bytes of a small body that will be copied behind its head, so that both leave in one packet.
    private static func gatheredBytes(_ framing: BodyFraming) -> Int {
        guard case .length(let count) = framing, count <= GatewayLimits.gatherBytes else { return 0 }
        return count
    }

    static func writeRequestLine(_ head: RequestHead, route: Route, key: PlacedKey, to out: inout ByteBuffer) {
        out.writeBytes(head.method)
        out.writeInteger(UInt8(ascii: " "))
        if route.addsBasePath { out.writeBytes(route.endpoint.basePath) }
        switch key.query(of: route) {
        case .none:
            out.writeBytes(route.targetRest)
        case .to(let query):
            out.writeBytes(route.pathRest)
            if let query {
                out.writeInteger(UInt8(ascii: "?"))
                out.writeBytes(query)
            }
        }
        out.writeStaticString(" HTTP/1.1\r\n")
    }

    /// Every line after the first, and the closing empty one.
    ///
    /// A signature takes the place of the caller's credentials and of what belongs to the caller's own signature.
    static func writeFields(
        _ head: RequestHead, route: Route, key: PlacedKey, signature: [UInt8]?, contentLength: Int? = nil,
        to out: inout ByteBuffer
    ) {
        let block = head.block
        let dropped = block.connectionNames
        let upgrades = head.wantsWebSocket
        var run = RunCopier(block)
        var keyIsPlaced = key.header == nil
        var hostIsPlaced = false
        for field in block.fields {
            switch kind(of: field, block, route: route, key: key, dropped: dropped, isSigned: signature != nil) {
            case .drops where upgrades && field.known == .upgrade: run.pass(field)
            case .drops where upgrades && field.known == .connection:
                run.skip(field, to: &out)
                out.writeStaticString("Connection: Upgrade\r\n")
            case .passes where contentLength != nil && field.known == .contentLength:
                run.skip(field, to: &out)
                out.writeBytes(block.name(field))
                out.writeString(": \(contentLength ?? 0)\r\n")
            case .passes: run.pass(field)
            case .drops: run.skip(field, to: &out)
            case .host:
                hostIsPlaced = true
                if keepsHost(field, block, route: route) {
                    run.pass(field)
                } else {
                    run.skip(field, to: &out)
                    out.writeBytes(route.endpoint.hostLine)
                }
            case .credential:
                run.skip(field, to: &out)
                if !keyIsPlaced { key.write(to: &out) }
                keyIsPlaced = true
            }
        }
        run.finish(to: &out)
        if !hostIsPlaced { out.writeBytes(route.endpoint.hostLine) }
        if !keyIsPlaced { key.write(to: &out) }
        if let signature { out.writeBytes(signature) }
        if route.addsVia { out.writeStaticString("Via: 1.1 weir\r\n") }
        out.writeStaticString("\r\n")
    }

    enum FieldKind {
        case passes, drops, host
        /// A credential whose place the provider's key takes, if there is one for a header.
        case credential
    }

    static func kind(
        of field: HeaderField, _ block: HeaderBlock, route: Route, key: PlacedKey, dropped: [[UInt8]], isSigned: Bool
    ) -> FieldKind {
        switch field.known {
        case .host: return .host
        case .inference: return .drops
        // The length frames the body: nobody may have it dropped by listing it in Connection.
        case .transferEncoding, .trailer, .contentLength: return .passes
        case .authorization where isSigned: return .drops
        case .authorization, .xAPIKey, .xGoogAPIKey, .apiKey:
            // With the provider's key given, every credential header of the caller's is a key for Weir and stays here.
            if key.replacesCredentials { return .credential }
            if route.holdsGatewayKey, GatewayKeys.isKey(block.value(field)) { return .drops }
        case .other where isSigned && SigV4.isOwnHeader(block.name(field)): return .drops
        default: if field.known.isHopByHop { return .drops }
        }
        return isDropped(field, of: block, by: dropped) ? .drops : .passes
    }

    /// A line that says the provider's host already stays as it is, and one that the caller signed must.
    private static func keepsHost(_ field: HeaderField, _ block: HeaderBlock, route: Route) -> Bool {
        if route.keepsHost { return true }
        let value = block.value(field)
        let own = route.endpoint.hostLine
        guard value.count + 8 == own.count else { return false }
        for k in 0..<value.count where ASCII.lower(value[value.startIndex + k]) != own[6 + k] { return false }
        return true
    }

    private static func isDropped(_ field: HeaderField, of block: HeaderBlock, by names: [[UInt8]]) -> Bool {
        guard !names.isEmpty else { return false }
        let name = block.name(field)
        return names.contains { $0.count == name.count && zip($0, name).allSatisfy { $0 == ASCII.lower($1) } }
    }

    /// What the caller's connection needs from an answer head.
    package struct AnswerNeeds {
        /// The connection ends after this answer.
        package var closes: Bool
        /// The caller speaks HTTP/1.0 and cannot read chunks.
        package var removesChunking: Bool
        /// The caller speaks HTTP/1.0 and asked to keep the connection.
        package var confirmsKeepAlive: Bool
        /// The operator wants a `Via` line.
        package var addsVia: Bool

        /// The needs of one connection.
        package init(closes: Bool, removesChunking: Bool, confirmsKeepAlive: Bool, addsVia: Bool = false) {
            self.addsVia = addsVia
            self.closes = closes
            self.removesChunking = removesChunking
            self.confirmsKeepAlive = confirmsKeepAlive
        }
    }

    /// What an answer's own headers say of its exchange.
    package struct Told {
        /// Of the exchange.
        package var id: ExchangeID
        /// Catalogue name, or the host of a bare URL; empty where none was known.
        package var provider: String
        /// Sends to providers.
        package var attempts: Int
        /// What Weir has done about the stream's usage, a whole header line; nil: nothing.
        var streamUsage: StaticString?

        /// What is told of one exchange.
        package init(id: ExchangeID, provider: String, attempts: Int) {
            self.id = id
            self.provider = provider
            self.attempts = attempts
        }

        func write(to out: inout ByteBuffer) {
            out.writeStaticString("x-weir-exchange-id: ")
            unsafe out.writeWithUnsafeMutableBytes(minimumWritableBytes: ExchangeID.textCount) { target in
                unsafe id.writeText(to: target)
                return ExchangeID.textCount
            }
            out.writeStaticString("\r\n")
            if let streamUsage { out.writeStaticString(streamUsage) }
            if !provider.isEmpty {
                out.writeStaticString("x-weir-provider: ")
                out.writeString(provider)
                out.writeStaticString("\r\n")
            }
            // Nearly all answers take one.
            guard attempts != 1 else { return _ = out.writeStaticString("x-weir-attempts: 1\r\n") }
            out.writeStaticString("x-weir-attempts: ")
            out.writeString(String(attempts))
            out.writeStaticString("\r\n")
        }
    }

    /// The answer head for the caller.
    ///
    /// - Parameters:
    ///   - head: the provider's.
    ///   - told: of the exchange.
    ///   - needs: of the caller's connection.
    ///   - allocator: for the buffer.
    /// - Returns: the bytes, closing empty line included.
    package static func downstreamHead(
        _ head: ResponseHead, told: Told, needs: AnswerNeeds, allocator: ByteBufferAllocator
    ) -> ByteBuffer {
        let block = head.block
        var out = allocator.buffer(capacity: block.byteCount + 224 + gatheredBytes(head.framing))
        writeStatusLine(head.status, reason: head.reason, to: &out)
        let dropped = block.connectionNames
        var run = RunCopier(block)
        for field in block.fields {
            switch field.known {
            case .transferEncoding where needs.removesChunking, .trailer where needs.removesChunking: run.skip(field, to: &out)
            case .transferEncoding, .trailer, .contentLength: run.pass(field)
            case .connection where head.isUpgrade:
                run.skip(field, to: &out)
                out.writeStaticString("Connection: Upgrade\r\n")
            case .upgrade where head.isUpgrade: run.pass(field)
            default:
                if field.known.isHopByHop || isDropped(field, of: block, by: dropped) {
                    run.skip(field, to: &out)
                } else {
                    run.pass(field)
                }
            }
        }
        run.finish(to: &out)
        if needs.addsVia { out.writeStaticString("Via: 1.1 weir\r\n") }
        told.write(to: &out)
        if head.status >= 400 { out.writeStaticString("x-weir-error-source: provider\r\n") }
        if needs.closes {
            out.writeStaticString("Connection: close\r\n")
        } else if needs.confirmsKeepAlive {
            out.writeStaticString("Connection: keep-alive\r\n")
        }
        out.writeStaticString("\r\n")
        return out
    }

    /// An interim answer (100, 103), as it came.
    package static func interimHead(_ head: ResponseHead, allocator: ByteBufferAllocator) -> ByteBuffer {
        var out = allocator.buffer(capacity: head.block.byteCount)
        writeStatusLine(head.status, reason: head.reason, to: &out)
        let dropped = head.block.connectionNames
        for field in head.block.fields
        // An interim answer has no body, whatever it says (RFC 9110 section 8.6).
        where !field.known.isHopByHop && field.known != .contentLength && !isDropped(field, of: head.block, by: dropped) {
            out.writeBytes(head.block.line(field))
        }
        out.writeStaticString("\r\n")
        return out
    }

    private static func writeStatusLine(_ status: Int, reason: ArraySlice<UInt8>, to out: inout ByteBuffer) {
        if status == 200 {
            out.writeStaticString("HTTP/1.1 200 ")
        } else {
            out.writeStaticString("HTTP/1.1 ")
            out.writeString(String(status))
            out.writeInteger(UInt8(ascii: " "))
        }
        out.writeBytes(reason)
        out.writeStaticString("\r\n")
    }

    /// A whole answer of Weir's own.
    package static func faultAnswer(
        _ fault: Fault, api: APIFamily?, told: Told, closes: Bool, withoutBody: Bool, allocator: ByteBufferAllocator
    ) -> ByteBuffer {
        let body = fault.body(for: api)
        var out = allocator.buffer(capacity: body.count + 320)
        writeStatusLine(fault.code.status, reason: Array(reason(fault.code.status).utf8)[...], to: &out)
        out.writeStaticString("Content-Type: application/json\r\nContent-Length: ")
        out.writeString(String(body.count))
        out.writeStaticString("\r\nx-weir-error-source: gateway\r\n")
        told.write(to: &out)
        if fault.code.status == 503 { out.writeStaticString("Retry-After: 1\r\n") }
        if closes { out.writeStaticString("Connection: close\r\n") }
        out.writeStaticString("\r\n")
        if !withoutBody { out.writeBytes(body) }
        return out
    }

    static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 202: "Accepted"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 413: "Content Too Large"
        case 417: "Expectation Failed"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        default: "Error"
        }
    }
}
