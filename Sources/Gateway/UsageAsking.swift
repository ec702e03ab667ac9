// SPDX-License-Identifier: Apache-2.0
import Dialects
import HTTPWire
import NIOCore

/// What became of a request whose route may be made to ask for usage.
enum UsageAskingResult: String, CaseIterable {
    /// It asks now.
    case injected
    /// The caller asks already.
    case asked
    /// The caller has said no.
    case declined
    case notStream = "not_stream"
    case notJSON = "not_json"
    /// Readers differ about what it says.
    case ambiguous
    /// Its body has a content coding.
    case coded
    /// Its body is longer than what is held, or the loop holds too much already.
    case tooLarge = "too_large"
    /// Something vouches for the body's bytes, or waits for leave to send them; or this API version knows no such option.
    case unsupported
}

/// A request body that is held so that its provider can be asked for usage.
///
/// World: loop. The bytes that the caller sent stay what is recorded; what is made here goes to the provider alone.
struct UsageAsking {
    private let head: RequestHead
    private let route: Route
    /// What came, without framing.
    private var payload: [UInt8] = []

    init(_ head: RequestHead, _ route: Route) {
        self.head = head
        self.route = route
        if case .length(let count) = head.framing { payload.reserveCapacity(min(count, GatewayLimits.gatherBytes)) }
    }

    mutating func add(_ bytes: UnsafeRawBufferPointer) { unsafe payload.append(contentsOf: bytes) }

    /// Why a request passes as it is, as far as its head tells.
    ///
    /// - Parameters:
    ///   - head: the caller's.
    ///   - route: where it goes.
    ///   - limit: bytes of a body that are held.
    /// - Returns: nil where its body is to be held.
    static func obstacle(_ head: RequestHead, _ route: Route, limit: Int) -> UsageAskingResult? {
        switch head.framing {
        case .none, .length(0), .untilClose: return .notJSON
        case .length(let count) where count > limit: return .tooLarge
        case .length, .chunked: break
        }
        if let coding = head.block.first(.contentEncoding), !ASCII.equalsIgnoringCase(coding, "identity") { return .coded }
        if route.keepsHost || head.block.holds(.expect) || isVouchedFor(head.block) { return .unsupported }
        if route.provider == "azure-openai", !AzureVersion.takesStreamOptions(route) { return .unsupported }
        return nil
    }

    /// Whether a header would be wrong about any other body, or says that a trailer will be.
    static func isVouchedFor(_ block: HeaderBlock) -> Bool {
        if let names = block.first(.trailer), holdsVouching(names.split(separator: UInt8(ascii: ","))) { return true }
        return block.fields.contains { $0.known == .other && holdsVouching([block.name($0)]) }
    }

    /// Whether a trailer vouches for the body before it.
    private static func isVouchedFor(by ending: ByteBuffer?) -> Bool {
        guard let ending else { return false }
        let lines = ending.readableBytesView.split(separator: UInt8(ascii: "\n")).dropFirst()
        return holdsVouching(lines.map { $0.prefix { $0 != UInt8(ascii: ":") } })
    }

    private static func holdsVouching(_ names: [some Collection<UInt8>]) -> Bool {
        names.contains { name in
            let name = Array(name.filter { $0 > 0x20 })[...]
            return vouching.contains { ASCII.equalsIgnoringCase(name, $0) }
        }
    }

    private static let vouching: [StaticString] = [
        "content-md5", "digest", "content-digest", "repr-digest", "signature", "signature-input", "x-amz-content-sha256",
    ]

    /// Judges the whole body.
    ///
    /// - Parameters:
    ///   - ending: the closing chunk and trailers, where the body came in chunks.
    ///   - allocator: for the buffers.
    /// - Returns: what became of it, and where it asks now, the request to send, head first.
    func finish(ending: ByteBuffer?, allocator: ByteBufferAllocator) -> (result: UsageAskingResult, request: [ByteBuffer]) {
        if UsageAsking.isVouchedFor(by: ending) { return (.unsupported, []) }
        return switch UsageRequest.read(payload) {
        case .asks: (.asked, [])
        case .declines: (.declined, [])
        case .noStream: (.notStream, [])
        case .noJSON: (.notJSON, [])
        case .ambiguous: (.ambiguous, [])
        case .silent(let splice): (.injected, request(splice.applied(to: payload), ending: ending, allocator: allocator))
        }
    }

    /// A body of stated length states its new one; one in chunks becomes a single chunk before its ending.
    private func request(_ body: [UInt8], ending: ByteBuffer?, allocator: ByteBufferAllocator) -> [ByteBuffer] {
        let statesLength = head.framing != .chunked
        var out = [
            HeadRewriting.upstreamHead(
                head, route: route, contentLength: statesLength ? body.count : nil, allocator: allocator)
        ]
        var bytes = allocator.buffer(capacity: body.count + 32)
        if !statesLength { bytes.writeString(String(body.count, radix: 16) + "\r\n") }
        bytes.writeBytes(body)
        if !statesLength { bytes.writeStaticString("\r\n") }
        out.append(bytes)
        if let ending { out.append(ending) }
        return out
    }
}

/// Which versions of Azure OpenAI know `stream_options`; others answer 400.
enum AzureVersion {
    private static let firstPreview = Array("2024-09-01".utf8)
    private static let firstRelease = Array("2024-10-21".utf8)

    /// Tells by `api-version`: a date, with `-preview` behind it or not; the v1 API needs none.
    static func takesStreamOptions(_ route: Route) -> Bool {
        guard let query = route.query, let version = QueryString.value(of: "api-version", in: query) else {
            return !holdsDeployment(route.pathRest)
        }
        if ByteMatching.equals(version, "preview") || ByteMatching.equals(version, "latest") { return true }
        guard version.count >= 10 else { return false }
        let date = version.prefix(10)
        guard date.allSatisfy({ ($0 >= 0x30 && $0 <= 0x39) || $0 == UInt8(ascii: "-") }) else { return false }
        let first = version.count == 10 ? firstRelease : firstPreview
        return !date.lexicographicallyPrecedes(first)
    }

    private static func holdsDeployment(_ path: ArraySlice<UInt8>) -> Bool {
        path.split(separator: ByteMatching.slash).contains { ByteMatching.equals($0, "deployments") }
    }
}
