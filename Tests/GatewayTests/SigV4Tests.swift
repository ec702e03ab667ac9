// SPDX-License-Identifier: Apache-2.0
import Foundation
import HTTPWire
import NIOCore
import TestSupport
import Testing
import Upstream

@testable import Gateway

/// AWS's own signer for Python, as an oracle.
enum Botocore {
    struct Case: Codable {
        var method: String
        var path: String
        var query: String?
        var headers: [[String]]
        var body: String
        var token: String?
        var time: Int64
    }

    static let credentials = (id: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")

    static let isPresent: Bool = (try? run("import botocore.auth", input: Data())) != nil

    private static let script = """
        import sys, json, datetime, botocore.auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        for case in json.load(sys.stdin):
            now = datetime.datetime.utcfromtimestamp(case['time'])
            botocore.auth.get_current_datetime = lambda *a, **k: now
            url = 'https://example.amazonaws.com' + case['path']
            if case.get('query') is not None: url += '?' + case['query']
            request = AWSRequest(method=case['method'], url=url, data=case['body'].encode())
            for name, value in case['headers']: request.headers.add_header(name, value)
            keys = Credentials('AKIDEXAMPLE', 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', case.get('token'))
            botocore.auth.SigV4Auth(keys, 'bedrock', 'us-east-1').add_auth(request)
            print(request.headers['Authorization'])
        """

    static func authorizations(_ cases: [Case]) throws -> [String] {
        let text = try run(script, input: JSONEncoder().encode(cases))
        return text.split(separator: "\n").map(String.init)
    }

    private struct Failed: Error {}

    private static func run(_ script: String, input: Data) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-W", "ignore", "-c", script]
        let (into, out) = (Pipe(), Pipe())
        process.standardInput = into
        process.standardOutput = out
        process.standardError = FileHandle.nullDevice
        try process.run()
        // Read while writing: either pipe may fill.
        let written = Thread {
            try? into.fileHandleForWriting.write(contentsOf: input); try? into.fileHandleForWriting.close()
        }
        written.start()
        let bytes = out.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed() }
        return String(decoding: bytes, as: UTF8.self)
    }
}

@Suite struct SigV4Tests {
    private static let time: Int64 = 1_440_938_160

    private static func hash(_ body: String) -> [UInt8] {
        var hash = BodyHash()
        Array(body.utf8).withUnsafeBytes { hash.update($0) }
        return hash.finish()
    }

    private static func sign(_ entry: Botocore.Case, service: String) -> [(name: String, value: [UInt8])] {
        SigV4.sign(
            method: Array(entry.method.utf8)[...], path: Array(entry.path.utf8)[...],
            query: entry.query.map { Array($0.utf8)[...] },
            headers: [(Array("Host".utf8)[...], Array("example.amazonaws.com".utf8)[...])]
                + entry.headers.map { (Array($0[0].utf8)[...], Array($0[1].utf8)[...]) },
            bodySHA256: hash(entry.body), unixSeconds: entry.time,
            credentials: AWSSigning(
                accessKeyID: Botocore.credentials.id, secretAccessKey: Botocore.credentials.secret, sessionToken: entry.token,
                region: "us-east-1", service: service))
    }

    private static func authorization(_ entry: Botocore.Case, service: String) -> String {
        let added = sign(entry, service: service)
        #expect(added.last?.name == "Authorization")
        return String(decoding: added.last?.value ?? [], as: UTF8.self)
    }

    private static let token =
        "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

