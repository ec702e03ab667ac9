// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOHTTP2

/// Makes a connection that has agreed on HTTP/2 carry streams, each a channel with a bridge and a `DownstreamHandler`.
enum HTTP2Pipeline {
    /// Adds the handlers of HTTP/2; called on the connection's loop, after the TLS handshake.
    static func build(_ channel: any Channel, loop: GatewayLoop, connection: ListenerConnection) throws {
        // A caller that says goodbye below HTTP/2 has gone; without this, TLS would wait for more from it.
        try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: false)
        let end = HTTP2ConnectionEnd(loop: loop, connection: connection)
        let state = NIOLoopBound(loop, eventLoop: channel.eventLoop)
        let handler = NIOHTTP2Handler(
            mode: .server, eventLoop: channel.eventLoop, connectionConfiguration: connectionConfiguration(loop.limits),
            streamConfiguration: streamConfiguration(loop.limits.listener),
            streamDelegate: StreamCount(end: NIOLoopBound(end, eventLoop: channel.eventLoop))
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                let loop = state.value
                let bridge = HTTP2StreamBridge(stalledMilliseconds: loop.limits.stalledCallerMilliseconds)
                try stream.pipeline.syncOperations.addHandlers([bridge, DownstreamHandler(loop: loop)])
            }
        }
        try channel.pipeline.syncOperations.addHandlers([handler, end])
        connection.beginHTTP2(end)
    }

    private static func connectionConfiguration(_ gateway: GatewayLimits) -> NIOHTTP2Handler.ConnectionConfiguration {
        let limits = gateway.listener
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        configuration.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: limits.streamsPerConnection),
            // Twice what a head may have: one that is too large is refused by name, and only one that is far too large ends the connection.
            HTTP2Setting(parameter: .maxHeaderListSize, value: gateway.headBytes * 2),
            HTTP2Setting(parameter: .initialWindowSize, value: limits.streamWindowBytes),
        ]
        // Streams whose provider takes nothing must not stop the others of the connection.
        configuration.targetWindowSize = limits.streamWindowBytes * 8
        // A list as large as is taken, in the smallest frames that a peer may be held to.
        configuration.maximumSequentialContinuationFrames = max(16, gateway.headBytes * 2 / 16_384 + 1)
        configuration.maximumSequentialEmptyDataFrames = 16
        configuration.controlFrameRateLimit.maximumCount = limits.controlFrames
        configuration.maximumBufferedControlFrames = limits.controlFrames
        return configuration
    }

    private static func streamConfiguration(_ limits: ListenerLimits) -> NIOHTTP2Handler.StreamConfiguration {
        var configuration = NIOHTTP2Handler.StreamConfiguration()
        configuration.targetWindowSize = limits.streamWindowBytes
        configuration.outboundBufferSizeHighWatermark = 65_536
        configuration.outboundBufferSizeLowWatermark = 32_768
        configuration.streamResetFrameRateLimit.maximumCount = limits.streamResets
        configuration.streamErrorRateLimit.maximumCount = limits.streamResets
        return configuration
    }

    /// Tells the connection of streams that come and go.
    private struct StreamCount: NIOHTTP2StreamDelegate {
        let end: NIOLoopBound<HTTP2ConnectionEnd>

        func streamCreated(_ id: HTTP2StreamID, channel: any Channel) { end.value.streamBegan(id) }

        func streamClosed(_ id: HTTP2StreamID, channel: any Channel) { end.value.streamEnded() }
    }
}
