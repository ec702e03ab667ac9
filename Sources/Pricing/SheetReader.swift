// SPDX-License-Identifier: Apache-2.0

/// Reads a price file; every fault is noted and reading goes on.
struct SheetReader {
    let file: String
    private(set) var faults: [PriceFault] = []
    private var row: Int?

    init(file: String) {
        self.file = file
    }

    private mutating func fault(_ node: PriceNode, _ message: String) {
        guard faults.count < PricingLimits.faults else { return }
        faults.append(PriceFault(file: file, line: node.line, row: row, message: message))
    }

    // MARK: The sheet

    mutating func sheet(_ root: PriceNode) -> PriceSheet {
        var sheet = PriceSheet(name: file)
        guard let members = root.members else {
            fault(root, "a price file is a mapping that begins with `format: \(PriceSheet.format)`")
            return sheet
        }
        if root["format"]?.text != PriceSheet.format {
            fault(root["format"] ?? root, "`format` must be \(PriceSheet.format); another table is read by `weir prices import`")
            return sheet
        }
        check(members, ["format", "dated", "note", "sources", "fallbacks", "prefer_reported", "discounts", "prices"])
        sheet.dated = root["dated"].flatMap { day($0) }
        sheet.note = root["note"].flatMap { words($0) }
        for (key, node) in root["sources"]?.members ?? [] {
            check(node.members ?? [], ["url", "via", "checked"])
            guard let url = node["url"].flatMap({ words($0) }) else {
                fault(node, "the source \(key) has no `url`")
                continue
            }
            sheet.sources[key] = PriceSource(
                url: url, via: node["via"].flatMap { words($0) }, checked: node["checked"].flatMap { day($0) })
        }
        for (key, node) in root["fallbacks"]?.members ?? [] { sheet.fallbacks[key] = names(node) }
        if let node = root["prefer_reported"] { sheet.preferReported = preferred(node) }
        sheet.discounts = list(root["discounts"], limit: PricingLimits.discounts).compactMap { discount($0) }
        for (index, node) in list(root["prices"], limit: PricingLimits.rows).enumerated() {
            row = index + 1
            if let read = priceRow(node, sources: sheet.sources) { sheet.rows.append(read) }
        }
        row = nil
        return sheet
    }

    private mutating func list(_ node: PriceNode?, limit: Int) -> [PriceNode] {
        guard let node else { return [] }
        guard case .list(let elements) = node.content else {
            fault(node, "this must be a list")
            return []
        }
        if elements.count > limit { fault(node, "more than \(limit) entries") }
        return Array(elements.prefix(limit))
    }

    private mutating func preferred(_ node: PriceNode) -> [String] {
        switch node.text {
        case "true": return ["*"]
        case "false": return []
        default: return names(node)
        }
    }

    private mutating func discount(_ node: PriceNode) -> PriceDiscount? {
        guard let members = node.members else {
            fault(node, "a discount is a mapping with `off_per_mille`")
            return nil
        }
        check(members, ["provider", "models", "keys", "from", "to", "off_per_mille", "note"])
        guard let text = node["off_per_mille"]?.text, let off = Int64(text), (0...1_000).contains(off) else {
            fault(node["off_per_mille"] ?? node, "`off_per_mille` must be a whole number from 0 to 1000: 150 is 15 % off")
            return nil
        }
        var discount = PriceDiscount(offPerMille: off)
        discount.providers = node["provider"].map { names($0) } ?? []
        discount.models = node["models"].map { patterns($0) } ?? []
        discount.keys = node["keys"].map { names($0) } ?? []
        discount.fromUs = node["from"].flatMap { instant($0) }
        discount.toUs = node["to"].flatMap { instant($0) }
        discount.note = node["note"].flatMap { words($0) }
        return discount
    }

    // MARK: A row

    private static let rowKeys: Set<String> = [
        "provider", "models", "except", "from", "to", "hours", "when", "price", "tiers", "source", "checked", "note",
    ]

