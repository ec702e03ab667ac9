// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel

/// Prices facts by a book.
package struct BookPricer: FactPricer {
    /// The prices in force.
    package let book: PriceBook

    /// A pricer of a book.
    package init(_ book: PriceBook = PriceBook([BuiltInPrices.sheet])) {
        self.book = book
    }

    /// The book's version.
    package var version: String { book.version }

    /// The cost of an exchange by the book; what the provider reported stays apart, and is the total only where the book prefers it.
    ///
    /// A total that was reported has a version that ends in `+reported`; the classes are still those of the book, where it has any.
    package func price(_ fact: ExchangeFact) -> FactPrice {
        var price = FactPrice(version: version, reason: .usageAbsent)
        if fact.reading.usageSource != .absent {
            price = book.price(PricedUsage(fact.reading.usage), BookPricer.query(of: fact))
        }
        price.cost.reportedNanousd = fact.reading.reportedCostNanousd ?? fact.cost.reportedNanousd
        guard let reported = price.cost.reportedNanousd, reported >= 0, prefersReported(fact.head.provider) else { return price }
        price.cost.totalNanousd = reported
        price.version = version + "+reported"
        price.reason = nil
        return price
    }

    private func prefersReported(_ provider: String) -> Bool {
        book.preferReported.contains("*") || book.preferReported.contains(provider)
    }

    /// What the price of a fact is looked up by.
    package static func query(of fact: ExchangeFact) -> PriceQuery {
        var models = [fact.reading.modelResponded, fact.reading.modelRequested].compactMap { $0 }
        // Bedrock answers with the bare model; what was asked for names the region, which the price depends on.
        if fact.head.provider == "bedrock" { models.reverse() }
        var query = PriceQuery(provider: fact.head.provider, models: models, atUs: fact.head.startedAtUs)
        query.setServiceTier(fact.reading.serviceTier)
        query.context[.region] = fact.head.upstreamURL.flatMap(region(in:))
        query.keyID = fact.head.keyID
        return query
    }

    /// The region that the host of Bedrock or Vertex AI names, or nil.
    static func region(in url: String) -> String? {
        let scheme = url.utf8.prefix { $0 != UInt8(ascii: ":") }
        let rest = url.utf8[scheme.endIndex...]
        guard rest.starts(with: "://".utf8) else { return nil }
        let bytes = rest.dropFirst(3).prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
        // Most hosts are of neither: told by their last bytes, since to compare characters costs more than the rest of a price.
        let last = bytes.suffix(14)
        guard last.elementsEqual(".amazonaws.com".utf8) || last.elementsEqual("googleapis.com".utf8) else { return nil }
        let host = Substring(bytes)
        guard host.hasSuffix(".amazonaws.com") || host.hasSuffix(".googleapis.com") else { return nil }
        let labels = host.split(separator: ".")
        if host.hasSuffix(".amazonaws.com"), labels.count >= 4, labels[0].hasPrefix("bedrock-runtime") {
            return String(labels[1])
        }
        let vertex = "-aiplatform"
        if host.hasSuffix(".googleapis.com"), let first = labels.first, first.hasSuffix(vertex) {
            return String(first.dropLast(vertex.count))
        }
        return nil
    }
}
