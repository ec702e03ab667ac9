// SPDX-License-Identifier: Apache-2.0

/// `report.html`: one page without anything from elsewhere; a function of the figures alone.
enum DatasetPage {
    /// The page's bytes.
    ///
    /// - Parameters:
    ///   - figures: what to draw.
    ///   - report: the counts at its top.
    /// - Returns: UTF-8.
    static func html(_ figures: DatasetFigures, _ report: DatasetReport) -> [UInt8] {
        var page = HTMLText()
        page.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>")
        page.text("Data set \(figures.name)")
        page.raw("</title><style>\(style)</style></head><body><main>\n<h1>")
        page.text("Data set \(figures.name)")
        page.raw("</h1>\n")
        numbers(report, &page)
        for warning in figures.warnings {
            page.raw("<p class=\"warning\">")
            page.text(warning)
            page.raw("</p>\n")
        }
        let carried =
            report.carriedRows > 0 ? " \(report.carriedRows) eval rows more were taken over from the data set before." : ""
        section(
            "Where every exchange went", "Of \(report.seen) exchanges, each is a row or was dropped under one reason.\(carried)",
            &page)
        BarChart(series: ["exchanges"]).draw(figures.funnel, &page)
        section("Strata", "Training rows kept, of those available.", &page)
        BarChart(series: ["kept", "available"]).draw(figures.strata, &page)
        section("Length of prompts", "Tokens of user and tool turns.", &page)
        BarChart(series: ["train", "eval"]).draw(figures.lengths, &page)
        section("Hardness of eval rows", "From 0 (like the others of its task) to 1.", &page)
        BarChart(series: ["eval rows"]).draw(figures.hardness, &page)
        if !figures.neighbours.isEmpty { neighbours(figures, &page) }
        if !figures.redactions.isEmpty {
            section("Redacted values", "Counted, never shown.", &page)
            BarChart(series: ["values"]).draw(figures.redactions, &page)
        }
        if !figures.flags.isEmpty {
            section("Flags", "Rows that a quality filter leaves and points at.", &page)
            BarChart(series: ["rows"]).draw(figures.flags, &page)
        }
        if !report.files.allSatisfy(\.isUsual) { exports(report.files, &page) }
        section("Examples", "", &page)
        for entry in figures.examples { example(entry, &page) }
        page.raw("</main></body></html>\n")
        return page.bytes
    }

    private static func neighbours(_ figures: DatasetFigures, _ page: inout HTMLText) {
        let rows = figures.neighbours.reduce(0) { $0 + $1.count }
        section(
            "Nearest training row of each eval row",
            "How much of their shingles it shares with it, in the view in which that is more: of the smaller of the two (at 50 % the gate keeps the training row out), and as Jaccard index. Counted exactly, of \(rows) eval rows.",
            &page)
        BarChart(series: ["of the smaller", "Jaccard"]).draw(figures.neighbours, &page)
    }

    private static func exports(_ files: [ExportFigure], _ page: inout HTMLText) {
        section(
            "Files by format",
            "Rows in each file, and beside it rows that the format cannot say; pairs in files of pairs. lineage.jsonl names them.",
            &page)
        BarChart(series: ["rows", "left out"]).draw(files.map { FigureBar($0.file, $0.rows, other: $0.left) }, &page)
        for file in files {
            for (words, bars) in [("left out", file.refused), ("changed", file.changes)] where !bars.isEmpty {
                page.raw("<p>")
                page.text("\(file.file), \(words): \(bars.map { "\($0.label) \($0.count)" }.joined(separator: ", "))")
                page.raw("</p>\n")
            }
        }
    }

    private static func numbers(_ report: DatasetReport, _ page: inout HTMLText) {
        let cells: [(String, Int64)] = [
            ("training rows", report.trainRows), ("eval rows", report.evalRows), ("groups", report.groups),
            ("conversations", report.conversations), ("exchanges seen", report.seen),
        ]
        page.raw("<div class=\"numbers\">")
        for (label, count) in cells {
            page.raw("<div><b>\(count)</b><span>")
            page.text(label)
            page.raw("</span></div>")
        }
        page.raw("</div>\n")
    }

    private static func section(_ title: String, _ words: String, _ page: inout HTMLText) {
        page.raw("<h2>")
        page.text(title)
        page.raw("</h2>\n")
        guard !words.isEmpty else { return }
        page.raw("<p>")
        page.text(words)
        page.raw("</p>\n")
    }

    private static func example(_ example: FigureExample, _ page: inout HTMLText) {
        page.raw("<article><h3>")
        page.text("\(example.side.rawValue): \(example.record)")
        page.raw("</h3>")
        if !example.note.isEmpty {
            page.raw("<p>")
            page.text(example.note)
            page.raw("</p>")
        }
        for (label, text) in [("prompt", example.prompt), ("answer", example.answer)] {
            page.raw("<h4>\(label)</h4><pre>")
            page.text(text)
            page.raw("</pre>")
        }
        page.raw("</article>\n")
    }

