// SPDX-License-Identifier: Apache-2.0

/// The grammar of heads (RFC 9112 sections 3 to 6), over one whole head.
enum HeadSyntax {
    static func request(_ bytes: [UInt8]) throws(WireError) -> RequestHead {
        let span = bytes.span
        let lineEnd = try startLineEnd(span)
        guard let methodEnd = index(of: ASCII.space, in: span, from: 0, to: lineEnd), methodEnd > 0 else {
            throw WireError(.badStartLine)
        }
        for i in 0..<methodEnd where !ASCII.isToken(span[i]) { throw WireError(.badMethod) }
        if equals(span, 0, methodEnd, "CONNECT") { throw WireError(.badMethod) }
        let targetStart = methodEnd + 1
        guard let targetEnd = index(of: ASCII.space, in: span, from: targetStart, to: lineEnd), targetEnd > targetStart else {
            throw WireError(.badStartLine)
        }
        try checkTarget(span, targetStart, targetEnd, isOptions: equals(span, 0, methodEnd, "OPTIONS"))
        let minor = try version(span, targetEnd + 1, lineEnd)
        let block = HeaderBlock(bytes: bytes, fields: try fields(bytes, from: lineEnd + 2))
        let framing = try requestFraming(block, minor: minor)
        try checkHost(block, minor: minor)
        return RequestHead(
            block: block, methodEnd: methodEnd, targetStart: targetStart, targetEnd: targetEnd, minorVersion: minor,
            framing: framing)
    }

    static func response(_ bytes: [UInt8], toHead: Bool) throws(WireError) -> ResponseHead {
        let span = bytes.span
        let lineEnd = try startLineEnd(span)
        guard lineEnd >= 12 else { throw WireError(.badStartLine) }
        let minor = try version(span, 0, 8)
        guard span[8] == ASCII.space else { throw WireError(.badStartLine) }
        var status = 0
        for i in 9..<12 {
            let byte = span[i]
            guard byte >= 0x30, byte <= 0x39 else { throw WireError(.badStatus) }
            status = status * 10 + Int(byte - 0x30)
        }
        guard status >= 100 else { throw WireError(.badStatus) }
        guard lineEnd == 12 || span[12] == ASCII.space else { throw WireError(.badStartLine) }
        let reasonStart = min(13, lineEnd)
        for i in reasonStart..<lineEnd where !isValueByte(span[i]) { throw WireError(.badStartLine) }
        let block = HeaderBlock(bytes: bytes, fields: try fields(bytes, from: lineEnd + 2))
        let framing = try responseFraming(block, minor: minor, status: status, toHead: toHead)
        return ResponseHead(
            block: block, status: status, reasonStart: reasonStart, reasonEnd: lineEnd, minorVersion: minor, framing: framing)
    }

    private static func index(of byte: UInt8, in span: Span<UInt8>, from start: Int, to end: Int) -> Int? {
        let found = unsafe WordScan.first(byte, in: span.bytes, from: start, to: end)
        return found < end ? found : nil
    }

    /// Whether bytes are exactly a text.
    private static func equals(_ span: Span<UInt8>, _ start: Int, _ end: Int, _ text: StaticString) -> Bool {
        guard end - start == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { letters in
            for i in 0..<letters.count where unsafe letters[i] != span[start + i] { return false }
            return true
        }
    }

    /// Where the start line's CR LF begins.
    private static func startLineEnd(_ span: Span<UInt8>) throws(WireError) -> Int {
        guard let end = index(of: ASCII.cr, in: span, from: 0, to: span.count), end + 1 < span.count else {
            throw WireError(.badStartLine)
        }
        guard span[end + 1] == ASCII.lf else { throw WireError(.bareCarriageReturn) }
        return end
    }

    /// Targets are a path and query (origin-form), or `*` for OPTIONS: a gateway is neither an open proxy nor a tunnel.
    private static func checkTarget(_ span: Span<UInt8>, _ start: Int, _ end: Int, isOptions: Bool) throws(WireError) {
        let isAsterisk = isOptions && end == start + 1 && span[start] == UInt8(ascii: "*")
        guard isAsterisk || span[start] == UInt8(ascii: "/") else {
            throw WireError(isURL(span, start, end) ? .absoluteTarget : .badTarget)
        }
        for i in start..<end {
            let byte = span[i]
            if byte <= 0x20 || byte >= 0x7F || byte == UInt8(ascii: "#") { throw WireError(.badTarget) }
        }
    }

    /// Whether a target is in the absolute form of http or https, the only ones that RFC 9112 section 3.2.2 is about.
    private static func isURL(_ span: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        guard let colon = index(of: ASCII.colon, in: span, from: start, to: min(end, start + 6)) else { return false }
        let scheme = (start..<colon).map { span[$0] | 0x20 }
        return (scheme.elementsEqual("http".utf8) || scheme.elementsEqual("https".utf8)) && colon + 2 < end
            && span[colon + 1] == UInt8(ascii: "/") && span[colon + 2] == UInt8(ascii: "/")
    }

    private static func version(_ span: Span<UInt8>, _ start: Int, _ end: Int) throws(WireError) -> UInt8 {
        if equals(span, start, end, "HTTP/1.1") { return 1 }
        if equals(span, start, end, "HTTP/1.0") { return 0 }
        throw WireError(end - start >= 5 && equals(span, start, start + 5, "HTTP/") ? .unsupportedVersion : .badStartLine)
    }

