/// What holds for one worker, and where each value came from.
package struct SettingsInForce: Hashable, Sendable, Codable {
    /// Of what operators have set.
    package var revision: Int64
    package var concurrency: Value<Int>
    package var batchSize: Value<Int>
    package var isPaused: Value<Bool>
    /// Nil: the worker is of a version that says nothing of it.
    package var logLevel: Value<LogLevel>?
    /// Who paused it, for whom and why; nil: it is not paused.
    package var pausedBecause: String?

    package enum Origin: String, Hashable, Sendable, Codable, CaseIterable {
        /// What the worker was started with.
        case configuration
        case all
        case location
        case name
    }

    package struct Value<Setting: Hashable & Sendable & Codable>: Hashable, Sendable, Codable {
        package var value: Setting
        package var origin: Origin

        package init(_ value: Setting, from origin: Origin) {
            self.value = value
            self.origin = origin
        }
    }

    /// What the configuration says alone.
    package init(concurrency: Int, batchSize: Int, logLevel: LogLevel = .info) {
        revision = 0
        self.concurrency = Value(concurrency, from: .configuration)
        self.batchSize = Value(batchSize, from: .configuration)
        isPaused = Value(false, from: .configuration)
        self.logLevel = Value(logLevel, from: .configuration)
    }
}

extension LiveSettings {
    /// What holds for a worker of this name and location that was started with `configured`.
    ///
    /// Value by value: what is set for its name beats what is set for its location, which beats what
    /// is set for all; of what nobody set, the configuration's value holds.
    package func inForce(
        for worker: String, at location: String, over configured: SettingsInForce
    ) -> SettingsInForce {
        var inForce = configured
        inForce.revision = revision
        // From the least to the most particular: the last one that says something has the word.
        for entry in settings.sorted(by: { $0.scope < $1.scope })
        where entry.scope.admits(worker, at: location) {
            let origin = entry.origin
            if let concurrency = entry.settings.concurrency {
                inForce.concurrency = SettingsInForce.Value(concurrency, from: origin)
            }
            if let batchSize = entry.settings.batchSize {
                inForce.batchSize = SettingsInForce.Value(batchSize, from: origin)
            }
            if let isPaused = entry.settings.isPaused {
                inForce.isPaused = SettingsInForce.Value(isPaused, from: origin)
                inForce.pausedBecause = isPaused ? entry.pauseSentence : nil
            }
            if let logLevel = entry.settings.logLevel {
                inForce.logLevel = SettingsInForce.Value(logLevel, from: origin)
            }
        }
        return inForce
    }
}

extension ScopedSettings {
    fileprivate var origin: SettingsInForce.Origin {
        switch scope.kind {
        case .all: .all
        case .location: .location
        case .name: .name
        }
    }

    fileprivate var pauseSentence: String {
        "paused by \(updatedBy) for \(scope)" + (message.map { ": \($0)" } ?? "")
    }
}