    private static let style = """
        :root{color-scheme:light dark;--ink:#1c2733;--dim:#5d6b7a;--line:#d8dee5;--one:#2f6fb3;--two:#b8c9da;--bad:#a3471d;--paper:#fff}\
        @media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--dim:#9aa8b6;--line:#33404d;--one:#6aa9e8;--two:#43566a;--bad:#f0a37c;--paper:#12181f}}\
        body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}main{max-width:60rem;margin:0 auto;padding:2rem 1rem}\
        h1{font-size:1.6rem}h2{margin-top:2.4rem;font-size:1.15rem}p,span,h4{color:var(--dim)}.warning{color:var(--bad)}\
        .numbers{display:flex;flex-wrap:wrap;gap:1.5rem}.numbers div{display:flex;flex-direction:column}.numbers b{font-size:1.5rem}\
        svg text{font:12px system-ui,sans-serif;fill:var(--ink)}svg .dim{fill:var(--dim)}.one{fill:var(--one)}.two{fill:var(--two)}\
        article{border-top:1px solid var(--line);padding:.5rem 0}h3{font-size:.95rem}h4{margin:.3rem 0;font-size:.8rem}\
        pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:0;font:12px/1.5 ui-monospace,monospace}
        """
}

/// Text that becomes HTML: what comes from traffic is escaped.
struct HTMLText {
    private(set) var bytes: [UInt8] = []

    /// Adds markup of ours.
    mutating func raw(_ markup: String) { bytes += Array(markup.utf8) }

    /// Adds text; control characters but line ends and tabs become U+FFFD.
    mutating func text(_ text: String) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): raw("&amp;")
            case UInt8(ascii: "<"): raw("&lt;")
            case UInt8(ascii: ">"): raw("&gt;")
            case UInt8(ascii: "\""): raw("&quot;")
            case 0x09, 0x0A: bytes.append(byte)
            case 0..<0x20, 0x7F: raw("\u{FFFD}")
            default: bytes.append(byte)
            }
        }
    }
}

/// Horizontal bars, one a line, with the count behind each.
struct BarChart {
    /// What the bars count: one or two kinds.
    let series: [String]

    private static let (labelWidth, barWidth, lineHeight) = (360, 420, 22)

    /// Draws the bars, the longest as wide as the picture; words where there is nothing to draw.
    func draw(_ bars: [FigureBar], _ page: inout HTMLText) {
        let longest = bars.map { max($0.count, $0.other ?? 0) }.max() ?? 0
        guard longest > 0 else { return page.raw("<p>Nothing to show.</p>\n") }
        let (width, height) = (BarChart.labelWidth + BarChart.barWidth + 130, bars.count * BarChart.lineHeight + 24)
        page.raw("<svg viewBox=\"0 0 \(width) \(height)\" width=\"100%\" role=\"img\">")
        legend(&page)
        for (line, bar) in bars.enumerated() { draw(bar, y: line * BarChart.lineHeight + 24, longest, &page) }
        page.raw("</svg>\n")
    }

    private func legend(_ page: inout HTMLText) {
        for (place, name) in series.enumerated() where series.count > 1 {
            let x = BarChart.labelWidth + place * 110
            page.raw(
                "<rect class=\"\(place == 0 ? "one" : "two")\" x=\"\(x)\" y=\"4\" width=\"10\" height=\"10\"/><text class=\"dim\" x=\"\(x + 16)\" y=\"13\">"
            )
            page.text(name)
            page.raw("</text>")
        }
    }

    private func draw(_ bar: FigureBar, y: Int, _ longest: Int64, _ page: inout HTMLText) {
        page.raw("<text x=\"\(BarChart.labelWidth - 10)\" y=\"\(y + 13)\" text-anchor=\"end\">")
        page.text(bar.label)
        page.raw("</text>")
        let two = bar.other
        if let two { rectangle("two", two, y: y + 10, height: 7, longest, &page) }
        rectangle("one", bar.count, y: y + 2, height: two == nil ? 14 : 8, longest, &page)
        let end = BarChart.labelWidth + max(wide(bar.count, longest), wide(two ?? 0, longest)) + 8
        page.raw("<text class=\"dim\" x=\"\(end)\" y=\"\(y + 13)\">\(bar.count)\(two.map { " / \($0)" } ?? "")</text>")
    }

    private func rectangle(_ kind: String, _ count: Int64, y: Int, height: Int, _ longest: Int64, _ page: inout HTMLText) {
        let width = wide(count, longest)
        page.raw(
            "<rect class=\"\(kind)\" x=\"\(BarChart.labelWidth)\" y=\"\(y)\" width=\"\(width)\" height=\"\(height)\" rx=\"2\"/>")
    }

    /// How wide a bar is; what is not nothing is seen.
    private func wide(_ count: Int64, _ longest: Int64) -> Int {
        count == 0 ? 0 : max(2, Int(Int64(BarChart.barWidth) * count / longest))
    }
}
