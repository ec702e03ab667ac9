// SPDX-License-Identifier: Apache-2.0
import CCurl
import Platform

/// Where the answer's bytes go, within limits; used by one thread.
final class AnswerSink {
    let limit: Int
    var bytes: [UInt8] = []
    var isFull = false
    /// When the request began, where arrivals are to be noted.
    var startedUs: Int64?
    var arrivals: [OutboundArrival] = []

    init(limit: Int) { self.limit = limit }

    /// Takes bytes; false where they are too many.
    func take(_ more: UnsafeRawBufferPointer) -> Bool {
        guard more.count <= limit - bytes.count else {
            isFull = true
            return false
        }
        if let startedUs, arrivals.count < OutboundLimits.arrivalsMax, more.count > 0 {
            arrivals.append(OutboundArrival(offset: bytes.count, timeUs: SystemClock().monotonicUs - startedUs))
        }
        unsafe bytes.append(contentsOf: more)
        return true
    }
}

/// One libcurl handle with the connections it keeps; made, used and let go on one thread.
@safe final class CurlHandle {
    let pointer: UnsafeMutableRawPointer

    init() throws(OutboundError) {
        guard let made = unsafe curl_easy_init() else { throw OutboundError(.other, "libcurl has no memory for a request") }
        unsafe pointer = made
    }

    deinit { unsafe curl_easy_cleanup(pointer) }
}

/// One request on a libcurl handle; made, used and let go on one thread.
@safe final class CurlTransfer {
    private let kept: CurlHandle
    private var handle: UnsafeMutableRawPointer { unsafe kept.pointer }
    private var lines: UnsafeMutablePointer<curl_slist>?
    private let body: AnswerSink
    private let head: AnswerSink
    private let shown: String
    /// Kept for as long as the handle may read them.
    private var sent: [UInt8] = []
    private var authorities: [UInt8] = []

    /// A request on a handle; `isKept` leaves the connection open for the next one.
    init(url: String, limits: OutboundLimits, handle: CurlHandle, isKept: Bool) {
        kept = handle
        unsafe curl_easy_reset(handle.pointer)
        body = AnswerSink(limit: max(0, limits.bodyBytes))
        head = AnswerSink(limit: max(0, limits.headBytes))
        shown = OutboundURL.shown(url)
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        set(CURLOPT_FORBID_REUSE, isKept ? 0 : 1)
        set(CURLOPT_CONNECTTIMEOUT_MS, max(1, limits.connectMilliseconds))
        set(CURLOPT_TIMEOUT_MS, max(1, limits.totalMilliseconds))
        set(CURLOPT_FOLLOWLOCATION, limits.redirects > 0 ? 1 : 0)
        set(CURLOPT_MAXREDIRS, max(0, limits.redirects))
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
    }

    deinit {
        // The handle may live on, and must not read what goes away here.
        unsafe curl_easy_reset(handle)
        unsafe curl_slist_free_all(lines)
    }

    private func set(_ option: CURLoption, _ value: Int) { _ = unsafe weir_curl_set_long(handle, option, value) }
    private func set(_ option: CURLoption, _ value: String) { _ = unsafe weir_curl_set_text(handle, option, value) }

    /// Says what is to be sent, and how.
    func prepare(
        method: String, url: String, headers: [OutboundHeader], body: [UInt8]?, route: OutboundRoute
    ) throws(OutboundError) {
        set(CURLOPT_URL, url)
        if method == "HEAD" {
            set(CURLOPT_NOBODY, 1)
        } else if let body {
            sent = body
            set(CURLOPT_POST, 1)
            _ = unsafe weir_curl_set_size(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(sent.count))
            _ = unsafe sent.withUnsafeBytes { unsafe weir_curl_set_pointer(handle, CURLOPT_COPYPOSTFIELDS, $0.baseAddress) }
        }
        if method != "HEAD" { set(CURLOPT_CUSTOMREQUEST, method) }
        // No "Expect: 100-continue", no content type of libcurl's own.
        for line in ["Expect:", "Content-Type:"] + headers.map({ $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }) {
            unsafe lines = curl_slist_append(lines, line)
        }
        _ = unsafe weir_curl_set_list(handle, CURLOPT_HTTPHEADER, lines)
        setProxy(route.proxy)
        try setAuthorities(route)
        let sink: weir_curl_sink = { bytes, size, count, context in
            guard let context = unsafe context else { return 0 }
            let sink = unsafe Unmanaged<AnswerSink>.fromOpaque(context).takeUnretainedValue()
            let (total, overflow) = size.multipliedReportingOverflow(by: count)
            guard !overflow, unsafe sink.take(UnsafeRawBufferPointer(start: bytes, count: total)) else { return 0 }
            return total
        }
        _ = unsafe weir_curl_set_sink(handle, CURLOPT_WRITEFUNCTION, sink)
        _ = unsafe weir_curl_set_pointer(handle, CURLOPT_WRITEDATA, Unmanaged.passUnretained(self.body).toOpaque())
        _ = unsafe weir_curl_set_sink(handle, CURLOPT_HEADERFUNCTION, sink)
        _ = unsafe weir_curl_set_pointer(handle, CURLOPT_HEADERDATA, Unmanaged.passUnretained(head).toOpaque())
    }

