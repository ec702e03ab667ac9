// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ByteCoding
import Outbound
import Platform
import Pricing

/// Formats of price tables.
enum PriceFormat: String, ExpressibleByArgument, CaseIterable {
    /// The JSON of genai-prices.
    case genai
    /// LiteLLM's JSON.
    case litellm
    /// Our own.
    case weir

    /// What a table looks like, or nil.
    init?(_ root: PriceNode) {
        if root["format"]?.text != nil {
            self = .weir
        } else if case .list = root.content {
            self = .genai
        } else if root.members?.contains(where: { $0.value["litellm_provider"] != nil }) == true {
            self = .litellm
        } else {
            return nil
        }
    }
}

/// A table that was read, whatever its format, and what there is to say of it.
struct ReadPrices {
    let sheet: PriceSheet
    let format: PriceFormat
    var report: ImportReport?

    static func read(_ root: PriceNode, file: String, format: PriceFormat?, dated: String?) throws -> ReadPrices {
        guard let format = format ?? PriceFormat(root) else {
            let message = "this is none of the tables that are known; name it with --format"
            throw PricingError([PriceFault(file: file, line: root.line, message: message)])
        }
        switch format {
        case .weir: return ReadPrices(sheet: try PriceSheet.read(root, file: file), format: format)
        case .genai:
            let read = try GenAIPricesImport.read(root, file: file, dated: dated)
            return ReadPrices(sheet: read.sheet, format: format, report: read.report)
        case .litellm:
            let read = try LiteLLMImport.read(root, file: file, dated: dated)
            return ReadPrices(sheet: read.sheet, format: format, report: read.report)
        }
    }

    /// Says on standard error what was taken and what was not.
    func tell() {
        Terminal.say("\(sheet.rows.count) rows" + (report.map { " for \($0.models) models" } ?? ""))
        guard let report else { return }
        if report.roundedPrices > 0 {
            Terminal.say("\(report.roundedPrices) prices finer than a pico-dollar were rounded half to even")
        }
        for (reason, count) in report.skippedModels.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
            Terminal.say("\(count) models left out: \(reason)")
        }
        let prices = report.skippedPrices.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        for (name, count) in prices.prefix(12) { Terminal.say("\(count) prices left out: \(name) has no class here") }
        if prices.count > 12 { Terminal.say("and prices of \(prices.count - 12) further names") }
    }

    /// The table as one JSON object.
    func summary(path: String?, version: String) -> [UInt8] {
        var out = JSONWriter()
        out.beginObject()
        out.key("format")
        out.value(format.rawValue)
        out.key("rows")
        out.value(Int64(sheet.rows.count))
        out.key("models")
        out.value(report.map { Int64($0.models) })
        out.key("models_left_out")
        out.value(report.map { Int64($0.skippedModels.values.reduce(0, +)) })
        out.key("prices_left_out")
        out.value(report.map { Int64($0.skippedPrices.values.reduce(0, +)) })
        out.key("prices_rounded")
        out.value(report.map { Int64($0.roundedPrices) })
        out.key("installed")
        out.value(path)
        out.key("price_version")
        out.value(version)
        out.endObject()
        out.newline()
        return out.bytes
    }
}

/// Where a table goes and what the prices in force are then.
private func install(_ read: ReadPrices, _ prices: PriceFiles, isDry: Bool, json: Bool, isRefresh: Bool) throws {
    var sheet = read.sheet
    let path = read.format == .weir && !isRefresh ? prices.overrides : prices.imported
    if path == prices.overrides, try prices.files.status(of: prices.ownOverrides) != nil {
        throw VerbFailure.usage("\(prices.ownOverrides) is there already: edit it, or remove it first")
    }
    sheet.name = path
    read.tell()
    guard !isDry else {
        if json { try Terminal.data(read.summary(path: nil, version: try prices.book().version)) }
        Terminal.say("nothing was written (--dry-run)")
        return
    }
    try prices.install(sheet, at: path)
    let version = try prices.book().version
    if json { try Terminal.data(read.summary(path: path, version: version)) }
    Terminal.say("installed as \(path); the prices in force are \(version)")
}

private func day(_ text: String?) throws -> String {
    guard let text else { return String(CalendarDay.text(us: SystemClock().wallUs).prefix(10)) }
    guard text.utf8.count == 10, CalendarDay.us(text) != nil else {
        throw VerbFailure.usage("--dated takes a day such as 2026-11-29, not \(text)")
    }
    return text
}

// MARK: Import

