package import HealthWorkerModel
package import HealthWorkerSettings

/// `[sinks.NAME]` with `type = "webhook"`.
package struct WebhookConfiguration: SinkConfiguration {
    package var url: ServiceURL
    package var secret: Secret
    package var previousSecret: Secret?
    package var timeout: TimeSpan
    package var groupWithin: TimeSpan
    package var allowedNetworks: [String]

    package init(_ keys: inout SinkKeys) {
        url = keys.required(
            "url", .serviceURL, specimen: ServiceURL("https://hooks.example.com/routes")!,
            "Where each change of a route is posted to.")
        secret = keys.requiredSecret(
            "secret",
            "Signs each message (Standard Webhooks): whsec_ and the base64 of 24 to 64 bytes; "
                + "openssl rand -base64 32 makes the latter.")
        previousSecret = keys.secret(
            "previous_secret",
            "Signs each message as well: while a secret is replaced, receivers may still know the "
                + "old one.")
        timeout = keys.value(
            "timeout", .time(.milliseconds(100) ... .seconds(60)), default: .seconds(10),
            "How long the receiver may take for its answer.")
        groupWithin = keys.value(
            "group_within", .time(.milliseconds(0) ... .seconds(30)), default: .milliseconds(0),
            "How long a change waits for others, to go with them as one message.")
        allowedNetworks = keys.value(
            "allow_networks", .networks, default: [],
            "Loopback and private networks that the receiver may be in.")
    }
}