    private func setProxy(_ proxy: OutboundRoute.Proxy) {
        switch proxy {
        case .environment: break
        case .direct: set(CURLOPT_PROXY, "")
        case .fixed(let address, let noProxy):
            set(CURLOPT_PROXY, address)
            set(CURLOPT_NOPROXY, noProxy)
        }
    }

    /// The system's bundle and the extra files in one blob, for libcurl takes one.
    private func setAuthorities(_ route: OutboundRoute) throws(OutboundError) {
        guard !route.extraCAFiles.isEmpty else { return }
        for path in [route.systemCAFile] + route.extraCAFiles {
            do throws(PlatformError) {
                authorities += try PosixFileSystem().readFile(path, limit: 8 << 20)
                authorities.append(UInt8(ascii: "\n"))
            } catch {
                throw OutboundError(.badRequest, "the authority file \(path) cannot be read: \(error.message)")
            }
        }
        unsafe authorities.withUnsafeMutableBytes { bytes in
            var blob = unsafe curl_blob(data: bytes.baseAddress, len: bytes.count, flags: UInt32(CURL_BLOB_COPY))
            _ = unsafe weir_curl_set_pointer(handle, CURLOPT_CAINFO_BLOB, &blob)
        }
    }

    /// Sends and waits.
    func run() throws(OutboundError) -> OutboundResponse {
        self.body.startedUs = SystemClock().monotonicUs
        let code = unsafe curl_easy_perform(handle)
        guard code == CURLE_OK else { throw failure(code) }
        var status = 0
        _ = unsafe weir_curl_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
        guard (100...599).contains(status) else { throw OutboundError(.brokenAnswer, "\(shown) did not answer in HTTP") }
        return OutboundResponse(
            status: status, headers: CurlTransfer.headers(head.bytes), body: body.bytes, timings: timings(),
            arrivals: body.arrivals)
    }

    private func timings() -> OutboundTimings {
        func read(_ info: CURLINFO) -> Int64? {
            var value: curl_off_t = 0
            guard unsafe weir_curl_get_size(handle, info, &value) == CURLE_OK, value > 0 else { return nil }
            return Int64(value)
        }
        return OutboundTimings(
            nameLookupUs: read(CURLINFO_NAMELOOKUP_TIME_T), connectUs: read(CURLINFO_CONNECT_TIME_T),
            tlsUs: read(CURLINFO_APPCONNECT_TIME_T), firstByteUs: read(CURLINFO_STARTTRANSFER_TIME_T),
            totalUs: read(CURLINFO_TOTAL_TIME_T) ?? 0)
    }

    /// The lines of the last head.
    private static func headers(_ bytes: [UInt8]) -> [OutboundHeader] {
        var found: [OutboundHeader] = []
        for raw in bytes.split(separator: UInt8(ascii: "\n")) {
            let line = String(decoding: raw.last == 13 ? raw.dropLast() : raw, as: UTF8.self)
            if line.hasPrefix("HTTP/") {
                found = []
            } else if let colon = line.firstIndex(of: ":") {
                let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
                found.append(OutboundHeader(String(line[..<colon]), String(value)))
            }
        }
        return found
    }

    private func failure(_ code: CURLcode) -> OutboundError {
        if body.isFull { return OutboundError(.tooLarge, "the answer of \(shown) is larger than \(body.limit) bytes") }
        if head.isFull { return OutboundError(.tooLarge, "the answer head of \(shown) is larger than \(head.limit) bytes") }
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST: return OutboundError(.nameNotFound, "the name in \(shown) has no address")
        case CURLE_COULDNT_RESOLVE_PROXY: return OutboundError(.proxyFailed, "the proxy's name has no address")
        case CURLE_COULDNT_CONNECT: return OutboundError(.connectFailed, "nothing accepts connections at \(shown)")
        case CURLE_PROXY: return OutboundError(.proxyFailed, "the proxy on the way to \(shown) refused")
        case CURLE_OPERATION_TIMEDOUT: return OutboundError(.timedOut, "\(shown) took longer than allowed")
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR:
            return OutboundError(.tlsFailed, "TLS with \(shown) failed: \(reason(code))")
        case CURLE_TOO_MANY_REDIRECTS: return OutboundError(.tooManyRedirects, "\(shown) redirects more often than allowed")
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL:
            return OutboundError(.badRequest, "the URL cannot be used: \(reason(code))")
        case CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_WEIRD_SERVER_REPLY:
            return OutboundError(.brokenAnswer, "\(shown) broke the answer off: \(reason(code))")
        default: return OutboundError(.other, "the request to \(shown) failed: \(reason(code))")
        }
    }

    /// libcurl's general words for a code, which hold nothing of the request.
    private func reason(_ code: CURLcode) -> String {
        guard let text = unsafe curl_easy_strerror(code) else { return "code \(code.rawValue)" }
        return unsafe String(cString: text)
    }
}
