// SPDX-License-Identifier: Apache-2.0

/// Where credentials travel: header names and query parameters, lower case.
package enum CredentialRules {
    /// What stands in a record in place of a credential.
    package static let mark = "[redacted]"

    private static let headers: Set<String> = [
        "authorization", "proxy-authorization", "x-api-key", "x-goog-api-key", "api-key", "x-inference-provider-api-key",
        "x-inference-observability-api-key", "x-inference-project-api-key", "cookie", "set-cookie", "x-amz-security-token",
        "x-auth-token",
        "x-access-token", "ocp-apim-subscription-key", "x-goog-iam-authorization-token", "x-portkey-api-key", "helicone-auth",
        "x-auth",
    ]
    /// Vendors make up names of their own; these endings say what they are.
    private static let headerEndings = [
        "api-key", "apikey", "authorization", "-token", "-secret", "-access-key", "-auth-key",
        "-subscription-key", "-functions-key", "-secret-key", "-master-key", "-password",
    ]
    private static let urlHeaders: Set<String> = ["x-inference-provider-url", "location", "content-location", "referer"]
    private static let parameters: Set<String> = [
        "key", "api_key", "api-key", "apikey", "access_token", "token", "sig", "signature", "client_secret", "password",
        "x-amz-signature",
        "x-amz-credential", "x-amz-security-token", "x-goog-signature", "x-goog-credential", "x-api-key", "x-goog-api-key",
        "auth",
        "auth_token", "authorization", "secret", "secret_key", "access_key", "accesskey", "subscription-key", "private_token",
        "refresh_token", "id_token", "session_token", "api_token", "api-token", "passwd", "pwd", "jwt", "bearer",
    ]
    /// The headers that may hold the caller's key, the one that names a project first.
    static let keyHeaders = [
        "x-inference-observability-api-key", "x-inference-project-api-key", "authorization", "x-api-key", "x-goog-api-key",
        "api-key",
        "x-inference-provider-api-key", subprotocolHeader,
    ]
    /// Browsers cannot set headers on a WebSocket: some services take the key as one of its subprotocols.
    static let subprotocolHeader = "sec-websocket-protocol"
    /// What a key follows within a subprotocol: `realtime, openai-insecure-api-key.KEY`.
    static let subprotocolKeyPrefix = "openai-insecure-api-key."
    /// Subprotocols after which a key follows as one of its own: `token, KEY`.
    static let subprotocolKeyWords: Set<String> = ["token", "bearer"]

    /// Whether a header's value is a credential.
    ///
    /// - Parameter name: in any case.
    /// - Returns: true for the known names, and for endings that say so.
    package static func isCredentialHeader(_ name: String) -> Bool {
        let lower = name.lowercased()
        return headers.contains(lower) || headerEndings.contains { lower.hasSuffix($0) }
    }

    /// What may stand before the credential in an `Authorization`; any other first word is taken for the credential itself.
    static let schemes: [StaticString] = [
        "bearer", "basic", "digest", "negotiate", "ntlm", "kerberos", "token", "key", "apikey", "api-key", "api_key", "oauth",
        "dpop", "gnap", "hawk", "hoba", "mutual", "vapid", "privatetoken", "signature", "sharedkey", "sharedkeylite", "sso-key",
        "googlelogin", "sapisidhash", "geniekey", "aws", "jwt", "session", "secret", "concealed",
    ]
    /// The same of families of schemes.
    static let schemeBeginnings: [StaticString] = [
        "aws4-hmac-", "aws4-ecdsa-", "goog4-", "acs3-hmac-", "tc3-hmac-", "sdk-hmac-", "hmac-sha", "scram-sha-",
    ]

    /// Whether the first word of a credential header's value is a scheme word, which stays.
    ///
    /// - Parameters:
    ///   - word: in any case.
    ///   - isAuthorization: whether the header's name ends in `authorization`; elsewhere some callers put `Bearer` before a bare
    ///     key out of habit.
    /// - Returns: true for the known ones only.
    static func keepsScheme(_ word: String, isAuthorization: Bool) -> Bool {
        let lower = word.lowercased()
        guard isAuthorization else { return lower == "bearer" }
        return schemes.contains { "\($0)" == lower } || schemeBeginnings.contains { lower.hasPrefix("\($0)") }
    }

    /// Whether a header's value is a URL, which may carry credentials in its user part and its query.
    static func isURLHeader(_ name: String) -> Bool { urlHeaders.contains(name.lowercased()) }

    /// Whether a query parameter's value is a credential.
    ///
    /// - Parameter name: in any case, as it stands in the query.
    /// - Returns: true for the known names only.
    package static func isCredentialParameter(_ name: String) -> Bool { parameters.contains(name.lowercased()) }
}
