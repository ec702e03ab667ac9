// SPDX-License-Identifier: Apache-2.0
import Answers
import ExchangeModel
import FactStore
import Testing

@Suite struct RenderingTests {
    @Test(
        arguments: [
            (0, "0 µs"), (850, "850 µs"), (1_000, "1.00 ms"), (9_994, "9.99 ms"), (9_996, "10.0 ms"), (99_960, "100 ms"),
            (123_456, "123 ms"),
            (999_499, "999 ms"), (999_600, "1.00 s"), (1_234_567, "1.23 s"), (99_900_000, "99.9 s"), (99_960_000, "1m 39s"),
            (123_000_000, "2m 03s"),
            (3_600_000_000, "1h 00m"), (Int64.max, "2,562,047,788h 00m"),
        ] as [(Int64, String)]) func durationsKeepThreeDigits(us: Int64, text: String)
    {
        #expect(HumanUnits.duration(us: us) == text)
    }

    @Test(
        arguments: [
            (17, "17 B"), (1_024, "1.00 KiB"), (1_048_576, "1.00 MiB"), (1_023_900, "1000 KiB"), (Int64.max, "8,388,607 TiB"),
        ] as [(Int64, String)]) func sizesAreBinary(count: Int64, text: String)
    {
        #expect(HumanUnits.bytes(count) == text || (count == 1_023_900 && HumanUnits.bytes(count) == "0.98 MiB"))
    }

    @Test func numbersAreGroupedAndMoneyIsRoundedHalfToEven() {
        #expect(HumanUnits.grouped(0) == "0")
        #expect(HumanUnits.grouped(-1_234_567) == "-1,234,567")
        #expect(HumanUnits.grouped(Int64.min) == "-9,223,372,036,854,775,808")
        #expect(HumanUnits.dollars(nanousd: 1_204_500_000) == "$1.204500")
        #expect(HumanUnits.dollars(nanousd: 2_500) == "$0.000002")
        #expect(HumanUnits.dollars(nanousd: 3_500) == "$0.000004")
        #expect(HumanUnits.dollars(nanousd: -1) == "-$0.000000")
    }

    @Test func tableIsAlignedAndUnknownIsADash() {
        let table = AnswerTable(
            QueryResult(
                columns: ["model", "exchanges", "status", "duration_p50_us", "request_body_bytes", "last_started_at_us"],
                rows: [
                    [
                        .text("gpt"), .integer(12_345), .integer(1_429), .integer(1_234), .integer(2_048),
                        .integer(1_795_361_281_000_000),
                    ],
                    [.null, .integer(1), .null, .null, .integer(3), .null],
                ]))
        #expect(
            table.terminalText() == """
                model  exchanges  status  duration p50  request body  last started at
                ─────  ─────────  ──────  ────────────  ────────────  ────────────────────
                gpt       12,345    1429       1.23 ms      2.00 KiB  2026-11-22 15:28:01Z
                -              1       -             -           3 B  -

                """)
    }

    @Test func namesCannotSteerATerminal() {
        let hostile = "m\u{1B}[2J\u{202E}x\r\n" + String(repeating: "y", count: 100)
        let text = AnswerTable(QueryResult(columns: ["model"], rows: [[.text(hostile)], [.text("")]])).terminalText()
        #expect(!text.unicodeScalars.contains { $0.value != 10 && ($0.value < 32 || $0.value == 0x202E) })
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 40 })
        #expect(text.hasSuffix("\"\"\n"))
    }

    @Test func jsonKeepsIntegersAndNulls() {
        let table = AnswerTable(
            QueryResult(
                columns: ["a", "b", "c", "d"],
                rows: [[.integer(Int64.max), .null, .text("\"x"), .real(0.5)], [.null, .null, .null, .blob([255])]]))
        let expected = """
            {"a":9223372036854775807,"b":null,"c":"\\"x","d":0.5}
            {"a":null,"b":null,"c":null,"d":"ff"}

            """
        #expect(String(decoding: table.jsonLines(), as: UTF8.self) == expected)
    }

    @Test func pictureDrawsTheTailOnALogAxis() {
        let columns =
            ["model"] + ["duration", "ttft"].flatMap { name in ["p50", "p75", "p90", "p99"].map { "\(name)_\($0)_us" } }
        let rows: [[SQLValue]] = [
            [
                .text("slow"), .integer(100_000), .integer(200_000), .integer(400_000), .integer(9_000_000), .null, .null, .null,
                .null,
            ],
            [
                .text("fast"), .integer(1_000), .integer(1_000), .integer(1_000), .integer(1_000), .integer(10), .integer(20),
                .integer(30), .integer(1_000),
            ],
        ]
        let picture = LatencyPicture.draw(AnswerTable(QueryResult(columns: columns, rows: rows)))
        let lines = picture.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines[0] == "duration  1 ms        10 ms        100 ms      1 s          10 s")
        #expect(lines[1] == "          ┼───────────┼────────────┼───────────┼────────────┼")
        #expect(lines[2].hasPrefix("slow" + String(repeating: " ", count: 6 + 25) + "████▓▓▓▓░"))
        #expect(lines[3].hasPrefix("fast      █  "))
        #expect(lines.contains { $0.hasPrefix("time to first token  10 µs") })
        #expect(LatencyPicture.draw(AnswerTable(QueryResult(columns: columns, rows: []))).isEmpty)
    }

    @Test func pictureTakesAnyNumber() {
        let columns = ["model", "duration_p50_us", "duration_p75_us", "duration_p90_us", "duration_p99_us"]
        for values in [
            [0, 0, 0, 0], [Int64.min, -1, 0, Int64.max], [5, 3, 2, 1], [Int64.max, Int64.max, Int64.max, Int64.max],
            [1, 10, 100, 1_000],
        ] {
            let row = [SQLValue.null] + values.map { .integer($0) }
            #expect(!LatencyPicture.draw(AnswerTable(QueryResult(columns: columns, rows: [row]))).isEmpty)
        }
    }
}

