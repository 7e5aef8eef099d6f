package import HealthWorkerModel
import Metrics

/// Counts from the base that came with each claim, and nothing else.
///
/// Nothing is kept here: the base is in the storage, so any number of workers count alike and a
/// restart forgets nothing. Runs longer than what is counted towards the other health are not known.
package struct BaseCounts: Counts {
    private let counted = CountCounters()

    package init() {}

    package func count(_ batch: [CountRequest]) async -> [Int] {
        counted.fromBase.increment(by: batch.count)
        return batch.map(\.runFromBase)
    }
}
