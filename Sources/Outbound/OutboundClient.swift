// SPDX-License-Identifier: Apache-2.0
import CCurl
import Platform
import Synchronization

/// Sends requests over libcurl, each on a connection of its own; `OutboundSession` keeps them.
///
/// World: thread. `request` blocks and takes its time: call it on a thread of your own, or use `requestOffPool` from a task.
package struct OutboundClient: Sendable {
    /// How requests leave this machine.
    package let route: OutboundRoute

    /// A client for a route.
    package init(route: OutboundRoute = OutboundRoute()) {
        self.route = route
    }

    /// The version of libcurl and of its TLS library, as in `libcurl/7.88.1 OpenSSL/3.0.19`.
    package static var version: String {
        guard let text = unsafe curl_version() else { return "unknown" }
        return unsafe String(cString: text).split(separator: " ").prefix(2).joined(separator: " ")
    }

    /// Sends one request and waits for the whole answer; any status is an answer.
    ///
    /// TLS certificates and names are always checked. Redirects are not followed unless `limits` allow some.
    ///
    /// - Parameters:
    ///   - method: `GET`, `HEAD`, `POST`, ...
    ///   - url: http or https.
    ///   - headers: sent as they are; libcurl adds `Host` and the framing.
    ///   - body: none where it is nil.
    ///   - limits: bounds of time and size.
    /// - Returns: the answer.
    /// - Throws: `OutboundError`.
    package func request(
        _ method: String, _ url: String, headers: [OutboundHeader] = [], body: [UInt8]? = nil,
        limits: OutboundLimits = OutboundLimits()
    ) throws(OutboundError) -> OutboundResponse {
        try OutboundClient.start()
        try OutboundClient.check(method, url, headers)
        let transfer = CurlTransfer(url: url, limits: limits, handle: try CurlHandle(), isKept: false)
        try transfer.prepare(method: method, url: url, headers: headers, body: body, route: route)
        return try transfer.run()
    }

    /// The same from a task, on a thread of its own.
    ///
    /// - Parameters:
    ///   - method: `GET`, `HEAD`, `POST`, ...
    ///   - url: http or https.
    ///   - headers: sent as they are.
    ///   - body: none where it is nil.
    ///   - limits: bounds of time and size.
    /// - Returns: the answer.
    /// - Throws: `OutboundError`.
    package func requestOffPool(
        _ method: String, _ url: String, headers: [OutboundHeader] = [], body: [UInt8]? = nil,
        limits: OutboundLimits = OutboundLimits()
    ) async throws -> OutboundResponse {
        try await withCheckedThrowingContinuation { continuation in
            do throws(PlatformError) {
                _ = try OwnedThread(name: "weir-outbound") {
                    continuation.resume(
                        with: Result { try self.request(method, url, headers: headers, body: body, limits: limits) })
                }
            } catch {
                continuation.resume(throwing: OutboundError(.other, "no thread for the request: \(error)"))
            }
        }
    }

    private static let isStarted = Mutex(false)

    /// libcurl is not to be initialised by two threads at once.
    static func start() throws(OutboundError) {
        let isReady = isStarted.withLock { started in
            if !started { started = weir_curl_global_init() == CURLE_OK }
            return started
        }
        guard isReady else { throw OutboundError(.other, "libcurl cannot be initialised") }
    }

    static func check(_ method: String, _ url: String, _ headers: [OutboundHeader]) throws(OutboundError) {
        let scheme = url.prefix { $0 != ":" }.lowercased()
        guard scheme == "http" || scheme == "https" else { throw OutboundError(.badRequest, "the URL must be http or https") }
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw OutboundError(.badRequest, "the URL may hold visible ASCII characters only")
        }
        guard !method.isEmpty, method.utf8.allSatisfy({ (0x41...0x5A).contains($0) }) else {
            throw OutboundError(.badRequest, "the method must be capital letters")
        }
        for header in headers {
            let isName = !header.name.isEmpty && header.name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x3A }
            let isValue = !header.value.utf8.contains { $0 == 0x0A || $0 == 0x0D || $0 == 0 }
            guard isName, isValue else {
                throw OutboundError(.badRequest, "a header cannot be sent: its name or its value holds what no header may")
            }
        }
    }
}
