extension CheckSpec {
    /// Whether it makes a worker send a secret that `stored` sends not at all, or not to there.
    ///
    /// Redirects do not matter: a prober takes its headers along to no other origin.
    ///
    /// - Parameter stored: what the check was before; nil for a new one.
    package func sendsSecretsAnew(since stored: CheckSpec?) -> Bool {
        let names = http?.secretNames ?? []
        guard !names.isEmpty else { return false }
        guard let stored, let before = stored.http else { return true }
        return !names.isSubset(of: before.secretNames) || receiver != stored.receiver
    }

    /// Whatever decides who gets to see what is sent.
    private struct Receiver: Equatable {
        var type: CheckType
        var host: String
        var port: Int
        var hostHeader: String?
        var tls: TLSOptions
    }

    private var receiver: Receiver {
        Receiver(
            type: type, host: target.host, port: effectivePort, hostHeader: http?.host,
            tls: tls ?? TLSOptions())
    }
}
