package import HealthWorkerModel

/// All that is kept. Each call is one intention and atomic; any number of processes call at once.
///
/// The storage's clock decides when anything is due or a lease ends. Every error is a
/// ``StorageError``, whose cases are what a caller can do about it.
package protocol Storage: Clocked, ConfigurationStore, JobQueue, HealthStore, RouteStore,
    DeliveryStore, ArrivalStore, FleetStore, SettingsStore, BudgetStore, MaintenanceStore, KeyStore,
    SecretStore, AuditStore, EventStore, HourStore
{
    /// The process on whose behalf this value acts; tallies are kept under it.
    var process: ProcessID { get }

    /// Whether the storage can be read and written now.
    func ping() async throws(StorageError)

    /// Gives back everything it holds. Calls that are under way end first.
    func close() async
}

package protocol Clocked: Sendable {
    /// The storage's time.
    func now() async throws(StorageError) -> Timestamp
}

/// What went wrong, by what a caller can do about it.
package enum StorageError: Error, Hashable, Sendable {
    /// The storage is away, busy or was restarted: the same call may succeed later. Whether the
    /// call was carried out is not known.
    case unavailable(String)
    /// The call contradicts what is stored; nothing was changed. Every contradiction is listed.
    case refused([Refusal])
    /// The schema is not one this program can work on; says which command or version mends it.
    case schema(String)
    /// A defect or damaged data: trying again does not help.
    case failed(String)
}

extension StorageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unavailable(let why), .schema(let why), .failed(let why): why
        case .refused(let refusals): refusals.map(\.description).joined(separator: "\n")
        }
    }
}
