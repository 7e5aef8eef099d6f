import HealthWorkerProbes
import HealthWorkerSettings
import Logging
import NIOPosix

extension Probers {
    /// The probers that the settings ask for; exits 78 for networks that are none.
    init(_ settings: Settings, logger: Logger) throws {
        var networks: [String: [Network]] = [:]
        for (key, texts) in [
            "probe.deny_networks": settings.probe.denyNetworks,
            "probe.allow_networks": settings.probe.allowNetworks,
        ] {
            do {
                networks[key] = try texts.map { text throws(NetworkError) in try Network(text) }
            } catch {
                throw Exit.error(Exit.configuration, "\(key): \(error)")
            }
        }
        let resolver: any NameResolver =
            switch settings.probe.resolver {
            case .own: OwnResolver(eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
            case .system: SystemResolver()
            }
        let secrets = settings.secrets
        self.init(
            resolver: resolver,
            addressRules: AddressRules(
                deny: networks["probe.deny_networks"] ?? [],
                allow: networks["probe.allow_networks"] ?? []),
            secrets: { secrets[$0]?.revealed }, logger: logger)
    }
}
