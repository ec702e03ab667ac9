// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Redaction

/// A head taken apart in place: what `HeadReading` does, over the arena's own bytes.
///
/// World: thread; used again for one head after the other.
struct HeadRuns {
    struct Line {
        let name: ByteRun
        let value: ByteRun
        /// Bytes of the value that stand before the mark that replaces a credential; -1 where the whole value stays.
        var keptBeforeMark = -1

        /// What is recorded of the value, but for the mark.
        var shown: ByteRun { keptBeforeMark < 0 ? value : value.slice(0, keptBeforeMark) }
    }

    private(set) var startLine = ByteRun.empty
    private(set) var lines: [Line] = []
    /// Of a header that stands once; a second one sets `hasOddity`.
    private(set) var contentEncoding: ByteRun?
    private(set) var environment: ByteRun?
    private(set) var task: ByteRun?
    private(set) var traceparent: ByteRun?
    private(set) var requestID: ByteRun?
    /// Indexes of the lines that carry metadata.
    private(set) var metadataLines: [Int] = []
    /// Something that only the careful way handles.
    private(set) var hasOddity = false

    static let metadataPrefix: StaticString = "x-inference-metadata-"

    /// Reads a head, and notes its credentials.
    mutating func read(_ head: ByteRun, credentials: inout CredentialRuns) {
        startLine = .empty
        lines.removeAll(keepingCapacity: true)
        metadataLines.removeAll(keepingCapacity: true)
        contentEncoding = nil
        environment = nil
        task = nil
        traceparent = nil
        requestID = nil
        hasOddity = !head.isASCII
        guard !hasOddity else { return }
        var at = 0
        if let end = head.firstIndex(of: 0x0D) {
            startLine = head.slice(0, end)
            guard end > 0 else { return }
            at = min(end + 2, head.count)
        } else {
            return
        }
        while at < head.count, let end = head.firstIndex(of: 0x0D, from: at), end > at {
            let line = head.slice(at, end)
            guard let colon = line.firstIndex(of: 0x3A) else { return }
            add(line.slice(0, colon), HeadRuns.trimmed(line.slice(colon + 1, line.count)), &credentials)
            at = min(end + 2, head.count)
        }
    }

    static func trimmed(_ value: ByteRun) -> ByteRun {
        var (start, end) = (0, value.count)
        func isBlank(_ i: Int) -> Bool {
            let byte = unsafe value.base.load(fromByteOffset: i, as: UInt8.self)
            return byte == 0x20 || byte == 0x09
        }
        while start < end, isBlank(start) { start += 1 }
        while end > start, isBlank(end - 1) { end -= 1 }
        return value.slice(start, end)
    }

    private mutating func add(_ name: ByteRun, _ value: ByteRun, _ credentials: inout CredentialRuns) {
        var line = Line(name: name, value: value)
        if !value.isEmpty {
            switch CredentialRules.kind(ofHeader: name) {
            case .plain: break
            case .credential: line.keptBeforeMark = credentials.note(value: value, ofHeader: name)
            case .url:
                if value.firstIndex(of: 0x3F) != nil || value.firstIndex(of: 0x40) != nil { hasOddity = true }
            // Once a connection: the careful way looks for keys among them.
            case .subprotocols: hasOddity = true
            }
        }
        if !name.isEmpty { recognise(line) }
        lines.append(line)
    }

    private mutating func recognise(_ line: Line) {
        let (name, value) = (line.name, line.value)
        switch unsafe name.base.load(as: UInt8.self) | 0x20 {
        case UInt8(ascii: "c"):
            guard name.equalsIgnoringCase("content-encoding") else { return }
            if contentEncoding != nil { hasOddity = true }
            contentEncoding = value
        case UInt8(ascii: "t"):
            if traceparent == nil, name.equalsIgnoringCase("traceparent") { traceparent = value }
        case UInt8(ascii: "x"):
            if name.hasPrefixIgnoringCase("x-inference-") {
                control(line)
            } else if requestID == nil, name.equalsIgnoringCase("x-request-id") {
                requestID = value
            }
        default: break
        }
    }

    private mutating func control(_ line: Line) {
        let (name, value) = (line.name, line.value)
        if name.equalsIgnoringCase("x-inference-environment") {
            environment = value
        } else if name.equalsIgnoringCase("x-inference-task-id") {
            if !value.isEmpty { task = value }
        } else if name.hasPrefixIgnoringCase(HeadRuns.metadataPrefix),
            name.count > HeadRuns.metadataPrefix.utf8CodeUnitCount
        {
            // Its name says that it is a credential: the value stands among the metadata as well.
            if line.keptBeforeMark >= 0 { hasOddity = true }
            metadataLines.append(lines.count)
        }
    }

    /// Method, path and query of a request's start line; nil where it is not of the usual shape.
    var target: (method: ByteRun, path: ByteRun, query: ByteRun)? {
        if startLine.isEmpty { return (.empty, .empty, .empty) }
        guard let first = startLine.firstIndex(of: 0x20), first > 0 else { return nil }
        let end = startLine.firstIndex(of: 0x20, from: first + 1) ?? startLine.count
        guard end > first + 1 else { return nil }
        let target = startLine.slice(first + 1, end)
        guard let mark = target.firstIndex(of: 0x3F) else { return (startLine.slice(0, first), target, .empty) }
        return (startLine.slice(0, first), target.slice(0, mark), target.slice(mark + 1, target.count))
    }

    /// Whether a query certainly holds no credential.
    static func isPlain(query: ByteRun) -> Bool {
        guard query.firstIndex(of: 0x3D) != nil else { return true }
        var at = 0
        while at <= query.count {
            let end = query.firstIndex(of: 0x26, from: at) ?? query.count
            let part = query.slice(at, end)
            if let equals = part.firstIndex(of: 0x3D) {
                let name = part.slice(0, equals)
                if name.firstIndex(of: 0x25) != nil || CredentialRules.isCredentialParameter(name) { return false }
            }
            at = end + 1
        }
        return true
    }

    /// Whether a found place lies in a value that the mark replaces.
    func isRedacted(_ start: UnsafeRawPointer, count: Int) -> Bool {
        for line in lines where line.keptBeforeMark >= 0 {
            let from = unsafe line.value.base + line.keptBeforeMark
            if unsafe start >= from, unsafe start + count <= line.value.base + line.value.count { return true }
        }
        return false
    }
}
