// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Redaction

/// Tables of what each detector takes and leaves; the texts around values are part of the cases.
@Suite struct DetectorTests {
    // MARK: E-mail

    @Test(arguments: [
        "bob@example.com", "Bob.Smith+news@sub.example.co.uk", "o'brien@example.org", "a@b.de", "x_1-2@example.museum",
        "müller@bücher.example.de", "user@xn--bcher-kva.example", "1234@163.com", "first.last@1und1.de", "me@example.travel",
        "bob%40example.com", "bob\\u0040example.com", "bob\\u002btag@example.com", "m\\u00fcller@example.com",
        "bob\\\\u0040example.com",
        "very.long.local.part.of.an.address.that.is.still.allowed.here@example.com",
    ])
    func findsEmail(address: String) {
        for (before, after) in [
            ("", ""), ("write to ", ", please"), ("<", ">"), ("\"", "\""), ("=", "&"), ("(", ")."), ("字", "字"), ("\\n", "\\n"),
        ] {
            #expect(Masking.found(before + address + after, .email) == [address], "\(before)|\(after)")
        }
    }

    @Test(arguments: [
        "icon@2x.png", "react@18.2.0", "pkg@1.0.0-beta.foo", "git@github.com:org/repo.git", "user@localhost", "@app.route", "a@b",
        "foo@", "@bar.com", "a @b.com", "a@ b.com", "a@-b.com", "name@example.", "me@example.c", "x@y..com", "\\n@decorator.call",
        "user@10.1.2.3", "sha256@aaaa", "\u{20AC}@example.com", "logo@3x.webp", "a@b.123",
    ])
    func leavesWhatIsNoEmail(text: String) { #expect(Masking.found(text, .email) == []) }

    @Test func endsAnAddressWhereItEnds() {
        #expect(Masking.found("a@x.com.", .email) == ["a@x.com"])
        #expect(Masking.found("a@x.com-b", .email) == ["a@x.com"])
        #expect(Masking.found("a@x.com.2024 b@y.org/z", .email) == ["a@x.com", "b@y.org"])
        #expect(Masking.found("..a@x.com", .email) == ["a@x.com"])
        #expect(Masking.found("'a@x.com'", .email) == ["a@x.com"])
        #expect(Masking.found("a@x.com;b@x.com,c@x.com", .email) == ["a@x.com", "b@x.com", "c@x.com"])
    }

    // MARK: Telephone

    @Test(arguments: [
        "+49 30 1234567", "+4915112345678", "+1 (555) 234-5678", "+1 555 234 5678", "+1-555-234-5678", "+15552345678",
        "+44 20 7946 0958",
        "+33 6 12 34 56 78", "+49 (0)30 123456", "+49(30)123456", "+86 138 1234 5678", "+7 912 345-67-89", "+358 40 1234567",
        "0049 30 1234567", "0044-20-7946-0958", "(555) 234-5678", "(555)234-5678", "555-234-5678", "555.234.5678", "555 234 5678",
        "1-800-555-2345", "(555) 2345678", "030 1234567", "030/1234567", "030-1234567", "(030) 123 45 67", "0171/1234567",
        "0171 123 45 67",
        "06 12 34 56 78", "06.12.34.56.78", "020 7946 0958", "01234 567890", "03-1234-5678", "090-1234-5678", "010-1234-5678",
        "01712345678", "015112345678", "0612345678", "07911123456", "09012345678", "+49\u{A0}30\u{A0}1234567",
        "+49\\u00a030\\u00a01234567",
        "\\u002b49 30 1234567", "%2B49301234567", "030\\/1234567", "030 1234567-12", "+420 123 456 789", "+45 12 34 56 78",
    ])
    func findsTelephone(number: String) {
        for (before, after) in [
            ("", ""), ("at ", ", please"), ("\"", "\""), ("=", "&"), ("[", "]"), ("字", "字"), ("\\n", "\\n"), ("tel:", ";"),
        ] {
            #expect(Masking.found(before + number + after, .phone) == [number], "\(before)|\(after)")
        }
    }

    @Test(arguments: [
        "1732867200", "1732867200000", "1732867200000000", "2024-11-29 08:10:11", "2024-11-29T08:10:11.123456+0100",
        "29.11.2024 08:10",
        "01-02-2024 10:30", "01/02/2024 10:30:00", "12:30:45.123456", "3.14159265358979", "0.030123456789", "-0.012345678",
        "1e10",
        "550e8400-e29b-41d4-a716-446655440000", "123 456 789", "1,234,567,890", "1 234 567", "+1000000", "+20000000", "C++11",
        "x+12345678901",
        "call_1234567890", "id 12345678", "100200300400", "0 1 2 3 4 5 6 7 8 9 10", "00 01 02 03 04 05 06 07 08", "1.2.3.4",
        "10.0.0.1:8080",
        "00:11:22:33:44:55", "SKU-555-234-5678", "123-456-7890123", "555-134-5678", "155-234-5678", "0x0612345678", "v0612345678",
        "0.6 12 34 56 78",
        "978-3-16-148410-0", "total 0000000000", "\"created\":1732867200,\"n\":12345678", "hotel 12345678", "rgb(120, 130, 140)",
        "5551234567",
        "+1 123 456 7890", "+0 123 456 789",
    ])
    func leavesWhatIsNoTelephone(text: String) { #expect(Masking.found(text, .phone) == []) }

    @Test(arguments: [
        ("phone 5551234", "5551234"), ("Phone: 5551234567", "5551234567"), ("\"phone\":\"5551234567\"", "5551234567"),
        ("phone_number=13812345678", "13812345678"), ("Mobile: 612 345 678", "612 345 678"), ("Tel. 123 456 789", "123 456 789"),
        ("fax 44 55 66 77", "44 55 66 77"), ("电话：13812345678", "13812345678"), ("telefono 612345678", "612345678"),
        ("WhatsApp: 491711234567", "491711234567"), ("\"homePhone\": \"1234567\"", "1234567"),
    ])
    func findsAnyNumberBesideAWord(text: String, number: String) { #expect(Masking.found(text, .phone) == [number]) }

    @Test(arguments: [
        "phone, 12345678", "phone 12 12345678", "cancelled 12345678", "phone 1.5", "tel 123456", "smsc 12345678",
        "phone 1234567890123456",
    ])
    func leavesNumbersThatTheWordDoesNotMean(text: String) {
        #expect(!Masking.found(text, .phone).contains("12345678") && !Masking.found(text, .phone).contains { $0.utf8.count < 7 })
    }

    // MARK: IBAN

    @Test(arguments: [
        "DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "FR1420041010050500013M02606",
        "NO9386011117947", "MT84MALT011000012345MTLCAST001S", "de89370400440532013000", "NL91 ABNA 0417 1643 00",
        "DE89\u{A0}3704\u{A0}0044\u{A0}0532\u{A0}0130\u{A0}00", "CH9300762011623852957", "SA0380000000608010167519",
    ])
    func findsIBAN(number: String) {
        for (before, after) in [("", ""), ("to ", " now"), ("\"", "\""), ("IBAN:", ","), ("\\n", "\\n"), ("字", "字")] {
            #expect(Masking.found(before + number + after, .iban) == [number], "\(before)|\(after)")
        }
    }

    @Test(arguments: [
        "DE89370400440532013001", "DE88370400440532013000", "XX89370400440532013000", "DE8937040044053201300",
        "DE893704004405320130000",
        "ADE89370400440532013000", "DE89 37040 0440 5320 1300 0", "dE89370400440532013000", "DE89-3704-0044-0532-0130-00", "DE89",
        "GB29NWBK6016133192681",
    ])
    func leavesWhatIsNoIBAN(text: String) { #expect(Masking.found(text, .iban) == []) }

    // MARK: Internet addresses

    @Test(arguments: [
        "10.1.2.3", "192.168.178.20", "8.8.8.8", "255.1.1.1".replacing("255", with: "223"), "2001:db8::1",
        "fe80::1ff:fe23:4567:890a",
        "2001:0db8:85a3:0000:0000:8a2e:0370:7334", "::ffff:192.168.1.1", "2001:DB8::a", "64:ff9b::8.8.8.8", "2001:db8::",
    ])
    func findsAddresses(address: String) {
        for (before, after) in [
            ("", ""), ("from ", ", then"), ("\"", "\""), ("[", "]"), ("ip=", "&x"), ("\\n", "\\n"), ("http://", "/x"), ("字", "字"),
        ] {
            #expect(Masking.found(before + address + after, .ip) == [address], "\(before)|\(after)")
        }
    }

    @Test(arguments: [
        "1.2.3.4.5", "1.2.3", "256.1.1.1", "01.2.3.4", "1.2.3.4000", "v1.2.3.4", "Chrome/120.0.0.0", "version 1.2.3.4",
        "\"version\": \"1.2.3.4\"",
        "1.2.3.4-beta", "1.2.3.4+build", "127.0.0.1", "0.0.0.0", "255.255.255.0", "1..2.3.4", "a1.2.3.4", "1.2.3.4a",
        "1.3.6.1.4.1.311", "::", "::1",
        "std::vector", "a::b", "cafe::beef", "12:30:45", "00:11:22:33:44:55", "00:11:22:33:44:55:66:77", "1:2:3:4:5:6:7:8:9",
        "1::2::3",
        "2001:db8:::1", "12345::1", "foo:123", "Foo::Bar::1x", "g::1",
    ])
    func leavesWhatIsNoAddress(text: String) { #expect(Masking.found(text, .ip) == []) }

    @Test func leavesWhatStandsBesideAnAddress() {
        #expect(
            Masking.found("10.0.0.1:8080 10.0.0.0/8 10.0.0.1-10.0.0.9 10.0.0.2.", .ip) == [
                "10.0.0.1", "10.0.0.0", "10.0.0.1", "10.0.0.9", "10.0.0.2",
            ])
        #expect(Masking.found("fe80::1%eth0 [2001:db8::1]:443", .ip) == ["fe80::1", "2001:db8::1"])
    }
}
