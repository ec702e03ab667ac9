// SPDX-License-Identifier: Apache-2.0

/// AWS credentials and the scope that a signature is made for.
///
/// Prints as dots: the secret reaches no log.
package struct AWSSigning: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The access key's id, `AKIA...` or `ASIA...`.
    package let accessKeyID: String
    /// The access key's secret.
    package let secretAccessKey: String
    /// With temporary credentials.
    package let sessionToken: String?
    /// As in `us-east-1`.
    package let region: String
    /// The service's name in the scope: `bedrock`.
    package let service: String

    /// Names credentials and a scope.
    package init(
        accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil, region: String, service: String = "bedrock"
    ) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
        self.region = region
        self.service = service
    }

    /// The scope alone.
    package var description: String { "AWSSigning(\(region)/\(service), •••)" }
    /// The scope alone.
    package var debugDescription: String { description }
    /// Nothing.
    package var customMirror: Mirror { Mirror(self, children: []) }
}
