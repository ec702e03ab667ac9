// SPDX-License-Identifier: Apache-2.0

/// Sends requests one after the other over libcurl and keeps the connection between them.
///
/// World: thread. Made, used and let go on one thread; every request blocks it.
package final class OutboundSession {
    private let route: OutboundRoute
    private let handle: CurlHandle

    /// A session without a connection yet.
    ///
    /// - Parameter route: how requests leave this machine.
    /// - Throws: `OutboundError` where libcurl cannot be had.
    package init(route: OutboundRoute = OutboundRoute()) throws(OutboundError) {
        try OutboundClient.start()
        self.route = route
        handle = try CurlHandle()
    }

    /// Sends one request and waits for the whole answer; any status is an answer, as with `OutboundClient`.
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
        try OutboundClient.check(method, url, headers)
        let transfer = CurlTransfer(url: url, limits: limits, handle: handle, isKept: true)
        try transfer.prepare(method: method, url: url, headers: headers, body: body, route: route)
        return try transfer.run()
    }
}