    /// AWS's published test suite (aws-sig-v4-test-suite): name, method, path and query, headers, body, signature.
    @Test(
        arguments: [
            ("get-vanilla", "GET", "/", [], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (
                "get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", [], "",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
            ),
            (
                "get-vanilla-empty-query-key", "GET", "/?Param1=value1", [], "",
                "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"
            ),
            (
                "get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", [], "",
                "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"
            ),
            ("get-utf8", "GET", "/\u{1234}", [], "", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
            ("get-space", "GET", "/example space/", [], "", "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"),
            (
                "get-vanilla-utf8-query", "GET", "/?%E1%88%B4=bar", [], "",
                "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"
            ),
            ("get-relative", "GET", "/example/..", [], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (
                "get-relative-relative", "GET", "/example1/example2/../..", [], "",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
            ),
            ("get-slash", "GET", "//", [], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            ("get-slash-dot-slash", "GET", "/./", [], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            ("get-slashes", "GET", "//example//", [], "", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
            (
                "get-slash-pointless-dot", "GET", "/./example", [], "",
                "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"
            ),
            ("post-vanilla", "POST", "/", [], "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            (
                "post-header-key-sort", "POST", "/", [["My-Header1", "value1"]], "",
                "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"
            ),
            (
                "post-header-value-case", "POST", "/", [["My-Header1", "VALUE1"]], "",
                "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"
            ),
            (
                "post-x-www-form-urlencoded", "POST", "/", [["Content-Type", "application/x-www-form-urlencoded"]],
                "Param1=value1",
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
            ),
            (
                "get-header-key-duplicate", "GET", "/",
                [["My-Header1", "value2"], ["My-Header1", "value2"], ["My-Header1", "value1"]], "",
                "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"
            ),
            (
                "get-header-value-order", "GET", "/",
                [["My-Header1", "value4"], ["my-header1", "value1"], ["My-Header1", "value3"], ["MY-Header1", "value2"]], "",
                "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"
            ),
            (
                "get-header-value-trim", "GET", "/", [["My-Header1", " value1"], ["My-Header2", " \"a   b \t c\" "]], "",
                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"
            ),
            (
                "post-sts-header-before", "POST", "/", [["token", ""]], "",
                "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"
            ),
        ] as [(String, String, String, [[String]], String, String)])
    func agreesWithAWSTestSuite(
        name: String, method: String, target: String, headers: [[String]], body: String, signature: String
    ) {
        let parts = target.split(separator: "?", maxSplits: 1).map(String.init)
        let hasToken = headers.first?.first == "token"
        let entry = Botocore.Case(
            method: method, path: parts[0], query: parts.count > 1 ? parts[1] : nil, headers: hasToken ? [] : headers, body: body,
            token: hasToken ? SigV4Tests.token : nil, time: SigV4Tests.time)
        #expect(SigV4Tests.authorization(entry, service: "service").hasSuffix("Signature=\(signature)"), "\(name)")
        #expect(SigV4Tests.sign(entry, service: "service").first?.value == Array("20150830T123600Z".utf8))
    }

    @Test(.enabled(if: Botocore.isPresent, "python3 with botocore is not here"))
    func agreesWithBotocoreOnRandomRequests() throws {
        var random = SplitMix64(seed: 7)
        var cases: [Botocore.Case] = []
        for round in 0..<300 {
            cases.append(SigV4Tests.randomCase(&random, round))
        }
        cases[0].path = "/model/us.anthropic.claude-sonnet-4-5-20250929-v1:0/converse-stream"
        cases[1].path = "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"
        cases[2].path = "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx/invoke"
        let wanted = try Botocore.authorizations(cases)
        #expect(wanted.count == cases.count)
        for (entry, want) in zip(cases, wanted) {
            #expect(SigV4Tests.authorization(entry, service: "bedrock") == want, "\(entry)")
        }
    }

    private static func randomCase(_ random: inout SplitMix64, _ round: Int) -> Botocore.Case {
        let pathBytes = Array("abcXYZ019-._~!$&'()*+,;=:@%|^`{}[]<>\"\\/".unicodeScalars).map(Character.init)
        let unreserved = Array("abcXYZ019-._~".unicodeScalars).map(Character.init)
        func text(_ alphabet: [Character], _ most: Int) -> String {
            String((0..<Int.random(in: 0...most, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "a" })
        }
        let segments = (0..<Int.random(in: 0...5, using: &random)).map { _ in
            [text(pathBytes, 12), "..", ".", "%3A", "a%2Fb"].randomElement(using: &random) ?? ""
        }
        let parameters = (0..<Int.random(in: 1...4, using: &random)).map { _ in
            "\(text(unreserved, 4))a%20=\(text(unreserved, 6))"
        }
        let names = ["Content-Type", "X-Amz-Target", "x-amz-meta-b", "X-Amz-A"]
        let headers = (0..<Int.random(in: 0...5, using: &random)).map { _ in
            [names.randomElement(using: &random) ?? "a", "v\(text(unreserved + [" "], 9))v"]
        }
        return Botocore.Case(
            method: ["GET", "POST", "PUT"][round % 3], path: "/" + segments.joined(separator: "/"),
            query: round % 4 == 0 ? parameters.joined(separator: "&") : nil, headers: headers,
            body: round % 5 == 0 ? "" : text(pathBytes, 60), token: round % 7 == 0 ? "tok/en==" : nil,
            time: Int64.random(in: 0...4_102_444_800, using: &random))
    }

    @Test func writesTheTimeOfAnyYearWithoutATrap() {
        #expect(BasicTime(unixSeconds: 0).text == "19700101T000000Z")
        #expect(BasicTime(unixSeconds: 951_782_399).text == "20000228T235959Z")
        #expect(BasicTime(unixSeconds: 951_782_400).text == "20000229T000000Z")
        #expect(BasicTime(unixSeconds: -1).text == "19691231T235959Z")
        #expect(BasicTime(unixSeconds: .max).text == "99991231T235959Z")
        #expect(BasicTime(unixSeconds: .min).text == "00010101T000000Z")
        let formatter = ISO8601DateFormatter()
        for day in stride(from: 0, to: 40_000, by: 17) {
            let seconds = Int64(day) * 86_400 + 3_661
            let want = formatter.string(from: Date(timeIntervalSince1970: Double(seconds)))
            #expect(BasicTime(unixSeconds: seconds).text == want.filter { $0 != "-" && $0 != ":" })
        }
    }
}

@Suite struct ResigningTests {
    private static let credentials = AWSSigning(
        accessKeyID: Botocore.credentials.id, secretAccessKey: Botocore.credentials.secret, sessionToken: "tok",
        region: "us-east-1")
    private static let mine =
        "AWS4-HMAC-SHA256 Credential=CALLER/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=00"

    private func router(url: String? = nil) throws -> Router {
        let definition = ProviderDefinition(
            name: "bedrock", url: try url.map { try BaseURL($0) }, signing: ResigningTests.credentials)
        return Router(catalogue: ProviderCatalogue(definitions: [definition]), allowsPrivateUpstreams: false)
    }

    private func head(_ headers: [String], host: String = "127.0.0.1:8080", path: String = "/model/a%3A0/converse") throws
        -> RequestHead
    {
        try requestHead((["POST \(path) HTTP/1.1", "Host: \(host)"] + headers).joined(separator: "\r\n") + "\r\n\r\n")
    }

    @Test func secretsDoNotPrint() {
        var dumped = ""
        dump(ResigningTests.credentials, to: &dumped)
        for text in ["\(ResigningTests.credentials)", String(reflecting: ResigningTests.credentials), dumped] {
            #expect(!text.contains("wJalr") && !text.contains("tok") && text.contains("us-east-1"))
        }
    }

    @Test func signsWhatHasNoCredentialsOrASignatureForTheGateway() throws {
        for headers in [[], ["Authorization: \(ResigningTests.mine)"], ["Authorization: Bearer weir_key"]] {
            let route = try router().route(head(headers))
            #expect(route.isSigned && route.signing != nil)
            #expect(route.upstreamURL == "https://bedrock-runtime.us-east-1.amazonaws.com/model/a%3A0/converse")
        }
    }

    @Test func leavesBearerTokensAndProviderKeysAlone() throws {
        for headers in [["Authorization: Bearer bedrock-api-key-x"], ["x-inference-provider-api-key: k"]] {
            let route = try router().route(head(headers))
            #expect(!route.isSigned && route.signing == nil)
        }
    }

    @Test func credentialsNeverGoToAURLThatACallerNames() throws {
        for extra in [[], ["x-inference-provider: bedrock"], ["Authorization: \(ResigningTests.mine)"]] {
            for url in ["https://evil.example", "https://bedrock-runtime.us-east-1.amazonaws.com"] {
                let route = try router().route(head(extra + ["x-inference-provider-url: \(url)"]))
                #expect(!route.isSigned && route.signing == nil && route.endpoint.signing == nil)
            }
        }
        // Nor to another provider of the catalogue.
        #expect(try router().route(head(["x-inference-provider: openai"])).signing == nil)
    }

    @Test(arguments: [
        "bedrock-runtime.us-east-1.amazonaws.com", "Bedrock-Runtime.EU-west-1.amazonaws.com",
        "bedrock-runtime.us-east-1.amazonaws.com:443",
    ])
    func requestSignedForAWSsOwnHostPassesUntouched(host: String) throws {
        let lines = ["Authorization: \(ResigningTests.mine)", "X-Amz-Date: 20260101T000000Z", "x-amz-security-token: t", "A: 1"]
        for router in [try router(), Router(catalogue: ProviderCatalogue(), allowsPrivateUpstreams: false)] {
            let head = try head(lines, host: host, path: "/model/a%3A0/converse?x=1")
            let route = try router.route(head)
            #expect(!route.isSigned && route.provider == "bedrock")
            #expect(route.target.host == host.lowercased().replacing(":443", with: ""))
            let sent = String(buffer: HeadRewriting.upstreamHead(head, route: route, allocator: ByteBufferAllocator()))
            #expect(
                sent == (["POST /model/a%3A0/converse?x=1 HTTP/1.1", "Host: \(host)"] + lines).joined(separator: "\r\n")
                    + "\r\n\r\n")
        }
    }

    @Test(arguments: ["bedrock-runtime.s3.amazonaws.com", "evil.example", "bedrock-runtime.us-east-1.amazonaws.com.evil.example"])
    func hostThatIsNotAWSsChangesNoDestination(host: String) throws {
        let route = try router().route(head(["Authorization: \(ResigningTests.mine)"], host: host))
        #expect(route.target.host == "bedrock-runtime.us-east-1.amazonaws.com" && route.isSigned)
    }

    @Test func onlyTheSignatureAndTheHostChange() throws {
        let head = try head([
            "Content-Type: application/json", "Authorization: \(ResigningTests.mine)", "X-Amz-Date: 1", "X-Amzn-Trace: t",
            "x-amz-security-token: old", "X-Amz-Content-Sha256: old", "x-amz-target: T", "x-inference-task-id: t",
            "Content-Length: 2",
        ])
        let route = try router(url: "https://vpce.example:8443/base").route(head)
        let sent = signed(head, route, body: "{}").components(separatedBy: "\r\n")
        #expect(
            sent.prefix(6) == [
                "POST /base/model/a%3A0/converse HTTP/1.1", "Host: vpce.example:8443", "Content-Type: application/json",
                "X-Amzn-Trace: t", "x-amz-target: T", "Content-Length: 2",
            ])
        #expect(sent[6] == "X-Amz-Date: 20150830T123600Z" && sent[7] == "X-Amz-Security-Token: tok")
        #expect(
            sent[8].hasPrefix("Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/bedrock/aws4_request, "))
        #expect(sent[8].contains("SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, "))
        #expect(sent.count == 11)
    }

    private func signed(_ head: RequestHead, _ route: Route, body: String) -> String {
        var hash = BodyHash()
        Array(body.utf8).withUnsafeBytes { hash.update($0) }
        return String(
            buffer: HeadRewriting.signedUpstreamHead(
                head, route: route, bodySHA256: hash.finish(), unixSeconds: 1_440_938_160, allocator: ByteBufferAllocator()))
    }

    @Test(.enabled(if: Botocore.isPresent, "python3 with botocore is not here"))
    func remadeSignatureIsTheOneBotocoreMakesForTheSameHead() throws {
        let head = try head(
            ["Content-Type: application/json", "x-amz-target:  T  t", "Authorization: \(ResigningTests.mine)", "User-Agent: u"],
            path: "/model/us.amazon.nova-2-lite-v1:0/converse?b=2&a=%20")
        let route = try router(url: "https://example.amazonaws.com").route(head)
        let sent = signed(head, route, body: "{\"a\":1}").components(separatedBy: "\r\n")
        let wanted = try Botocore.authorizations([
            Botocore.Case(
                method: "POST", path: "/model/us.amazon.nova-2-lite-v1:0/converse", query: "b=2&a=%20",
                headers: [["Content-Type", "application/json"], ["x-amz-target", "T  t"]], body: "{\"a\":1}", token: "tok",
                time: 1_440_938_160)
        ])
        #expect(sent.first { $0.hasPrefix("Authorization: ") } == wanted.first.map { "Authorization: \($0)" })
    }
}
