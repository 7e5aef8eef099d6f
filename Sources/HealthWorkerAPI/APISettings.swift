import HTTPTypes

/// What the API is told when it starts.
package struct APISettings: Sendable {
    package var host: String
    /// 0: any free port, see ``APIServer``.
    package var port: Int
    /// The header that carries a key beside `Authorization: Bearer`.
    package var authHeader: String
    /// The program's version, as shown in `/`, `/openapi.json` and the `Server` header.
    package var version: String
    /// The largest body of a single object, in bytes.
    package var bodyLimit: Int
    /// The largest document that `apply` takes, in bytes.
    package var documentLimit: Int
    /// How often a long poll looks at the storage; never less than 100 ms.
    package var longPollInterval: Duration
    /// How many may listen to events at once.
    package var listenerLimit: Int
    /// How often a listener to whom nothing happens is told that the connection lives.
    package var heartbeat: Duration
    /// How long what is known of a key holds: so much later at most, a key that another process
    /// revoked is refused.
    package var keyMemory: Duration
    /// How old an answered route may be where the change came through another process.
    package var routeMemory: Duration
    package var connections: ConnectionLimits
    package var limits: Limits

    /// How often may be called; nil: as often as anybody likes.
    package struct Limits: Sendable {
        /// Requests a second with one key.
        package var perCaller: Int?
        /// Requests a second without a key from one address.
        package var perAddress: Int?
        /// Keys that are refused from one address.
        package var refusedKeysPerMinute: Int?
        /// By which buckets fill.
        package var now: @Sendable () -> ContinuousClock.Instant

        package init(
            perCaller: Int? = nil, perAddress: Int? = nil, refusedKeysPerMinute: Int? = nil,
            now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
        ) {
            self.perCaller = perCaller
            self.perAddress = perAddress
            self.refusedKeysPerMinute = refusedKeysPerMinute
            self.now = now
        }
    }

    package init(
        host: String = "127.0.0.1", port: Int = 8080, authHeader: String = "X-API-Key",
        version: String = "0", bodyLimit: Int = 1_048_576, documentLimit: Int = 32 * 1_048_576,
        longPollInterval: Duration = .milliseconds(250), keyMemory: Duration = .seconds(5),
        listenerLimit: Int = 1000, heartbeat: Duration = .seconds(15),
        routeMemory: Duration = .milliseconds(125),
        connections: ConnectionLimits = ConnectionLimits(), limits: Limits = Limits()
    ) {
        self.host = host
        self.port = port
        self.authHeader = authHeader
        self.version = version
        self.bodyLimit = bodyLimit
        self.documentLimit = documentLimit
        self.longPollInterval = longPollInterval
        self.keyMemory = keyMemory
        self.connections = connections
        self.listenerLimit = listenerLimit
        self.heartbeat = heartbeat
        self.routeMemory = routeMemory
        self.limits = limits
    }
}