    private mutating func priceRow(_ node: PriceNode, sources: [String: PriceSource]) -> PriceRow? {
        guard let members = node.members else {
            fault(node, "a row is a mapping with `provider`, `models` and `price`")
            return nil
        }
        check(members, SheetReader.rowKeys)
        let before = faults.count
        for key in ["provider", "models", "price"] where node[key] == nil { fault(node, "`\(key)` is missing") }
        guard faults.count == before, let providers = node["provider"], let models = node["models"], let price = node["price"]
        else {
            return nil
        }
        var read = PriceRow(providers: names(providers), models: patterns(models), rates: rates(price))
        read.line = node.line
        if read.providers.isEmpty { fault(providers, "`provider` names none") }
        if read.models.isEmpty { fault(models, "`models` names none") }
        if read.rates.isEmpty { fault(price, "`price` has no class; 0 is written as 0") }
        read.except = node["except"].map { patterns($0) } ?? []
        read.fromUs = node["from"].flatMap { instant($0) }
        read.toUs = node["to"].flatMap { instant($0) }
        if let from = read.fromUs, let to = read.toUs, from >= to { fault(node, "`to` must be after `from`") }
        read.hours = node["hours"].flatMap { hours($0) }
        read.when = node["when"].map { conditions($0) } ?? [:]
        if let tiers = node["tiers"] { addTiers(tiers, to: &read) }
        read.source = node["source"].flatMap { words($0) }
        if let source = read.source, sources[source] == nil, !source.contains("://") {
            fault(node["source"] ?? node, "the source \(source) is neither in `sources` nor a URL")
        }
        read.checked = node["checked"].flatMap { day($0) }
        read.note = node["note"].flatMap { words($0) }
        return read
    }

    private mutating func rates(_ node: PriceNode) -> [PriceClass: PriceRate] {
        prices(node).mapValues { PriceRate(pico: $0) }
    }

    private mutating func prices(_ node: PriceNode) -> [PriceClass: Int64] {
        guard let members = node.members else {
            fault(node, "prices are a mapping of classes to dollars, such as `input: 2.5`")
            return [:]
        }
        var found: [PriceClass: Int64] = [:]
        for (key, value) in members {
            guard let kind = PriceClass(name: key) else {
                fault(value, "there is no class \(key); the classes are \(PriceClass.allNames)")
                continue
            }
            if found[kind] != nil { fault(value, "\(key) is given twice") }
            do throws(PicoDollars.Fault) {
                found[kind] = try PicoDollars.parse(value.text ?? "", digits: kind.unit.digits).pico
            } catch { fault(value, SheetReader.message(error, kind)) }
        }
        return found
    }

    static func message(_ fault: PicoDollars.Fault, _ kind: PriceClass) -> String {
        switch fault {
        case .notANumber: "\(kind.name) must be a number of dollars \(kind.unit.words), such as 2.5"
        case .negative: "\(kind.name) is below zero"
        case .tooLarge: "\(kind.name) is above a thousand dollars a unit"
        case .tooFine: "\(kind.name) is finer than a pico-dollar; round it to \(kind.unit.digits) decimal places"
        }
    }

    private mutating func addTiers(_ node: PriceNode, to row: inout PriceRow) {
        var steps: [(tier: PriceTier, kind: PriceClass)] = []
        for step in list(node, limit: PricingLimits.tiers) {
            check(step.members ?? [], ["op", "tokens", "whole_request", "price"])
            guard let op = step["op"]?.text.flatMap(PriceTier.Operator.init(rawValue:)) else {
                fault(step["op"] ?? step, "`op` must be \">\" or \">=\"")
                continue
            }
            guard let tokens = step["tokens"]?.text.flatMap({ Int64($0) }), tokens > 0 else {
                fault(step["tokens"] ?? step, "`tokens` must be a whole number above 0")
                continue
            }
            guard let isWhole = ["true": true, "false": false][step["whole_request"]?.text ?? "true"] else {
                fault(step["whole_request"] ?? step, "`whole_request` must be true or false")
                continue
            }
            guard let price = step["price"] else {
                fault(step, "`price` is missing")
                continue
            }
            for (kind, pico) in prices(price) {
                steps.append((PriceTier(threshold: tokens, comparison: op, isWholeRequest: isWhole, pico: pico), kind))
            }
        }
        for step in steps {
            guard row.rates[step.kind] != nil else {
                fault(node, "\(step.kind.name) has a price in `tiers` but none in `price`")
                continue
            }
            row.rates[step.kind]?.tiers.append(step.tier)
        }
        for kind in PriceClass.allCases {
            guard let tiers = row.rates[kind]?.tiers, tiers.count > 1 else { continue }
            row.rates[kind]?.tiers.sort { $0.threshold < $1.threshold }
            if Set(tiers.map(\.threshold)).count < tiers.count { fault(node, "two tiers of \(kind.name) have one threshold") }
            if Set(tiers.map(\.isWholeRequest)).count > 1 { fault(node, "the tiers of \(kind.name) differ in `whole_request`") }
        }
    }

