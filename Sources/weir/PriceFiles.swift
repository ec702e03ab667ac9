// SPDX-License-Identifier: Apache-2.0
import Answers
import ByteCoding
import Platform
import Pricing
import Yams

/// The prices of a data directory: the built-in table, an imported one over it, the operator's own over both.
struct PriceFiles {
    let directory: DataDirectory
    let files: any FileSystem

    init(_ directory: DataDirectory, files: any FileSystem = PosixFileSystem()) {
        self.directory = directory
        self.files = files
    }

    private var folder: String { PathText.join(directory.path, "prices") }
    /// What `weir prices import` and `refresh` write.
    var imported: String { PathText.join(folder, "imported.json") }
    /// What `weir prices import` writes of a file in our own format.
    var overrides: String { PathText.join(folder, "overrides.json") }
    /// What the operator writes.
    var ownOverrides: String { PathText.join(folder, "overrides.yaml") }

    /// Files that look like prices and lie where nothing reads them.
    var misplaced: [String] {
        let names = ["prices", "overrides", "imported"].flatMap { name in ["yaml", "yml", "json"].map { "\(name).\($0)" } }
        let all = names.map { PathText.join(directory.path, $0) } + names.map { PathText.join(folder, $0) }
        // What cannot be looked at is no worse than what is not there.
        return all.filter { ![ownOverrides, overrides, imported].contains($0) && (try? files.status(of: $0)) != nil }
    }

    /// The prices in force.
    ///
    /// - Throws: `PricingError`, `PlatformError`, or `VerbFailure` where both files of overrides are there.
    func book() throws -> PriceBook { PriceBook(try sheets()) }

    /// The sheets in force, the last one first asked.
    func sheets() throws -> [PriceSheet] {
        var sheets = [BuiltInPrices.sheet]
        if try files.status(of: imported) != nil { sheets.append(try PriceFiles.read(imported, files: files)) }
        let own = try [ownOverrides, overrides].filter { try files.status(of: $0) != nil }
        guard own.count < 2 else {
            throw VerbFailure.usage("both \(ownOverrides) and \(overrides) are there; keep one of them")
        }
        if let path = own.first { sheets.append(try PriceFiles.read(path, files: files)) }
        return sheets
    }

    /// Reads a file in our own format.
    static func read(_ path: String, files: any FileSystem) throws -> PriceSheet {
        try PriceSheet.read(node(path, files: files), file: path)
    }

    /// Reads the values of a file: YAML by its ending, else JSON.
    static func node(_ path: String, files: any FileSystem) throws -> PriceNode {
        let bytes: [UInt8]
        do throws(PlatformError) { bytes = try files.readFile(path, limit: PricingLimits.fileBytes + 1) } catch {
            throw VerbFailure.usage("the price file \(path) cannot be read: \(error)")
        }
        return try node(bytes, file: path)
    }

    /// Reads the values of a text: YAML by the ending of its name, else JSON.
    static func node(_ bytes: [UInt8], file: String) throws -> PriceNode {
        guard bytes.count <= PricingLimits.fileBytes else {
            let message = "larger than \(PricingLimits.fileBytes >> 20) MiB"
            throw PricingError([PriceFault(file: file, line: 0, message: message)])
        }
        guard file.hasSuffix(".yaml") || file.hasSuffix(".yml") else { return try PriceNode.json(bytes, file: file) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw PricingError([PriceFault(file: file, line: 0, message: "not UTF-8 text")])
        }
        var reader = YAMLPrices(file: file)
        return try reader.read(text)
    }

    /// Puts a sheet into force: read back first, then written beside the old one, synced, renamed.
    func install(_ sheet: PriceSheet, at path: String) throws {
        let bytes = sheet.encoded()
        _ = try PriceSheet.read(json: bytes, file: path)
        try directory.require(files)
        try files.createDirectories(folder)
        try files.replaceFile(path, with: bytes)
    }
}

/// YAML as plain values with their lines.
private struct YAMLPrices {
    let file: String
    /// Values of a file; aliases make few bytes many values.
    private static let valuesMax = 2_000_000
    private static let depthMax = 32
    private var count = 0

    init(file: String) {
        self.file = file
    }

    mutating func read(_ text: String) throws -> PriceNode {
        let root: Node?
        do { root = try Yams.compose(yaml: text) } catch { throw PricingError([problem(error)]) }
        guard let root else { return PriceNode(.null, line: 1) }
        return try value(root, depth: 0)
    }

    private mutating func value(_ node: Node, depth: Int) throws -> PriceNode {
        let line = node.mark?.line ?? 0
        count += 1
        guard count <= YAMLPrices.valuesMax, depth <= YAMLPrices.depthMax else {
            throw PricingError([PriceFault(file: file, line: line, message: "too many values, or too deep a nesting")])
        }
        switch node {
        case .scalar(let scalar):
            let isNull = scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
            return PriceNode(isNull ? .null : .scalar(scalar.string), line: line)
        case .sequence(let elements):
            return PriceNode(.list(try elements.map { try value($0, depth: depth + 1) }), line: line)
        case .mapping(let mapping):
            let members = try mapping.map { (key: $0.key.string ?? "", value: try value($0.value, depth: depth + 1)) }
            return PriceNode(.object(members), line: line)
        case .alias: throw PricingError([PriceFault(file: file, line: line, message: "an alias that names nothing")])
        }
    }

    private func problem(_ error: any Error) -> PriceFault {
        switch error {
        case YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
            YamlError.composer(_, let problem, let mark, _):
            PriceFault(file: file, line: mark.line, message: "this is not YAML: \(problem)")
        case YamlError.duplicatedKeysInMapping(let keys, let context):
            PriceFault(file: file, line: context.mark.line, message: "\(keys.sorted().joined(separator: ", ")) is given twice")
        default: PriceFault(file: file, line: 0, message: "this is not YAML")
        }
    }
}
