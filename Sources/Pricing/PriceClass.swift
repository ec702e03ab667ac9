// SPDX-License-Identifier: Apache-2.0
import ExchangeModel

/// What a price is for: a class of tokens, or something that is counted or measured.
package enum PriceClass: UInt8, CaseIterable, Sendable {
    case input, inputAudio, inputImage, inputVideo
    case cached, cachedAudio, cachedImage, cachedVideo
    case cacheWrite, cacheWrite5m, cacheWrite1h
    case output, outputAudio, outputImage, outputVideo, reasoning, citation
    case request, webSearch, fileSearch, codeExecution, searchUnit, page, image, character, second

    /// The name in price files.
    package var name: String { PriceClass.names[Int(rawValue)] }

    /// The class of a name in price files, or nil.
    package init?(name: String) {
        guard let index = PriceClass.names.firstIndex(of: name), let found = PriceClass(rawValue: UInt8(index)) else {
            return nil
        }
        self = found
    }

    private static let names = [
        "input", "input_audio", "input_image", "input_video", "cached", "cached_audio", "cached_image", "cached_video",
        "cache_write", "cache_write_5m", "cache_write_1h", "output", "output_audio", "output_image", "output_video", "reasoning",
        "citation", "request", "web_search", "file_search", "code_execution", "search_unit", "page", "image", "character",
        "second",
    ]

    /// Every name, for messages.
    package static var allNames: String { names.joined(separator: ", ") }

    /// How prices of the class are written and applied.
    package var unit: PriceUnit {
        switch self {
        case .request, .webSearch, .fileSearch, .codeExecution, .searchUnit, .page: .thousand
        case .image: .one
        case .second: .hour
        default: .million
        }
    }

    /// Whether the class counts tokens of the prompt or of the answer.
    package var isTokens: Bool { rawValue <= PriceClass.citation.rawValue }

    /// What models are sold by that are not sold by tokens: there is no cost without its count.
    static let measures: [PriceClass] = [.searchUnit, .page, .image, .character, .second]

    /// Whose price the class takes, nearest first, where a row has none for it.
    package var parents: [PriceClass] {
        switch self {
        case .inputAudio, .inputImage, .inputVideo, .cached, .cacheWrite: [.input]
        case .cachedAudio: [.cached, .inputAudio, .input]
        case .cachedImage: [.cached, .inputImage, .input]
        case .cachedVideo: [.cached, .inputVideo, .input]
        case .cacheWrite5m, .cacheWrite1h: [.cacheWrite, .input]
        case .outputAudio, .outputImage, .outputVideo, .reasoning, .citation: [.output]
        default: []
        }
    }

    /// Which of `costFields` the class is part of.
    var costIndex: Int {
        switch self {
        case .input, .inputAudio, .inputImage, .inputVideo, .page, .character, .second: 0
        case .cached, .cachedAudio, .cachedImage, .cachedVideo: 1
        case .cacheWrite, .cacheWrite5m, .cacheWrite1h: 2
        case .output, .outputAudio, .outputImage, .outputVideo, .citation, .image: 3
        case .reasoning: 4
        case .request, .webSearch, .fileSearch, .codeExecution, .searchUnit: 5
        }
    }

    /// The figures of a cost that are computed, in the order of their sum.
    static let costFields: [any WritableKeyPath<CostBreakdown, Int64?> & Sendable] = [
        \.inputNanousd, \.inputCachedNanousd, \.cacheWriteNanousd, \.outputNanousd, \.reasoningNanousd, \.toolsNanousd,
    ]
}

/// For how many units a price is written, as providers publish it.
package enum PriceUnit: Sendable {
    /// Dollars per million: tokens and characters.
    case million
    /// Dollars per thousand: calls and pages.
    case thousand
    /// Dollars for each.
    case one
    /// Dollars per hour, used by the second.
    case hour

    /// Decimal places between the dollar as it is written and the pico-dollar of the price.
    package var digits: Int {
        switch self {
        case .million: 6
        case .thousand: 9
        case .one, .hour: 12
        }
    }

    /// Units of use that the price is for.
    package var divisor: Int64 { self == .hour ? 3_600 : 1 }

    /// Words for a person.
    package var words: String {
        switch self {
        case .million: "a million"
        case .thousand: "a thousand"
        case .one: "each"
        case .hour: "an hour"
        }
    }
}
