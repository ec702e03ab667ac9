// SPDX-License-Identifier: Apache-2.0
import Outbound
import Platform
import Testing

@Suite struct OutboundURLTests {
    @Test func showsSchemeHostAndPortOnly() {
        #expect(OutboundURL.shown("https://user:pw@api.example.com:8443/v1?key=secret#x") == "https://api.example.com:8443")
        #expect(OutboundURL.shown("http://[::1]:80/a@b") == "http://[::1]:80")
        #expect(OutboundURL.shown("http://a/?u=http://b@c") == "http://a")
    }
}
