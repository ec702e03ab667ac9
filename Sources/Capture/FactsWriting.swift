// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// The facts of an exchange as the arena holds them (`notebooks-docs/formats/arena.md`): fixed integers, then texts with their lengths.
enum FactsFormat {
    static let absentTime = Int64.min
    static let absentText = UInt32.max
    /// The same text as the exchange's `upstream_url`.
    static let sameText = UInt32.max - 1
    static let noCode: UInt8 = 255
    static let attemptLimit = 64
    static let metadataLimit = 256
    /// Bytes of the fixed part: eight integers and eight small codes.
    static let fixedBytes = 72
    /// Bytes of an attempt's fixed part: seven integers, one code and padding.
    static let attemptBytes = 64
}

extension ByteStore {
    /// Writes the facts of an exchange over what the store held.
    mutating func writeFacts(_ exchange: borrowing CapturedExchange, isFinal: Bool) {
        count = 0
        reserve(FactsFormat.fixedBytes)
        store(exchange.requestReceivedUs ?? FactsFormat.absentTime)
        store(exchange.upstreamSentUs ?? FactsFormat.absentTime)
        store(exchange.firstByteUs ?? FactsFormat.absentTime)
        store(exchange.lastByteUs ?? FactsFormat.absentTime)
        store(exchange.endedUs ?? FactsFormat.absentTime)
        store(exchange.status.map(Int64.init) ?? FactsFormat.absentTime)
        store(exchange.requestBody.wireCount)
        store(exchange.responseBody.wireCount)
        var codes = UInt64(exchange.outcome.code)
        codes |= UInt64(exchange.errorSource.code) << 8
        codes |= UInt64(exchange.requestBody.kept.code) << 16
        codes |= UInt64(exchange.responseBody.kept.code) << 24
        if exchange.responseStream { codes |= 1 << 32 }
        if isFinal { codes |= 1 << 40 }
        codes |= UInt64(min(exchange.attempts.count, FactsFormat.attemptLimit)) << 48
        store(Int64(bitPattern: codes))
        put(exchange.upstreamURL)
        put(exchange.provider)
        put(exchange.api?.rawValue)
        put(exchange.deployment)
        put(exchange.errorCode)
        put(exchange.keyID)
        put(exchange.requestBody.sha256)
        put(exchange.responseBody.sha256)
        put(exchange.pathAttribution.environment)
        put(exchange.pathAttribution.task)
        let metadataCount = min(exchange.pathAttribution.metadata.count, FactsFormat.metadataLimit)
        put(Int64(metadataCount))
        for index in 0..<metadataCount {
            put(exchange.pathAttribution.metadata[index].name)
            put(exchange.pathAttribution.metadata[index].value)
        }
        for index in 0..<min(exchange.attempts.count, FactsFormat.attemptLimit) { write(exchange.attempts[index], of: exchange) }
    }

    private mutating func write(_ attempt: Attempt, of exchange: borrowing CapturedExchange) {
        reserve(FactsFormat.attemptBytes)
        store(Int64(attempt.n))
        store(attempt.startedUs)
        store(attempt.connectedUs ?? FactsFormat.absentTime)
        store(attempt.requestSentUs ?? FactsFormat.absentTime)
        store(attempt.firstByteUs ?? FactsFormat.absentTime)
        store(attempt.endedUs ?? FactsFormat.absentTime)
        store(attempt.status.map(Int64.init) ?? FactsFormat.absentTime)
        store(Int64(attempt.outcome?.code ?? FactsFormat.noCode))
        put(attempt.deployment)
        if attempt.upstreamURL == exchange.upstreamURL { put(length: FactsFormat.sameText) } else { put(attempt.upstreamURL) }
        put(attempt.retryReason)
    }

    private mutating func put(_ value: Int64) {
        reserve(8)
        store(value)
    }

    /// Appends an integer where there is room.
    @inline(__always)
    private mutating func store(_ value: Int64) {
        unsafe (base + count).storeBytes(of: value, as: Int64.self)
        count += 8
    }

    private mutating func put(length: UInt32) {
        reserve(4)
        unsafe (base + count).storeBytes(of: length, as: UInt32.self)
        count += 4
    }

    private mutating func put(_ text: String?) {
        guard var text else { return put(length: FactsFormat.absentText) }
        text.withUTF8 { bytes in
            put(length: UInt32(clamping: bytes.count))
            unsafe append(ByteRun(UnsafeRawBufferPointer(bytes)))
        }
    }
}

extension Outcome {
    /// The outcome's number in the arena.
    var code: UInt8 {
        switch self {
        case .completed: 0
        case .clientClosed: 1
        case .upstreamFailed: 2
        case .timedOut: 3
        case .refused: 4
        case .gatewayFailed: 5
        case .gatewayCrashed: 6
        case .truncated: 7
        }
    }

    /// The outcome of a number, or nil.
    init?(code: UInt8) {
        switch code {
        case 0: self = .completed
        case 1: self = .clientClosed
        case 2: self = .upstreamFailed
        case 3: self = .timedOut
        case 4: self = .refused
        case 5: self = .gatewayFailed
        case 6: self = .gatewayCrashed
        case 7: self = .truncated
        default: return nil
        }
    }

    /// The name as a JSON string.
    var literal: StaticString {
        switch self {
        case .completed: "\"completed\""
        case .clientClosed: "\"client_closed\""
        case .upstreamFailed: "\"upstream_failed\""
        case .timedOut: "\"timed_out\""
        case .refused: "\"refused\""
        case .gatewayFailed: "\"gateway_failed\""
        case .gatewayCrashed: "\"gateway_crashed\""
        case .truncated: "\"truncated\""
        }
    }
}

extension ErrorSource? {
    var code: UInt8 {
        switch self {
        case nil: 0
        case .gateway: 1
        case .provider: 2
        }
    }

    init(code: UInt8) { self = code == 1 ? .gateway : code == 2 ? .provider : nil }

    var literal: StaticString {
        switch self {
        case nil: "null"
        case .gateway: "\"gateway\""
        case .provider: "\"provider\""
        }
    }
}

extension BodyKept {
    var code: UInt8 {
        switch self {
        case .full: 0
        case .headTail: 1
        case .none: 2
        }
    }

    init?(code: UInt8) {
        switch code {
        case 0: self = .full
        case 1: self = .headTail
        case 2: self = .none
        default: return nil
        }
    }

    var literal: StaticString {
        switch self {
        case .full: "\"full\""
        case .headTail: "\"head_tail\""
        case .none: "\"none\""
        }
    }
}
