import HealthWorkerCounters
import HealthWorkerModel
import HealthWorkerPostgreSQL
import HealthWorkerProbes
import HealthWorkerRouting
import HealthWorkerSettings
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// Keeps the database, the Redis and the sinks of this installation from being probed: who may write a
/// check must not thereby speak to them.
///
/// Their names are resolved at the start and every 30 s, so that a server that moved is denied at its
/// new address; an address stays denied while its name cannot be resolved.
final class OwnServices: Service {
    private let servers: [TargetAddress]
    private let sinks: LiveSinks
    /// Of which the networks count.
    private let settings: Mutex<Settings>
    private let probers: Probers
    private let resolver: any NameResolver
    private let known = Mutex<[TargetAddress: [IPAddress]]>([:])

    init(
        _ settings: Settings, sinks: LiveSinks, probers: Probers, resolver: any NameResolver
    ) {
        self.settings = Mutex(settings)
        self.probers = probers
        self.resolver = resolver
        self.sinks = sinks
        servers = Self.listeners(settings)
    }

    private var listeners: [TargetAddress] { servers + sinks.now.flatMap(\.sink.listeners) }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let isComplete = self.known.withLock { known in
                    self.listeners.allSatisfy { known[$0] != nil }
                }
                // Cancelled: the loop ends.
                try? await Task.sleep(for: isComplete ? .seconds(30) : .seconds(5))
                await self.step()
            }
        }
        await resolver.shutdown()
    }

    /// Looks all of them up once and puts the rules in force. The addresses of this machine's
    /// interfaces, which change as well, are read anew.
    func step() async {
        let listeners = listeners
        known.withLock { known in known = known.filter { listeners.contains($0.key) } }
        for listener in listeners {
            if let address = IPAddress(listener.host) {
                known.withLock { $0[listener] = [address] }
                continue
            }
            let lookup = resolver.lookUp(
                listener.host, family: .any, by: .now() + .seconds(10),
                on: MultiThreadedEventLoopGroup.singleton.next())
            // Not resolved: what was known holds.
            guard let addresses = try? await lookup.addresses.get() else { continue }
            known.withLock { $0[listener] = addresses }
        }
        putInForce()
    }

    /// Goes by the networks of these from now on.
    func use(_ settings: Settings) {
        self.settings.withLock { $0 = settings }
        putInForce()
    }

    private func putInForce() {
        let services = known.withLock { known in
            Set(
                known.flatMap { listener, addresses in
                    addresses.map { AddressRules.Service(address: $0, port: listener.port) }
                })
        }
        let settings = settings.withLock { $0 }
        // The settings have looked at each network already.
        if let rules = try? AddressRules(settings, denying: services) { probers.use(rules) }
    }

    private static func listeners(_ settings: Settings) -> [TargetAddress] {
        var listeners: [TargetAddress] = []
        if case .postgresql(let url) = settings.database.url {
            // A URL that cannot be read is told where it is used.
            listeners += ((try? PostgreSQLStorage.listeners(of: url)) ?? [])
                .map { TargetAddress(host: $0.host, port: $0.port) }
        }
        if let url = settings.redis.url, let redis = try? RedisURL(url),
            case .tcp(let host, let port) = redis.endpoint
        {
            listeners.append(TargetAddress(host: host, port: port))
        }
        return listeners
    }
}
