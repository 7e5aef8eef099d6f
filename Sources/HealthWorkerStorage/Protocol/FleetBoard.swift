package import HealthWorkerModel

/// Where the processes of a fleet leave word for each other beside the storage: quick, and free to
/// forget.
///
/// The storage's rows are the truth. What is lost here, is old or contradicts them, costs a moment
/// and decides nothing. No call waits for long or throws; nil means that there was no answer.
package protocol FleetBoard: Sendable {
    /// Says that this process is alive; called every 2 s.
    /// - Returns: the processes that said so lately, by the board's clock, this one included.
    func announce(_ presence: Presence) async -> [RunningProcess]?
    /// Says that this process ends.
    func withdraw() async
    /// The processes that said lately that they are alive.
    func processes() async -> [RunningProcess]?

    /// The revision of the copy of the settings that stands here; 0 where none does.
    func settingsRevision() async -> Int64?
    /// The copy; nil also where none stands that can be read.
    func liveSettings() async -> LiveSettings?
    /// Leaves a copy, unless a newer one stands here.
    ///
    /// - Parameter known: the revision of a copy that is replaced even though it is newer, because
    ///   the storage has said since that there is no such revision.
    func post(_ settings: LiveSettings, over known: Int64?) async
}
