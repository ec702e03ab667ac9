// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Dialects
import HTTPWire
import NIOCore

/// What became of the answer to a request that was made to ask, where its usage is to be kept from the caller.
enum UsageStrippingResult: String, CaseIterable {
    /// The chunk was taken out.
    case stripped
    /// The stream had none: it told its usage elsewhere, or broke off before.
    case absent
    /// The stream has a content coding: it passes whole.
    case coded
    /// The answer states its length, which cannot be taken back: it passes whole.
    case statedLength = "stated_length"
    /// A header vouches for its bytes: it passes whole.
    case vouched
    /// The caller left before the stream was over.
    case callerGone = "caller_gone"
    /// The answer is no event stream: an error, as a rule.
    case notStream = "not_stream"
}

/// Passes an event stream on to the caller without its usage chunk.
///
/// World: loop. Payload comes in and goes out as it comes; a stream that came in chunks leaves in chunks of Weir's own.
final class UsageStripping {
    private var filter = UsageChunkFilter()
    private let inChunks: Bool

    /// Whether the usage chunk of an answer can be taken out, told by its head.
    ///
    /// - Returns: nil where it can.
    static func obstacle(_ answer: ResponseHead) -> UsageStrippingResult? {
        guard answer.status == 200, let type = answer.block.first(.contentType),
            ASCII.hasPrefixIgnoringCase(type, "text/event-stream")
        else { return .notStream }
        if let coding = answer.block.first(.contentEncoding), !ASCII.equalsIgnoringCase(coding, "identity") { return .coded }
        if UsageAsking.isVouchedFor(answer.block) { return .vouched }
        switch answer.framing {
        case .chunked, .untilClose: return nil
        case .none, .length: return .statedLength
        }
    }

    /// - Parameter inChunks: whether the caller gets the body in chunks.
    init(inChunks: Bool) { self.inChunks = inChunks }

    var result: UsageStrippingResult { filter.strippedCount > 0 ? .stripped : .absent }

    /// Passes on what passes of a run.
    func pass(_ bytes: ByteBuffer, to caller: DownstreamHandler) {
        unsafe bytes.withUnsafeReadableBytes { raw in
            unsafe filter.take(ByteRun(raw)) { passing in
                switch passing {
                case .held(let held): write(ByteBuffer(bytes: held), to: caller)
                case .run(let range):
                    guard let slice = bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count)
                    else { return }
                    write(slice, to: caller)
                }
            }
        }
    }

    /// Passes on what was held, and the ending where the stream is whole.
    ///
    /// - Parameters:
    ///   - isWhole: whether the stream came to its end.
    ///   - ending: the closing chunk and trailers.
    ///   - caller: gets them.
    func finish(isWhole: Bool, ending: ByteBuffer?, to caller: DownstreamHandler) {
        let held = filter.finish(isWhole: isWhole)
        if !held.isEmpty { write(ByteBuffer(bytes: held), to: caller) }
        if inChunks, let ending { caller.write(ending) }
    }

    private func write(_ bytes: ByteBuffer, to caller: DownstreamHandler) {
        guard inChunks else { return caller.write(bytes) }
        caller.write(ByteBuffer(string: String(bytes.readableBytes, radix: 16) + "\r\n"))
        caller.write(bytes)
        caller.write(ByteBuffer(staticString: "\r\n"))
    }
}