    private mutating func conditions(_ node: PriceNode) -> [PriceCondition: [String]] {
        var found: [PriceCondition: [String]] = [:]
        for (key, value) in node.members ?? [] {
            guard let condition = PriceCondition(rawValue: key) else {
                let known = PriceCondition.allCases.map(\.rawValue).joined(separator: ", ")
                fault(value, "there is no condition \(key); the conditions are \(known)")
                continue
            }
            found[condition] = names(value).map { $0.lowercased() }
            if found[condition]?.isEmpty == true { fault(value, "\(key) names no value") }
        }
        if node.members == nil { fault(node, "`when` is a mapping such as `service_tier: flex`") }
        return found
    }

    // MARK: Values

    private mutating func check(_ members: [(key: String, value: PriceNode)], _ known: Set<String>) {
        var seen: Set<String> = []
        for (key, value) in members {
            if !known.contains(key) { fault(value, "unknown key \(key); known here: \(known.sorted().joined(separator: ", "))") }
            if !seen.insert(key).inserted { fault(value, "\(key) is given twice") }
        }
    }

    private mutating func words(_ node: PriceNode) -> String? {
        guard let text = node.text, text.utf8.count <= PricingLimits.textBytes, !text.utf8.contains(where: { $0 < 0x20 }) else {
            fault(node, "this must be one line of text of at most \(PricingLimits.textBytes) bytes")
            return nil
        }
        return text
    }

    private mutating func names(_ node: PriceNode) -> [String] {
        let texts = (node.elements ?? []).map { $0.text ?? "" }
        let isGood = texts.allSatisfy { !$0.isEmpty && $0.utf8.count <= PricingLimits.nameBytes }
        guard isGood, node.elements != nil, texts.count <= PricingLimits.patterns else {
            fault(node, "this must be a name or a list of names")
            return []
        }
        return texts
    }

    private mutating func patterns(_ node: PriceNode) -> [ModelPattern] {
        var found: [ModelPattern] = []
        guard let elements = node.elements, elements.allSatisfy({ $0.text != nil }) else {
            fault(node, "this must be a model or a list of models")
            return []
        }
        for name in elements.flatMap({ ($0.text ?? "").split(separator: "|", omittingEmptySubsequences: false) }) {
            if let pattern = ModelPattern(String(name)) {
                found.append(pattern)
            } else {
                fault(node, "a model is a name without blanks; `*` stands for anything, `#` for a digit, `|` parts names")
            }
        }
        if found.count > PricingLimits.patterns { fault(node, "more than \(PricingLimits.patterns) models in one row") }
        return found
    }

    private mutating func day(_ node: PriceNode) -> String? {
        guard let text = node.text, text.utf8.count == 10, CalendarDay.us(text) != nil else {
            fault(node, "this must be a day such as 2026-11-29")
            return nil
        }
        return text
    }

    private mutating func instant(_ node: PriceNode) -> Int64? {
        guard let us = node.text.flatMap(CalendarDay.us) else {
            fault(node, "this must be a day such as 2026-11-29, or an instant such as 2026-11-29T16:00:00Z (UTC)")
            return nil
        }
        return us
    }

    private mutating func hours(_ node: PriceNode) -> DayWindow? {
        let ends = (node.text ?? "").split(separator: "-", omittingEmptySubsequences: false).map { SheetReader.minute($0) }
        guard ends.count == 2, let from = ends[0], let to = ends[1], let window = DayWindow(fromMinute: from, toMinute: to) else {
            fault(node, "`hours` must be two times of day in UTC, such as 16:30-00:30")
            return nil
        }
        return window
    }

    private static func minute(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }), let hour = Int(parts[0]), let rest = Int(parts[1])
        else {
            return nil
        }
        guard (0...24).contains(hour), (0..<60).contains(rest), hour * 60 + rest <= 1_440 else { return nil }
        return hour * 60 + rest
    }
}
