// SPDX-License-Identifier: Apache-2.0
import HTTPWire
import NIOCore
import NIOPosix
import Telemetry

/// The paths that Weir answers itself: they are no exchanges, so they are neither captured nor counted.
enum LocalEndpoint: Equatable {
    case healthz, readyz, metrics, feedback

    /// The endpoint that a request is for, or nil; a request that names a provider is for that provider.
    ///
    /// Almost every request is told apart by its second byte, or its fifth behind `/v1/`.
    /// - Parameters:
    ///   - head: the request.
    ///   - takesFeedback: whether there is a desk for it; without one the path is whose it is elsewhere.
    init?(_ head: RequestHead, takesFeedback: Bool) {
        let target = head.target
        guard target.count >= 7, target.count <= 256 else { return nil }
        switch target[target.startIndex + 1] {
        case UInt8(ascii: "h") where head.path.elementsEqual("/healthz".utf8): self = .healthz
        case UInt8(ascii: "r") where head.path.elementsEqual("/readyz".utf8): self = .readyz
        case UInt8(ascii: "m") where head.path.elementsEqual("/metrics".utf8): self = .metrics
        case UInt8(ascii: "v") where target[target.startIndex + 4] == UInt8(ascii: "f"):
            guard takesFeedback, head.path.elementsEqual("/v1/feedback".utf8) else { return nil }
            self = .feedback
        default: return nil
        }
        for field in head.block.fields where field.known == .inference {
            let name = head.block.name(field)
            if ASCII.equalsIgnoringCase(name, "x-inference-provider")
                || ASCII.equalsIgnoringCase(name, "x-inference-provider-url")
            {
                return nil
            }
        }
    }

    /// What is known of the caller and the data plane when an endpoint is asked.
    struct Asking {
        let operations: GatewayOperations
        /// Those in force now.
        let keys: GatewayKeys
        /// The numeric address of the caller; nil where it is not known.
        let peer: String?
        let closes: Bool
        let allocator: ByteBufferAllocator
    }

    /// The answer, at once where that is possible.
    ///
    /// - Parameters:
    ///   - head: the request.
    ///   - asking: who asks.
    ///   - loop: where `completion` is called when the answer takes longer.
    ///   - completion: gets the whole answer; called once, perhaps before this returns.
    func answer(
        _ head: RequestHead, _ asking: Asking, on loop: any EventLoop, completion: @escaping (ByteBuffer) -> Void
    ) {
        let isHead = head.isHead
        guard isHead || head.method.elementsEqual("GET".utf8) else {
            return completion(LocalAnswer.refusal(405, "ask with GET or HEAD").bytes(asking, withoutBody: false))
        }
        switch self {
        // Its body has to come first: `FeedbackEndpoint`.
        case .feedback: completion(LocalAnswer.refusal(405, "give feedback with POST").bytes(asking, withoutBody: isHead))
        case .healthz: completion(LocalAnswer.json(200, #"{"status":"alive"}"#).bytes(asking, withoutBody: isHead))
        case .readyz: completion(LocalAnswer.readiness(asking.operations.state).bytes(asking, withoutBody: isHead))
        case .metrics:
            if let refusal = LocalEndpoint.refusal(head, asking) {
                return completion(refusal.bytes(asking, withoutBody: isHead))
            }
            // Adding up and asking the kernel takes a millisecond or so: not on the loop.
            let registry = asking.operations.registry
            NIOThreadPool.singleton.runIfActive(eventLoop: loop) { registry.text() }.assumeIsolated().whenComplete { result in
                switch result {
                case .success(let text):
                    let answer = LocalAnswer(200, PrometheusText.contentType, text)
                    completion(answer.bytes(asking, withoutBody: isHead))
                case .failure:
                    completion(LocalAnswer.refusal(503, "the metrics cannot be collected now").bytes(asking, withoutBody: isHead))
                }
            }
        }
    }

    private static func refusal(_ head: RequestHead, _ asking: Asking) -> LocalAnswer? {
        let operations = asking.operations
        switch operations.metricsAccess {
        case .open: return nil
        case .off: return .refusal(404, "metrics are turned off in the configuration")
        case .auto:
            if !asking.keys.isEmpty {
                return asking.keys.admit(head)
                    ? nil : .refusal(401, "metrics need a gateway key: send it as Authorization: Bearer KEY")
            }
            return isFromThisMachine(head, asking.peer)
                ? nil
                : .refusal(
                    403, "without gateway keys, metrics are for callers on this machine; see `metrics` in the configuration")
        }
    }
}

extension LocalEndpoint {
    /// Whether a request came from this machine: by loopback, and not through a proxy that says so.
    static func isFromThisMachine(_ head: RequestHead, _ peer: String?) -> Bool {
        guard let peer, peer == "::1" || peer.hasPrefix("127.") || peer.hasPrefix("::ffff:127.") else { return false }
        return !head.block.fields.contains { field in
            let name = head.block.name(field)
            return ASCII.equalsIgnoringCase(name, "forwarded") || ASCII.hasPrefixIgnoringCase(name, "x-forwarded-")
                || ASCII.equalsIgnoringCase(name, "x-real-ip") || ASCII.equalsIgnoringCase(name, "via")
        }
    }
}

/// A whole answer of a local endpoint.
struct LocalAnswer {
    let status: Int
    let contentType: StaticString
    let body: [UInt8]
    /// The methods that a 405 names.
    private var allow: StaticString = "GET, HEAD"
    private var retryAfterSeconds: Int?

    init(_ status: Int, _ contentType: StaticString, _ body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// The same for an endpoint that is asked with other methods.
    func with(allow methods: StaticString) -> LocalAnswer {
        var answer = self
        answer.allow = methods
        return answer
    }

    /// The same with the time after which to ask again.
    func with(retryAfterSeconds seconds: Int) -> LocalAnswer {
        var answer = self
        answer.retryAfterSeconds = seconds
        return answer
    }

    static func json(_ status: Int, _ text: String) -> LocalAnswer {
        LocalAnswer(status, "application/json", Array((text + "\n").utf8))
    }

    /// `reason` holds nothing that JSON would escape.
    static func refusal(_ status: Int, _ reason: StaticString) -> LocalAnswer { json(status, #"{"error":"\#(reason)"}"#) }

    static func readiness(_ state: GatewayOperations.State) -> LocalAnswer {
        switch state {
        case .ready: json(200, #"{"status":"ready","reasons":[]}"#)
        case .starting: json(503, #"{"status":"not_ready","reasons":["starting"]}"#)
        case .draining: json(503, #"{"status":"not_ready","reasons":["draining"]}"#)
        }
    }

    func bytes(_ asking: LocalEndpoint.Asking, withoutBody: Bool) -> ByteBuffer {
        var out = asking.allocator.buffer(capacity: body.count + 256)
        out.writeStaticString("HTTP/1.1 ")
        out.writeString("\(status) \(HeadRewriting.reason(status))\r\nContent-Type: \(contentType)\r\n")
        out.writeString("Content-Length: \(body.count)\r\nCache-Control: no-store\r\n")
        if status == 405 { out.writeString("Allow: \(allow)\r\n") }
        if let retryAfterSeconds { out.writeString("Retry-After: \(retryAfterSeconds)\r\n") }
        if status == 401 { out.writeStaticString("WWW-Authenticate: Bearer\r\n") }
        if asking.closes { out.writeStaticString("Connection: close\r\n") }
        out.writeStaticString("\r\n")
        if !withoutBody { out.writeBytes(body) }
        return out
    }
}
