// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Testing

@testable import Redaction

/// Values that only the name before them tells, and social security numbers.
@Suite struct AssignedSecretTests {
    @Test(arguments: [
        ("password=hunter2", "password=[secret]"), ("DB_PASSWORD='Sommer2024!'", "DB_PASSWORD='[secret]'"),
        ("\"password\": \"Tr0ub4dor&3\"", "\"password\": \"[secret]\""),
        ("{\\\"passwd\\\":\\\"a1b2c3d4\\\"}", "{\\\"passwd\\\":\\\"[secret]\\\"}"),
        ("spring.datasource.password=Maple77$x and more", "spring.datasource.password=[secret] and more"),
        ("pwd: qwertz123.", "pwd: [secret]."), ("db_pass = \"x9y8z7\"", "db_pass = \"[secret]\""),
        ("?password=abc123&x=1", "?password=[secret]&x=1"),
        ("passphrase: \"Correct-Horse\"", "passphrase: \"[secret]\""),
        ("client_secret=8xKq2LmN4pRs6TuV", "client_secret=[secret]"), ("token: 'aB3dE6gHi9KlMn2PqRs5TuVw'", "token: '[secret]'"),
        ("secret = 3f2a91cc-0b1d-4e5f-8a9b-c0d1e2f3a4b5", "secret = [secret]"), ("API_KEY=ab12cd34ef56ab78", "API_KEY=[secret]"),
        ("\"refresh_token\":\"1//0gK3abcDEF45ghiJKL67mno\"", "\"refresh_token\":\"[secret]\""),
    ])
    func findsWhatIsAssigned(text: String, marked: String) { #expect(Masking.marked(text, [.secret]) == marked) }

    @Test(arguments: [
        "password", "password: str", "password: String = \"\"", "password=getpass.getpass()", "password=${DB_PASSWORD}",
        "password: <your password>",
        "password: must have 8 characters", "password=os.environ[\"DB1\"]", "password = input1()", "reset_password(token: str)",
        "PASSWORD_MIN_LENGTH=12",
        "token = tokenizer.next_token_2", "max_tokens: 4096", "\"next_page_token\": \"aB3dE6gHi9KlMn2PqRs5TuVw\"",
        "eos_token: \"<|im_end|>\"",
        "secret: work hard and be kind", "api_key=YOUR_API_KEY_12345", "api_key: xxxxxxxxxxxxxxxx1234",
        "primary_key = order-2024-000123-a",
        "secret = projects/12345/secrets/db", "token: abcdefghijklmnopqrst", "my password is long", "password = \"two words1\"",
    ])
    func leavesWhatIsNone(text: String) { #expect(Masking.found(text, .secret) == []) }

    @Test(arguments: [
        ("536-12-3456", "[ssn]"), ("ssn: 536 12 3456", "ssn: [ssn]"), ("{\"ssn\":\"536123456\"}", "{\"ssn\":\"[ssn]\"}"),
        ("Social Security number 536123456.", "Social Security number [ssn]."),
        ("social-security no: 536 12 3456", "social-security no: [ssn]"),
        ("{\"ssn\":536123456}", "{\"ssn\":[ssn]}"), ("social_security_number=536123456", "social_security_number=[ssn]"),
    ])
    func findsSocialSecurityNumbers(text: String, marked: String) { #expect(Masking.marked(text, [.ssn]) == marked) }

    @Test(arguments: [
        "000-12-3456", "666-12-3456", "900-12-3456", "536-00-3456", "536-12-0000", "123-45-6789", "078-05-1120", "536 12 3456",
        "536123456",
        "1536-12-3456", "536-12-34567", "536-12-3456-1", "a536-12-3456", "2024-536-12-3456", "class 536123456", "111-11-1111",
    ])
    func leavesOtherNumbers(text: String) { #expect(Masking.found(text, .ssn) == []) }

    @Test func quotesABareNumberOfJSON() {
        #expect(Masking.marked("{\"ssn\":536123456}", [.ssn], as: .body) == "{\"ssn\":\"[ssn]\"}")
    }

    @Test(arguments: [
        ("Authorization: Bearer 190af08b149e44907b75458ef7535cbf", "Authorization: Bearer [secret]"),
        ("-H 'Authorization: Bearer T+SwNX189rHNzZZNhu85+MqfMfK2e3NKMpc8ShUOnOg='", "-H 'Authorization: Bearer [secret]'"),
        ("Bearer <token>", "Bearer <token>"), ("Bearer $API_KEY_1234567890", "Bearer $API_KEY_1234567890"),
        ("Bearer of the long-lasting-news-of-2024", "Bearer of the long-lasting-news-of-2024"),
        ("Bearer YOUR_TOKEN_1234567890abc", "Bearer YOUR_TOKEN_1234567890abc"),
    ])
    func findsWhatABearerBears(text: String, marked: String) { #expect(Masking.marked(text, [.secret]) == marked) }

    /// Sixteen digits of an account number may have a card's check digit.
    @Test(arguments: ["ES23 6599 2692 0320 2929 9741", "PL76 7271 5329 6203 0660 0980 1358"])
    func takesAnAccountNumberForOne(text: String) { #expect(Masking.marked("to \(text).") == "to [iban].") }

    /// Names within values, as often as they can be: no character is read more often than a few looks allow.
    @Test(arguments: [
        "pwd=", "token=", "api_key=", "password=password:", "secret=token=", "pwd=x1", "apikey='", "x_pass=;pwd=", "pwd=your",
        "token=\\u0041", "access_key=access_key:\"",
    ])
    func looksAtNoCharacterTooOften(unit: String) {
        for text in [String(repeating: unit, count: 20_000), "\"" + String(repeating: unit, count: 300) + "\""] {
            let bytes = Array(text.utf8)
            var scan = DetectorScan()
            bytes.withUnsafeBytes { buffer in
                let whole = DetectorText(
                    base: ByteRun(buffer).base, low: 0, high: buffer.count, isAfterValue: false, isBeforeValue: false)
                scan.look(for: [.secret], in: whole, from: 0, to: buffer.count, by: TriggerTable([.secret]))
            }
            #expect(scan.looks.read <= bytes.count * 2 * AssignedLooks.most, "\(unit): \(scan.looks.read) of \(bytes.count)")
        }
    }

    @Test func aValueAmidNamesIsStillFound() {
        #expect(Masking.marked("pwd=&pwd=&pwd=&pwd=&pwd=&pwd=hunter2") == "pwd=&pwd=&pwd=&pwd=&pwd=&pwd=[secret]")
        #expect(Masking.marked("pwd=pwd=pwd, then pwd=hunter2") == "pwd=pwd=pwd, then pwd=[secret]")
        #expect(Masking.found("password=YOUR-password-1", .secret) == [] && Masking.found("pwd=xXxX1234", .secret) == [])
        #expect(Masking.found("password=aEXAMPLEb1", .secret) == [] && Masking.found("password=exampl3b1", .secret) != [])
    }

    @Test func findsWebhooks() {
        let hook = "https://hooks.slack.com/services/" + "T01ABCDEF23/B01ABCDEF23/" + "aB3dE6gHi9KlMn2PqRs5TuVw"
        #expect(Masking.marked("post to \(hook)!") == "post to https://[secret]!")
    }
}
