// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import FakeProvider
import Foundation

/// One way for a credential to come in, and one for it to be repeated.
struct PlantedShape: Sendable {
    let name: String
    let question: Question
    let answer: FixedAnswer
    /// The credentials as they are sent.
    let secrets: [String]
    /// What must be found nowhere: the credentials, and what else they are written as.
    let forms: [String]
    var isRefused = false
}

/// The table of planted credentials.
enum PlantedShapes {
    static let all: [PlantedShape] = headers + queries + answers + requests + refusals

    private static let base = Question.chat("planted-witness")

    private static func make(
        _ name: String, _ secret: String, forms: [String] = [], path: String? = nil, body: String? = nil, headers: [String] = [],
        answer: FixedAnswer? = nil, isRefused: Bool = false
    ) -> PlantedShape {
        var question = base
        if let path { question.path = path }
        if let body { question.body = Array(body.utf8) }
        question.headers += headers
        return PlantedShape(
            name: name, question: question, answer: answer ?? echo("Incorrect API key provided: \(secret)."), secrets: [secret],
            forms: [secret] + forms, isRefused: isRefused)
    }

    private static func echo(_ text: String, headers: [SeenHeader] = []) -> FixedAnswer {
        answer(Array(#"{"error":{"message":"\#(text)"}}"#.utf8), headers)
    }

    private static func answer(_ body: [UInt8], _ headers: [SeenHeader] = [], pieces: Int = 1) -> FixedAnswer {
        let size = max(1, (body.count + pieces - 1) / pieces)
        let chunks = stride(from: 0, to: body.count, by: size).map { Array(body[$0..<min(body.count, $0 + size)]) }
        return FixedAnswer(
            status: 401, headers: [SeenHeader(name: "Content-Type", value: "application/json")] + headers, chunks: chunks,
            gapMicroseconds: pieces > 1 ? 200 : 0)
    }

    // MARK: Where credentials are sent

    private static let headers: [PlantedShape] = [
        "Authorization: Bearer ", "authorization: ", "AUTHORIZATION: bearer ", "Authorization: Token ",
        "Proxy-Authorization: Bearer ",
        "x-api-key: ", "X-Goog-Api-Key: ", "api-key: ", "x-inference-provider-api-key: ", "x-inference-observability-api-key: ",
        "x-inference-project-api-key: ", "x-amz-security-token: ", "x-auth-token: ", "X-Access-Token: ",
        "Ocp-Apim-Subscription-Key: ",
        "x-portkey-api-key: ", "Helicone-Auth: Bearer ", "X-Vendor-ApiKey: ", "X-Vault-Token: ", "cf-access-client-secret: ",
        "x-functions-key: ", "x-inference-metadata-session-token: ", "X-Inference-Metadata-Api-Key: ",
        "x-inference-metadata-upstream-secret: Bearer ",
        "x-goog-iam-authorization-token: ", "X-Db-Password: ", "x-service-secret-key: ",
    ].enumerated().map { number, line in
        let secret = "planted-header-\(number)-5f0a77c1"
        let isProxy = line.hasPrefix("Proxy")
        return make(
            "header \(line)", secret, headers: ["x-inference-provider: openai", line + secret],
            answer: isProxy ? echo("no \(secret)") : nil)
    }

    private static let queries: [PlantedShape] = [
        "key", "api_key", "api-key", "apikey", "access_token", "token", "sig", "signature", "client_secret", "password",
        "X-Amz-Signature",
        "KEY", "%6Bey", "auth_token", "subscription-key",
    ].enumerated().map { number, name in
        let secret = "planted-query-\(number)-6e19b2d4"
        return make("query \(name)", secret, path: "/v1/chat/completions?alt=sse&\(name)=\(secret)&x=1")
    }

    // MARK: Where they are repeated

    private static let answers: [PlantedShape] = [
        make("no scheme, and more behind", "planted-bare-90ab12cd", headers: ["Authorization: planted-bare-90ab12cd and more"]),
        bearer("in an answer's header") { echo("no", headers: [SeenHeader(name: "x-echo", value: "you sent \($0)")]) },
        bearer("in a location") { echo("no", headers: [SeenHeader(name: "Location", value: "/login?next=1&token=\($0)")]) },
        bearer("in a cookie set") { echo("no", headers: [SeenHeader(name: "Set-Cookie", value: "k=\($0); Path=/")]) },
        bearer("in www-authenticate") {
            echo("no", headers: [SeenHeader(name: "WWW-Authenticate", value: "Bearer error=\"\($0)\"")])
        },
        bearer("in many pieces") { answer(Array("{\"m\":\"you sent \($0), sorry\"}".utf8), pieces: 12) },
        bearer("twice in a row") { echo("\($0)\($0)") },
        bearer("as HTML") { answer(Array("<html><b>\($0)</b></html>".utf8), [SeenHeader(name: "X-Html", value: "1")]) },
        bearer("beside bytes that are no text") { answer([0xFF, 0xC3, 0x28] + Array($0.utf8) + [0x80]) },
        bearer("compressed") {
            answer(gzip(Array("{\"m\":\"\($0)\"}".utf8)), [SeenHeader(name: "Content-Encoding", value: "gzip")])
        },
        bearer("in a stream's events") {
            answer(
                Array("data: {\"error\":\"\($0)\"}\n\ndata: [DONE]\n\n".utf8), [SeenHeader(name: "x-kind", value: "events")],
                pieces: 5)
        },
        make(
            "signs, percent-encoded", "planted/a+b=c-71d2", forms: ["planted%2Fa%2Bb%3Dc-71d2", "planted%2fa%2bb%3dc-71d2"],
            headers: ["x-api-key: planted/a+b=c-71d2"], answer: echo("planted%2Fa%2Bb%3Dc-71d2 planted%2fa%2bb%3dc-71d2")),
        make(
            "signs, escaped as PHP does", "planted/d+e=f-82e3", forms: ["planted\\/d+e=f-82e3", "planted\\\\/d+e=f-82e3"],
            headers: ["Authorization: Bearer planted/d+e=f-82e3"], answer: echo(#"planted\/d+e=f-82e3"#)),
        make(
            "signs, escaped as for HTML", "planted/g+h=i-93f4",
            forms: ["planted/g\\u002Bh=i-93f4", "planted/g\\\\u002Bh=i-93f4"],
            headers: ["Authorization: Bearer planted/g+h=i-93f4"],
            answer: echo(#"planted/g\u002Bh=i-93f4 planted/g\u002bh=i-93f4"#)),
        make(
            "a query's value, decoded", "planted%2Fq%2Br%3D-a405", forms: ["planted/q+r=-a405"],
            path: "/v1/chat/completions?api_key=planted%2Fq%2Br%3D-a405", answer: echo("planted/q+r=-a405")),
        make(
            "basic, decoded", "dXNlcjpwbGFudGVkLXBhc3MtYjUxNg==",
            forms: ["planted-pass-b516", "dXNlcjpwbGFudGVkLXBhc3MtYjUxNg%3D%3D"],
            headers: ["Authorization: Basic dXNlcjpwbGFudGVkLXBhc3MtYjUxNg=="],
            answer: echo("user:planted-pass-b516, planted-pass-b516")),
        make(
            "one cookie of several", "planted-sid-0123456789c627",
            headers: ["Cookie: theme=dark; sid=planted-sid-0123456789c627; x=1"]),
        make(
            "a signature of several parts", "0123456789abcdefplantedd738",
            headers: [
                "Authorization: AWS4-HMAC-SHA256 Credential=AKIAX/20260101/r/s/aws4_request, Signature=0123456789abcdefplantedd738"
            ]),
        make(
            "one of two tokens", "planted-second-0123456789e849",
            headers: ["Authorization: Bearer planted-first-0123456789, planted-second-0123456789e849"]),
    ]

    private static func bearer(_ name: String, _ answer: (String) -> FixedAnswer) -> PlantedShape {
        let secret = "planted-echo-" + name.utf8.reduce(UInt64(7)) { $0 &* 31 &+ UInt64($1) }.description
        return make("echoed " + name, secret, headers: ["Authorization: Bearer \(secret)"], answer: answer(secret))
    }

    // MARK: Where the request repeats them

    private static let requests: [PlantedShape] = [
        repeated("in the body") {
            make("the body", $0, body: "{\"model\":\"m\",\"messages\":[],\"api_key\":\"\($0)\"}", headers: ["x-api-key: \($0)"])
        },
        repeated("in a form") {
            make(
                "a form", $0, body: "--b\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\n\($0)\r\n--b--\r\n",
                headers: ["x-api-key: \($0)"])
        },
        repeated("in the path") {
            make(
                "the path", $0, path: "/v1/\($0)/chat/completions", headers: ["x-inference-provider: openai", "x-api-key: \($0)"])
        },
        repeated("in the query, unnamed") {
            make("the query", $0, path: "/v1/chat/completions?x=\($0)", headers: ["x-api-key: \($0)"])
        },
        repeated("in metadata") { make("metadata", $0, headers: ["x-api-key: \($0)", "x-inference-metadata-user: u-\($0)"]) },
        repeated("in a metadata name") {
            make(
                "a metadata name", $0, headers: ["x-api-key: \($0.uppercased())", "x-inference-metadata-\($0.uppercased()): v"],
                answer: echo("no"))
        },
        repeated("in the task") { make("the task", $0, headers: ["x-api-key: \($0)", "x-inference-task-id: \($0)"]) },
        repeated("in the environment") {
            make("the environment", $0, headers: ["x-api-key: \($0)", "x-inference-environment: \($0)"])
        },
        repeated("in x-request-id") { make("x-request-id", $0, headers: ["x-api-key: \($0)", "x-request-id: r-\($0)"]) },
        repeated("in the user agent") {
            make("the user agent", $0, headers: ["x-api-key: \($0)", "User-Agent: tool/1 (\($0))"])
        },
        repeated("in a header's name") { make("a header's name", $0, headers: ["x-api-key: \($0)", "x-\($0): 1"]) },
        make(
            "repeated in traceparent", "0af7651916cd43dd8448eb211c80319c",
            headers: [
                "x-api-key: 0af7651916cd43dd8448eb211c80319c",
                "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            ]),
        make(
            "a subprotocol", "planted-subprotocol-f95a",
            headers: ["Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.planted-subprotocol-f95a"]),
    ]

    private static func repeated(_ name: String, _ make: (String) -> PlantedShape) -> PlantedShape {
        make("planted-repeat-" + name.utf8.reduce(UInt64(3)) { $0 &* 31 &+ UInt64($1) }.description)
    }

    // MARK: What Weir refuses itself

    private static let refusals: [PlantedShape] = [
        refused("an unknown provider") { ["Authorization: Bearer \($0)", "x-inference-provider: no-such"] },
        refused("a URL with a user") { ["x-inference-provider-url: https://\($0):pw@127.0.0.1/v1"] },
        refused("a URL with a password") { ["x-inference-provider-url: https://user:\($0)@127.0.0.1/v1"] },
        refused("a URL with a key") { ["x-inference-provider-url: https://127.0.0.1/v1?key=\($0)"] },
        refused("a private address") {
            ["x-inference-provider-url: https://127.0.0.1:1/v1", "x-inference-provider-api-key: \($0)"]
        },
        refused("two keys") { ["x-inference-provider-api-key: \($0)", "x-inference-provider-api-key: \($0)"] },
        refused("no route", path: "/nowhere") { ["x-api-key: \($0)"] },
        refused("no route and a query", path: "/nowhere?key=") { ["x-api-key: \($0)"] },
    ]

    private static func refused(_ name: String, path: String? = nil, _ headers: (String) -> [String]) -> PlantedShape {
        let secret = "planted-refused-" + name.utf8.reduce(UInt64(5)) { $0 &* 31 &+ UInt64($1) }.description
        let target = path.map { $0.hasSuffix("=") ? $0 + secret : $0 }
        return make("refused: \(name)", secret, path: target, headers: headers(secret), isRefused: true)
    }

    /// A gzip member of one stored block (RFC 1951 3.2.4, RFC 1952): no compressor is needed to write it.
    private static func gzip(_ body: [UInt8]) -> [UInt8] {
        func little(_ value: UInt32, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
        }
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in body {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
        let count = UInt32(body.count)
        return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255, 1] + little(count, 2) + little(~count, 2) + body + little(~crc, 4)
            + little(count, 4)
    }
}
