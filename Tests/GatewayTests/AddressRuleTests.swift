// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import Platform
import Testing

@testable import Gateway

/// `contract.md`, Which addresses, over real sockets: a listener on every private address would be reached if one rule leaked.
@Suite(.serialized) struct AddressRuleTests {
    private static let private403 = [
        // Loopback in every form that a resolver takes.
        "127.0.0.1", "127.255.255.254", "2130706433", "017700000001", "0177.0.0.1", "0x7f000001", "0x7f.0.0.1", "0X7F.1", "127.1",
        "127.0.1", "0", "0.0.0.0", "127.0.0.1.", "[::1]", "[0:0:0:0:0:0:0:1]", "[::]",
        // IPv4 inside IPv6: mapped, compatible, NAT64, 6to4, Teredo.
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]",
        "[64:ff9b::7f00:1]", "[64:ff9b:1::a00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]",
        // Private, link-local, unique-local, shared, multicast, documentation, benchmarking.
        "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.1.1", "100.64.0.1", "224.0.0.1", "255.255.255.255", "198.18.0.1",
        "203.0.113.1", "[fe80::1]", "[fe80::1%25lo]", "[fe80::1%lo]", "[fd00::1]", "[ff02::1]", "[2001:db8::1]", "[fec0::1]",
        // Metadata services.
        "169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "168.63.129.16", "192.0.0.192", "2852039166",
        // A zone on an address that is public by itself.
        "[2606:4700::1111%25lo]",
        // Names that resolve to such addresses.
        "localhost", "LOCALHOST", "localhost.",
    ]

    @Test(arguments: private403) func refusesPrivateAddressesInEveryForm(host: String) async throws {
        let provider = try RawProvider(answering: ok("reached"))
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let url = "x-inference-provider-url: https://\(host):\(provider.port)/v1"
            let answer = try bench.ask(post("/v1/messages", "{}", [url, "x-inference-provider-api-key: sk-planted"]))
            #expect(answer.status == 403, "\(host): \(answer.text)")
            #expect(answer.text.contains("not_allowed") && !answer.text.contains("sk-planted"))
            #expect(provider.connections == 0)
        }
        #expect(records.map(\.head.outcome) == [.refused])
        #expect(records.first?.head.errorCode == "not_allowed")
    }

    @Test(arguments: [
        "https://user@8.8.8.8", "https://8.8.8.8@127.0.0.1", "https://8.8.8.8:80@127.0.0.1", "https://8.8.8.8#@127.0.0.1",
        "https://8.8.8.8?@127.0.0.1", "https://8.8.8.8\\@127.0.0.1", "https://127.0.0.1%2f@8.8.8.8", "https://%31%32%37.0.0.1",
        "https://①②⑦.⓪.⓪.①", "https://127。0。0。1", "https:127.0.0.1", "https:///127.0.0.1", "//127.0.0.1", "127.0.0.1",
        "file:///etc/passwd",
        "gopher://127.0.0.1", "https://[::1", "https://[127.0.0.1]", "https://", "https://127.0.0.1:443:443",
        "https://8.8.8.8:0x50",
    ])
    func refusesURLsThatTwoReadersCouldReadDifferently(url: String) async throws {
        let head = try requestHead("/v1/messages", ["x-inference-provider-url: \(url)"])
        let router = Router(catalogue: ProviderCatalogue(), allowsPrivateUpstreams: true)
        let fault = try #require(throws: Fault.self) { try router.route(head) }
        #expect(fault.code == .badControlHeader)
        #expect(!fault.message.contains("127.0.0.1"))
    }

    @Test(.enabled(if: Host.hostName().contains(".") == false && !Host.hostName().isEmpty, "the host's name is not a plain one"))
    func refusesTheMachinesOwnName() async throws {
        let provider = try RawProvider(answering: ok("reached"))
        try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let url = "x-inference-provider-url: https://\(Host.hostName()):\(provider.port)"
            let answer = try bench.ask(post("/v1/messages", "{}", [url]))
            // 502 where the name does not resolve here.
            #expect(answer.status == 403 || answer.status == 502, "\(answer.text)")
            #expect(provider.connections == 0)
        }
    }

    @Test func redirectsAreNotFollowed() async throws {
        let elsewhere = try RawProvider(answering: ok("followed"))
        defer { elsewhere.stop() }
        let location = "http://127.0.0.1:\(elsewhere.port)/v1/messages"
        let provider = try RawProvider(
            answering: "HTTP/1.1 307 Temporary Redirect\r\nLocation: \(location)\r\nContent-Length: 0\r\n\r\n")
        try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let answer = try bench.ask(post("/v1/messages"))
            #expect(answer.status == 307 && answer.header("location") == location)
            #expect(elsewhere.connections == 0)
        }
    }

    @Test func operatorsPrivateAddressIsReachedByNameAndRefusedByURL() async throws {
        let provider = try RawProvider(answering: ok("reached"))
        let records = try await withGateway(["house": provider.port]) { (bench: Bench) async throws -> Void in
            #expect(try bench.ask(post("/p/house/t/a%20b/e/prod/v1/chat/completions")).text == "reached")
            #expect(try bench.ask(post("/v1/chat/completions", "{}", ["X-Inference-Provider: HOUSE"])).text == "reached")
            let url = "x-inference-provider-url: http://127.0.0.1:\(provider.port)"
            #expect(try bench.ask(post("/v1/chat/completions", "{}", [url, "x-inference-provider: house"])).status == 403)
        }
        provider.stop()
        #expect(provider.requests.count == 2)
        #expect(records.map(\.head.provider) == ["house", "house", ""])
        #expect(records.first?.head.api == .openaiChat && records.first?.head.attribution.environment == "prod")
    }
}