struct PricesImportVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Put a price table into force: genai-prices, LiteLLM, or our own format.",
        discussion: """
            A table of somebody else's becomes DATA/prices/imported.json and takes the place of the one before; a file of our own format becomes DATA/prices/overrides.json, which is asked first. Exit code 2 where the file is not good; every fault is named with its line.

            EXAMPLES:
              weir prices import data.json
              weir prices import model_prices_and_context_window.json --format litellm --dated 2026-11-29
              weir prices import overrides.yaml --dry-run
            """)

    @Argument(help: "The file; YAML where its name ends in .yaml or .yml, else JSON.") var file: String
    @Option(help: "genai, litellm or weir (default: told by what it looks like).") var format: PriceFormat?
    @Option(help: "The day of the table (default: today).") var dated: String?
    @Flag(help: "Read it and say what would be taken; write nothing.") var dryRun = false
    @Flag(help: "One JSON object.") var json = false
    @OptionGroup var data: DataOption

    func run() throws {
        let files = PosixFileSystem()
        let dated = try day(dated)
        try PriceFaults.told {
            let root = try PriceFiles.node(file, files: files)
            let read = try ReadPrices.read(root, file: file, format: format, dated: dated)
            try install(read, PriceFiles(data.directory, files: files), isDry: dryRun, json: json, isRefresh: false)
        }
    }
}

// MARK: Refresh

struct PricesRefreshVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refresh", abstract: "Fetch a price table and put it into force.",
        discussion: """
            Fetched over https by this call alone: nothing fetches by itself. The table becomes DATA/prices/imported.json, and the one in force stays where anything goes wrong. Of the address only scheme, host and port are ever shown. Exit code 1 where --sha256 does not fit, 3 where the table cannot be had.

            EXAMPLES:
              weir prices refresh
              weir prices refresh --dry-run
              weir prices refresh --url https://prices.example/weir.json --sha256 9f86d081884c7d65...
            """)

    static let standardURL = "https://raw.githubusercontent.com/pydantic/genai-prices/main/prices/new_data/v2/data.json"

    @Option(help: "Where the table is (default: genai-prices at GitHub).") var url: String = PricesRefreshVerb.standardURL
    @Option(help: "genai, litellm or weir (default: told by what it looks like).") var format: PriceFormat?
    @Option(help: "The SHA-256 that the file must have, in hex.") var sha256: String?
    @Option(help: "Give up after so many seconds.") var timeout: Int = 60
    @Flag(help: "Fetch it and say what would be taken; write nothing.") var dryRun = false
    @Flag(help: "One JSON object.") var json = false
    @OptionGroup var data: DataOption

    func run() async throws {
        guard (1...3_600).contains(timeout) else { throw VerbFailure.usage("--timeout takes 1 to 3600 seconds") }
        let wanted = sha256?.lowercased()
        let isHex = wanted?.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) } ?? true
        guard isHex, wanted.map({ $0.utf8.count == 64 }) ?? true else { throw VerbFailure.usage("--sha256 takes 64 hex digits") }
        guard PricesRefreshVerb.isSafe(url) else {
            throw VerbFailure.usage("the address must begin with https:// (http:// is for this machine only): prices are money")
        }
        let files = PosixFileSystem()
        if !dryRun { try data.directory.require(files) }
        let shown = OutboundURL.shown(url)
        let body = try await fetch(shown)
        let sum = PriceSheet.sha256(body)
        if let wanted, wanted != sum {
            throw VerbFailure.found(
                "the file at \(shown) has the SHA-256 \(sum), not the one that was given; nothing was changed")
        }
        Terminal.say("\(body.count) bytes from \(shown), SHA-256 \(sum)")
        let dated = try day(nil)
        try PriceFaults.told(exitCode: 3) {
            let root = try PriceFiles.node(body, file: shown)
            let read = try ReadPrices.read(root, file: shown, format: format, dated: dated)
            try install(read, PriceFiles(data.directory, files: files), isDry: dryRun, json: json, isRefresh: true)
        }
    }

    private func fetch(_ shown: String) async throws -> [UInt8] {
        var limits = OutboundLimits()
        limits.totalMilliseconds = timeout * 1_000
        limits.bodyBytes = PricingLimits.fileBytes
        let headers = [OutboundHeader("accept", "application/json"), OutboundHeader("user-agent", "weir/\(Program.version)")]
        let answer: OutboundResponse
        do {
            answer = try await OutboundClient().requestOffPool("GET", url, headers: headers, limits: limits)
        } catch let error as OutboundError {
            throw VerbFailure.unfinished("the prices cannot be fetched: \(error); those in force stay as they are")
        }
        guard answer.status == 200 else {
            throw VerbFailure.unfinished("\(shown) answers \(answer.status); the prices in force stay as they are")
        }
        return answer.body
    }

    /// Whether nobody on the way can change what comes.
    static func isSafe(_ url: String) -> Bool {
        let lowered = url.lowercased()
        if lowered.hasPrefix("https://") { return true }
        guard lowered.hasPrefix("http://") else { return false }
        let authority = lowered.dropFirst(7).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let host = authority.split(separator: "@").last ?? ""
        return ["127.0.0.1", "localhost", "[::1]"].contains { host == $0 || host.hasPrefix($0 + ":") }
    }
}
