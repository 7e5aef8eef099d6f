/// The key of a stored row. Ids are never used again, also after a deletion.
///
/// `Of` only keeps ids of different tables apart; it is never made. Inlinable, because every job
/// passes through a dozen dictionaries of ids, and a generic type that other modules cannot look into
/// is looked up at run time each time.
package struct Identifier<Of>: Hashable, Comparable, Sendable {
    package var rawValue: Int64

    @inlinable
    package init(_ rawValue: Int64) {
        self.rawValue = rawValue
    }

    @inlinable
    package static func == (left: Self, right: Self) -> Bool {
        left.rawValue == right.rawValue
    }

    @inlinable
    package func hash(into hasher: inout Hasher) {
        hasher.combine(rawValue)
    }

    @inlinable
    package static func < (left: Self, right: Self) -> Bool {
        left.rawValue < right.rawValue
    }
}

extension Identifier: CustomStringConvertible {
    package var description: String { String(rawValue) }
}

extension Identifier: ExpressibleByIntegerLiteral {
    package init(integerLiteral value: Int64) {
        self.init(value)
    }
}

extension Identifier: Codable {
    package init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(Int64.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

package enum JobRow {}
package enum ProcessRow {}
package enum HealthChangeRow {}
package enum EvaluationRow {}
package enum OverrideRow {}
package enum OutboxRow {}

package typealias CheckID = Identifier<Check>
package typealias PolicyID = Identifier<Policy>
package typealias JobID = Identifier<JobRow>
/// One start of one process: random, never used again, so that a restart is another worker.
package typealias ProcessID = Identifier<ProcessRow>
package typealias HealthChangeID = Identifier<HealthChangeRow>
package typealias EvaluationID = Identifier<EvaluationRow>
package typealias OverrideID = Identifier<OverrideRow>
package typealias MaintenanceID = Identifier<Maintenance>
package typealias DeliveryID = Identifier<OutboxRow>
