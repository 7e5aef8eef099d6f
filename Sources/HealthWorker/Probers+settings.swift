import HealthWorkerModel
import HealthWorkerProbes
import HealthWorkerQueue
import HealthWorkerSecrets
import HealthWorkerSettings
import Logging
import NIOPosix

extension Probers {
    /// The probers that the settings ask for; exits 78 for networks that are none.
    ///
    /// - Parameters:
    ///   - configured: those of the configuration.
    ///   - stored: those of the installation; what the configuration has of the same name comes first, so
    ///     that a place can have a value of its own.
    init(
        _ settings: Settings, configured: ConfiguredSecrets, stored: SecretsWatch? = nil,
        logger: Logger
    ) throws {
        let resolver: any NameResolver =
            switch settings.probe.resolver {
            case .own: OwnResolver(eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
            case .system: SystemResolver()
            }
        self.init(
            resolver: resolver, addressRules: try AddressRules(settings),
            secrets: { configured[$0] ?? stored?.value(of: $0) }, logger: logger)
    }
}

extension AddressRules {
    /// The rules of the settings, and `services` of this installation denied beside them; exits 78 for
    /// networks that are none.
    init(_ settings: Settings, denying services: Set<Service> = []) throws {
        self.init(
            deny: try Network.all(settings.probe.denyNetworks, of: "probe.deny_networks"),
            allow: try Network.all(settings.probe.allowNetworks, of: "probe.allow_networks"),
            services: services, machine: services.isEmpty ? [] : Machine.addresses)
    }
}

extension Isolation {
    /// Asks the targets that `worker.reference_targets` names, all at once.
    convenience init(_ settings: Settings, probers: Probers, logger: Logger) {
        let targets = settings.worker.referenceTargets
        let ask: @Sendable () async -> Answer = {
            await withTaskGroup(of: Answer.self) { group in
                for target in targets {
                    group.addTask { await probers.answer(of: target) }
                }
                var isAsked = true
                for await answer in group {
                    switch answer {
                    case .someone:
                        group.cancelAll()
                        return .someone
                    case .nobody: break
                    case .notAsked: isAsked = false
                    }
                }
                return isAsked ? .nobody : .notAsked
            }
        }
        self.init(asking: targets.isEmpty ? nil : ask, logger: logger)
    }
}

extension Probers {
    fileprivate func answer(of target: TargetAddress) async -> Isolation.Answer {
        // One lost packet is sent again after a second.
        switch await reach(target.host, port: target.port, within: .seconds(2)).kind {
        case .success: .someone
        case .failure: .nobody
        case .inconclusive: .notAsked
        }
    }
}
