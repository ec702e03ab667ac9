// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Upstream

@Suite struct AddressPolicyTests {
    /// First and last address of each special block of the IANA registries, with the neighbours outside it where those are public.
    @Test(
        arguments: [
            ("0.0.0.0", "0.255.255.255", nil, "1.0.0.0"),
            ("10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"),
            ("100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"),
            ("127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"),
            ("168.63.129.16", "168.63.129.16", "168.63.129.15", "168.63.129.17"),
            ("169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"),
            ("172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"),
            ("192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"),
            ("192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"),
            ("192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0"),
            ("192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"),
            ("198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"),
            ("198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"),
            ("203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"),
            ("224.0.0.0", "255.255.255.255", "223.255.255.255", nil),
        ] as [(String, String, String?, String?)])
    func refusesIPv4BlocksToTheirEdges(first: String, last: String, before: String?, after: String?) {
        #expect(!AddressPolicy.isPublic(first))
        #expect(!AddressPolicy.isPublic(last))
        if let before { #expect(AddressPolicy.isPublic(before), "\(before)") }
        if let after { #expect(AddressPolicy.isPublic(after), "\(after)") }
    }

    @Test(
        arguments: [
            ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"),
            ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"),
            ("::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nil, "2000::"),
            ("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nil),
        ] as [(String, String, String?, String?)])
    func refusesIPv6BlocksToTheirEdges(first: String, last: String, before: String?, after: String?) {
        #expect(!AddressPolicy.isPublic(first))
        #expect(!AddressPolicy.isPublic(last))
        if let before { #expect(AddressPolicy.isPublic(before), "\(before)") }
        if let after { #expect(AddressPolicy.isPublic(after), "\(after)") }
    }

    @Test(arguments: [
        "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::8.8.8.8", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "fe80::1",
        "fe80::1%2", "fec0::1",
        "fc00::1", "fd00:ec2::254", "ff02::1", "5f00::1", "", "localhost", "8.8.8", "8.8.8.8.8", "08.8.8.8", "2606:4700:::1",
        "256.1.1.1",
    ])
    func refusesSpecialAddressesAndWhatIsNone(text: String) { #expect(!AddressPolicy.isPublic(text)) }

    @Test(arguments: ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001:82a::200e", "223.255.255.255"])
    func allowsPublicAddresses(text: String) { #expect(AddressPolicy.isPublic(text)) }

    @Test(arguments: [
        "2130706433", "134744072", "0177.0.0.1", "010.8.8.8", "127.1", "8.8.2056", "0x7f.0x1", "0x08080808", "1.2.3.4.", "a.0x7f",
        ".",
    ])
    func seesAddressesInDisguise(host: String) { #expect(AddressPolicy.isDisguised(host)) }

    @Test(arguments: [
        "8.8.8.8", "::1", "fe80::1%2", "api.example.com", "1password.com", "127.0.0.1.example.com", "x.0xide.computer",
        "localhost",
    ])
    func takesNamesAndPlainAddressesForWhatTheyAre(host: String) { #expect(!AddressPolicy.isDisguised(host)) }

    @Test(arguments: [
        "", ".", "localhost", "localhost.", "a.localhost", "127.0.0.1", "127.0.0.1.", "2130706433", "0x7f.1.", "::1", "fe80::1",
        "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::", "2606:4700::1111%lo", "a%b", "10.0.0.1",
    ])
    func tellsWithoutALookupWhatNoCallerMayName(host: String) { #expect(!AddressPolicy.mayBeNamed(host)) }

    @Test(arguments: [
        "8.8.8.8", "8.8.8.8.", "2606:4700::1111", "api.example.com", "api.example.com.", "localhosts", "notlocalhost",
    ])
    func leavesNamesToTheLookup(host: String) { #expect(AddressPolicy.mayBeNamed(host)) }

    /// Every block of 2^16 IPv4 addresses against Python's reading of the IANA registry.
    @Test(.enabled(if: PythonAddresses.isPresent, "python3 is not here"))
    func agreesWithAnotherReadingOfTheRegistry() throws {
        var addresses: [String] = []
        for high in 0..<256 {
            for low in stride(from: 0, to: 256, by: 5) { addresses.append("\(high).\(low).7.9") }
        }
        let refused = try PythonAddresses.notGlobal(addresses)
        for address in addresses where AddressPolicy.isPublic(address) { #expect(!refused.contains(address), "\(address)") }
    }
}

/// Python's `ipaddress` as an oracle: what it calls not global may never be public here.
enum PythonAddresses {
    private struct Failed: Error {}

    static let isPresent: Bool = (try? notGlobal(["10.0.0.1"])) == ["10.0.0.1"]

    static func notGlobal(_ addresses: [String]) throws -> Set<String> {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("weir-addresses-\(UUID().uuidString)")
        try addresses.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "python3", "-c",
            "import sys, ipaddress\nfor a in open(sys.argv[1]).read().split():\n  if not ipaddress.ip_address(a).is_global: print(a)",
            file.path,
        ]
        let out = Pipe()
        process.standardOutput = out
        process.standardError = FileHandle.nullDevice
        try process.run()
        let bytes = out.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed() }
        return Set(String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init))
    }
}