    /// Visible ASCII, space, and obs-text: a value's bytes but for tabs.
    static func isVisible(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7F }

    /// A value's bytes: visible ASCII, space, tab, and obs-text.
    static func isValueByte(_ byte: UInt8) -> Bool { isVisible(byte) || byte == ASCII.tab }

    /// Reads header lines up to the closing empty line.
    static func fields(_ bytes: [UInt8], from start: Int) throws(WireError) -> [HeaderField] {
        let span = bytes.span
        var fields: [HeaderField] = []
        fields.reserveCapacity(16)
        var position = start
        while position + 1 < span.count {
            if span[position] == ASCII.cr {
                guard span[position + 1] == ASCII.lf, position + 2 == span.count else { throw WireError(.bareCarriageReturn) }
                return fields
            }
            guard fields.count < WireLimits.headerFields else { throw WireError(.tooManyHeaders) }
            let field = try field(span, at: position)
            fields.append(field)
            position = Int(field.end)
        }
        throw WireError(.badStartLine)
    }

    private static func field(_ bytes: Span<UInt8>, at start: Int) throws(WireError) -> HeaderField {
        var nameEnd = start
        while nameEnd < bytes.count, ASCII.isToken(bytes[nameEnd]) { nameEnd += 1 }
        guard nameEnd > start, nameEnd < bytes.count, bytes[nameEnd] == ASCII.colon else {
            let first = bytes[start]
            throw WireError(first == ASCII.space || first == ASCII.tab ? .foldedHeader : .badHeaderName)
        }
        var valueStart = nameEnd + 1
        while valueStart < bytes.count, bytes[valueStart] == ASCII.space || bytes[valueStart] == ASCII.tab { valueStart += 1 }
        var lineEnd = unsafe WordScan.firstControl(in: bytes.bytes, from: valueStart, to: bytes.count)
        while lineEnd < bytes.count, bytes[lineEnd] == ASCII.tab {
            lineEnd = unsafe WordScan.firstControl(in: bytes.bytes, from: lineEnd + 1, to: bytes.count)
        }
        guard lineEnd + 1 < bytes.count, bytes[lineEnd] == ASCII.cr else { throw WireError(.badHeaderValue) }
        guard bytes[lineEnd + 1] == ASCII.lf else { throw WireError(.bareCarriageReturn) }
        var valueEnd = lineEnd
        while valueEnd > valueStart, bytes[valueEnd - 1] == ASCII.space || bytes[valueEnd - 1] == ASCII.tab { valueEnd -= 1 }
        return HeaderField(
            start: Int32(start), nameEnd: Int32(nameEnd), valueStart: Int32(valueStart), valueEnd: Int32(valueEnd),
            end: Int32(lineEnd + 2), known: KnownHeader.classify(bytes, start, nameEnd))
    }

    private static func requestFraming(_ block: HeaderBlock, minor: UInt8) throws(WireError) -> BodyFraming {
        try messageLength(block, minor: minor) ?? .none
    }

    private static func responseFraming(_ block: HeaderBlock, minor: UInt8, status: Int, toHead: Bool) throws(WireError)
        -> BodyFraming
    {
        let stated = try messageLength(block, minor: minor)
        if status == 101 { return .untilClose }
        if toHead || status < 200 || status == 204 || status == 304 { return .none }
        return stated ?? .untilClose
    }

    /// The one length a message states, or nil.
    ///
    /// Stricter than RFC 9112 section 6.3: nothing may be stated twice, nor may a tab stand around it, over which parsers differ.
    private static func messageLength(_ block: HeaderBlock, minor: UInt8) throws(WireError) -> BodyFraming? {
        guard block.holds(.contentLength) || block.holds(.transferEncoding) else { return nil }
        var length: Int?
        var isChunked = false
        for field in block.fields {
            if field.known == .contentLength {
                guard length == nil else { throw WireError(.conflictingLengths) }
                if block.contains(ASCII.tab, in: field) { throw WireError(.badContentLength) }
                length = try contentLength(block.bytes, field.valueRange)
            } else if field.known == .transferEncoding {
                let isPlain = ASCII.equalsIgnoringCase(block.value(field), "chunked") && !block.contains(ASCII.tab, in: field)
                guard isPlain, !isChunked, minor >= 1 else { throw WireError(.unsupportedTransferCoding) }
                isChunked = true
            }
        }
        if isChunked {
            guard length == nil else { throw WireError(.conflictingLengths) }
            return .chunked
        }
        return length.map(BodyFraming.length)
    }

    private static func contentLength(_ bytes: [UInt8], _ value: Range<Int>) throws(WireError) -> Int {
        guard !value.isEmpty, value.count <= 15 else { throw WireError(.badContentLength) }
        var length = 0
        for i in value {
            let byte = bytes[i]
            guard byte >= 0x30, byte <= 0x39 else { throw WireError(.badContentLength) }
            length = length * 10 + Int(byte - 0x30)
        }
        return length
    }

    private static func checkHost(_ block: HeaderBlock, minor: UInt8) throws(WireError) {
        var count = 0
        for field in block.fields where field.known == .host {
            count += 1
            for i in field.valueRange {
                let byte = block.bytes[i]
                if byte <= 0x20 || byte >= 0x7F || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "@") {
                    throw WireError(.badHost)
                }
            }
        }
        guard count == 1 || (count == 0 && minor == 0) else { throw WireError(.missingHost) }
    }
}
