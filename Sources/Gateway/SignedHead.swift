// SPDX-License-Identifier: Apache-2.0
package import HTTPWire
package import NIOCore

extension HeadRewriting {
    /// The request head for the provider, signed with the endpoint's AWS credentials.
    ///
    /// The caller's own `Authorization`, `X-Amz-Date`, `X-Amz-Security-Token` and `X-Amz-Content-SHA256` give way to new
    /// ones at the end, `Authorization` last; every other line stays. `Host`, `Content-Type` and `X-Amz-*` are signed.
    /// - Parameters:
    ///   - head: the caller's.
    ///   - route: where it goes; one that is not `isSigned` gives the plain head.
    ///   - bodySHA256: of the whole payload, transfer coding undone (`BodyHash`).
    ///   - unixSeconds: the time now.
    ///   - allocator: for the buffer.
    /// - Returns: the bytes, closing empty line included.
    package static func signedUpstreamHead(
        _ head: RequestHead, route: Route, bodySHA256: [UInt8], unixSeconds: Int64, allocator: ByteBufferAllocator
    ) -> ByteBuffer {
        guard let credentials = route.signing else { return upstreamHead(head, route: route, allocator: allocator) }
        let key = PlacedKey(route)
        let query: ArraySlice<UInt8>? =
            switch key.query(of: route) {
            case .none: route.query
            case .to(let changed): changed.map { $0[...] }
            }
        let added = SigV4.sign(
            method: head.method, path: route.path, query: query, headers: signedHeaders(head, route: route, key: key),
            bodySHA256: bodySHA256, unixSeconds: unixSeconds, credentials: credentials)
        var signature: [UInt8] = []
        for header in added {
            signature += header.name.utf8
            signature += ": ".utf8
            signature += header.value
            signature += "\r\n".utf8
        }
        var out = allocator.buffer(capacity: head.block.byteCount + signature.count + 256)
        writeRequestLine(head, route: route, key: key, to: &out)
        writeFields(head, route: route, key: key, signature: signature, to: &out)
        return out
    }

    /// The lines of the head to be sent that the signature covers.
    private static func signedHeaders(_ head: RequestHead, route: Route, key: PlacedKey) -> [SigV4.Header] {
        let block = head.block
        let dropped = block.connectionNames
        var headers: [SigV4.Header] = [(Array("host".utf8)[...], route.endpoint.hostLine.dropFirst(6).dropLast(2))]
        for field in block.fields {
            let name = block.name(field)
            guard SigV4.isSigned(name),
                case .passes = kind(of: field, block, route: route, key: key, dropped: dropped, isSigned: true)
            else { continue }
            headers.append((name, block.value(field)))
        }
        return headers
    }
}