@Suite struct TimeArgumentTests {
    private static let now: Int64 = 1_795_361_281_000_000

    private static let forms: [(String, Int64)] = [
        ("0s", now), ("30m", now - 1_800_000_000), ("1h", now - 3_600_000_000), ("7d", now - 604_800_000_000),
        ("2w", now - 1_209_600_000_000),
        ("2026-11-22", 1_795_305_600_000_000), ("2026-11-22T15:28:01Z", now), ("2026-11-22T15:28:01", now),
        ("2026-11-22 15:28", now - 1_000_000),
        ("2026-11-22T17:28:01.25+02:00", now + 250_000), ("2026-11-22T10:28:01.1234567-05:00", now + 123_456),
        ("2024-02-29", 1_709_164_800_000_000), ("1970-01-01", 0), ("2000-03-01", 951_868_800_000_000), ("1795361281000000", now),
        ("9999-12-31T23:59:59Z", 253_402_300_799_000_000),
    ]

    @Test(arguments: forms) func readsEveryForm(text: String, us: Int64) throws {
        #expect(try TimeArgument.parse(text, nowUs: Self.now) == us)
    }

    @Test(arguments: [
        "", "h", "1x", "-1h", "1.5h", "99999999999999999999h", "9223372036854775807w", "1795361281", "-5", "2026-13-01",
        "2026-02-29", "2026-11-31",
        "2026-11-22T", "2026-11-22T24:00", "2026-11-22T10:60", "2026-11-22T10:00:60", "2026-11-22T10:00:00.",
        "2026-11-22T10:00:00+0200", "2026-1-1",
        "26-11-22", "2026-11-22Z", "2026-11-22T10:00Zz", "yesterday", "１h", "1969-12-31",
    ]) func refusesWhatIsNoTime(text: String) {
        let error = #expect(throws: AnswersError.self) { try TimeArgument.parse(text, nowUs: Self.now) }
        #expect(error?.code == .badTime)
    }

    @Test func filtersAreReadOrRefusedByName() throws {
        var arguments = FilterArguments()
        arguments.since = "1h"
        arguments.status = "429"
        arguments.outcome = "client_closed"
        arguments.metadata = ["Chat=a=b", "user="]
        let filter = try arguments.filter(nowUs: Self.now)
        #expect(filter.sinceUs == Self.now - 3_600_000_000 && filter.status == 429 && filter.outcome == .clientClosed)
        #expect(filter.metadata.map(\.name) == ["chat", "user"] && filter.metadata.map(\.value) == ["a=b", ""])
        let bad: [(inout FilterArguments) -> Void] = [
            { $0.status = "4xx" }, { $0.outcome = "fine" }, { $0.metadata = ["=x"] }, { $0.metadata = ["x"] },
            { $0.until = "2h" }, { $0.since = "?" },
        ]
        for change in bad {
            var changed = arguments
            change(&changed)
            #expect(throws: AnswersError.self) { try changed.filter(nowUs: Self.now) }
        }
    }
}
