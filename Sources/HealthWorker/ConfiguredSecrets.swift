import HealthWorkerSettings
import Synchronization

/// The secrets that the configuration has, by name, as it has them now.
final class ConfiguredSecrets: Sendable {
    private let values: Mutex<[String: Secret]>

    init(_ settings: Settings) {
        values = Mutex(settings.secrets)
    }

    func use(_ settings: Settings) {
        values.withLock { $0 = settings.secrets }
    }

    subscript(name: String) -> String? { values.withLock { $0[name] }?.revealed }
}
