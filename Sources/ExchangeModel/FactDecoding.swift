// SPDX-License-Identifier: Apache-2.0
import ByteCoding

extension ExchangeFact {
    /// Reads one line as written by `write(to:)`, as it stands in a facts sidecar; keys that are not known are ignored.
    ///
    /// - Parameter line: one JSON object, with or without its newline.
    /// - Throws: `RecordError`; never traps, whatever the bytes.
    package init(line: some Collection<UInt8>) throws(RecordError) {
        let reader = try RecordReader(line: line)
        let location = PayloadLocation(
            segment: try reader.requiredText("segment"), frame: try reader.integer("frame"), offset: try reader.integer("offset"))
        self.init(head: .blank, location: location)
        try head.read(reader)
        requestBodyBytes = try reader.integer("request_body_bytes")
        responseBodyBytes = try reader.integer("response_body_bytes")
        requestBody = try BodyShape(reader, side: "request")
        responseBody = try BodyShape(reader, side: "response")
        reading = try ExchangeReading(reader)
        overheadUs = try reader.optionalInteger("overhead_us")
        let costs = try reader.object("cost")
        for field in CostBreakdown.fields { cost[keyPath: field.path] = try costs.optionalInteger(field.key) }
        reading.reportedCostNanousd = cost.reportedNanousd
        priceVersion = try reader.text("price_version")
    }
}

extension BodyShape {
    init(_ reader: RecordReader, side: String) throws(RecordError) {
        self.init()
        encoding = try reader.requiredText("\(side)_body_encoding")
        contentCoding = try reader.text("\(side)_content_coding")
        guard let kept = try reader.named(BodyKept.self, "\(side)_body_kept") else {
            throw RecordError(code: .wrongType, detail: "\(side)_body_kept")
        }
        self.kept = kept
        sha256 = try reader.text("\(side)_body_sha256")
    }
}

extension ExchangeReading {
    init(_ reader: RecordReader) throws(RecordError) {
        self.init()
        modelRequested = try reader.text("model_requested")
        modelResponded = try reader.text("model_responded")
        streamRequested = reader.root["stream_requested"]?.bool ?? false
        ttftUs = try reader.optionalInteger("ttft_us")
        firstVisibleUs = try reader.optionalInteger("first_visible_us")
        if let rate = reader.root["tokens_per_second"], !rate.isNull {
            guard let value = rate.double else { throw RecordError(code: .wrongType, detail: "tokens_per_second") }
            tokensPerSecond = value
        }
        let counts = try reader.object("usage")
        for field in TokenUsage.fields { usage[keyPath: field.path] = try counts.optionalInteger(field.key) }
        guard let source = try reader.named(UsageSource.self, "usage_source") else {
            throw RecordError(code: .wrongType, detail: "usage_source")
        }
        usageSource = source
        finishReason = try reader.text("finish_reason")
        toolCalls = try reader.optionalInteger("tool_calls")
        serviceTier = try reader.text("service_tier")
        providerError = try reader.text("provider_error")
    }
}

extension RecordReader {
    func object(_ key: String) throws(RecordError) -> RecordReader {
        guard let node = root[key] else { throw RecordError(code: .missingKey, detail: key) }
        guard node.kind == .object else { throw RecordError(code: .wrongType, detail: key) }
        return RecordReader(root: node)
    }
}
