import HealthWorkerModel
package import HealthWorkerStorage
package import Logging
import ServiceLifecycle
import Synchronization

/// Keeps the stored secrets at hand, opened, for a worker: a change is known within 2 s.
///
/// While the storage is away, what was known last holds.
package final class SecretsWatch: Service {
    package static let interval: Duration = .seconds(2)

    private let storage: any SecretStore
    private let keys: SealingKeys
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        /// Nil: nothing was read yet.
        var revision: Int64?
        var values: [String: String] = [:]
    }

    package init(storage: any SecretStore, keys: SealingKeys, logger: Logger) {
        self.storage = storage
        self.keys = keys
        self.logger = logger
    }

    /// The value of a secret; nil where it is not stored, or cannot be opened.
    package func value(of name: String) -> String? {
        state.withLock { $0.values[name] }
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var failures = 0
            while !Task.isCancelled {
                do {
                    try await self.read()
                    failures = 0
                } catch {
                    failures += 1
                    if failures == 1 {
                        self.logger.warning("secrets not read", metadata: ["error": "\(error)"])
                    }
                }
                // Cancelled: the loop ends.
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    /// Reads what changed; to be done before the first probe.
    package func read() async throws(StorageError) {
        let known = state.withLock { $0.revision }
        guard let stored = try await storage.secrets(unlessRevision: known) else { return }
        var values: [String: String] = [:]
        for secret in stored.secrets {
            do {
                values[secret.name] = try keys.open(secret.sealed, as: secret.name)
            } catch {
                // Once for each change: checks that name it say at each probe that it is missing.
                logger.error(
                    "a stored secret cannot be opened",
                    metadata: ["secret": "\(secret.name)", "why": "\(Self.sentence(error))"])
            }
        }
        state.withLock { state in
            state.revision = stored.revision
            state.values = values
        }
    }

    private static func sentence(_ error: SealingError) -> String {
        switch error {
        case .noKey: "database.secrets_key has no key"
        case .otherKey(let label):
            "it is sealed with the key \(label), which database.secrets_key does not list"
        case .damaged: "it is damaged; set it again"
        }
    }
}
