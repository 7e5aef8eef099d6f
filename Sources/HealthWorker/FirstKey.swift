import HealthWorkerAPI
import HealthWorkerSettings
import HealthWorkerStorage
import Logging

/// The first key of an installation that is set up without a terminal: as its configuration has it.
enum FirstKey {
    /// Makes the configured key, role admin, where the storage has none at all.
    ///
    /// Once there is any key, the configured one means nothing: whoever revoked it does not find it
    /// again after a restart.
    static func make(_ secret: Secret, in storage: any Storage, _ logger: Logger) async throws {
        guard
            let key = KeyMint.key(
                of: secret.revealed, role: .admin, name: "bootstrap", now: try await storage.now())
        else {
            // The settings have looked at it already.
            throw Exit.error(Exit.configuration, "api.bootstrap_key is no key.")
        }
        let known = try await storage.keys()
        guard known.isEmpty else {
            if !known.contains(where: { $0.id == key.id }) {
                logger.notice(
                    "api.bootstrap_key is not used: there are keys already",
                    metadata: ["key": "\(key.id)"])
            }
            return
        }
        do throws(StorageError) {
            try await storage.change(KeyChange(.make(key), actor: "api.bootstrap_key"))
        } catch {
            // Another process was faster with the same key.
            guard case .refused = error else { throw error }
            return
        }
        logger.notice(
            "made the first key, role admin, from api.bootstrap_key",
            metadata: ["key": "\(key.id)"])
    }
}
