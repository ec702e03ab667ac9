// SPDX-License-Identifier: Apache-2.0
import Dialects
import ExchangeModel

/// An exchange written for a test; its answer arrives one byte a microsecond, the byte at offset n at n + 1.
struct Exchange {
    var api: APIFamily? = .openaiChat
    var path = "/"
    var request = #"{"model":"m-1","stream":true}"#
    var answer: String
    var status = 200
    var isStream = true
    var errorSource: ErrorSource?

    var record: ExchangeRecord {
        var head = ExchangeHead(
            id: ExchangeID(milliseconds: 0, random: (0, 0)), node: "n", startedAtUs: 0, method: "POST", path: path)
        head.api = api
        head.status = status
        head.errorSource = errorSource
        head.responseStream = isStream
        var record = ExchangeRecord(head: head)
        record.requestBody = RecordedBody(content: Array(request.utf8), wireByteCount: 0)
        record.responseBody = RecordedBody(content: Array(answer.utf8), wireByteCount: 0)
        record.responseChunks = (0..<Int64(answer.utf8.count)).map { ChunkArrival(offset: $0, timeUs: $0 + 1) }
        return record
    }

    var reading: ExchangeReading { ExchangeReader.read(record) }

    /// A stream of data lines, each with its blank line.
    static func events(_ data: [String]) -> String { data.map { "data: \($0)\n\n" }.joined() }

    /// The arrival of the last byte of the event that holds `text`, found without the reader.
    func arrival(of text: String) -> Int64? {
        var end = 0
        for block in answer.split(separator: "\n\n", omittingEmptySubsequences: false) {
            end += block.utf8.count + 2
            if block.contains(text) { return Int64(end) }
        }
        return nil
    }
}
