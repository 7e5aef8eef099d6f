package import HealthWorkerModel

extension CheckSpec {
    /// What jobs carry as `timeout_ms`: whole milliseconds, rounded up, because a lease must not end
    /// before the probe.
    package var timeoutColumn: Int64 {
        (effectiveTimeout.microseconds + 999) / 1000
    }

    /// What jobs carry as `location`: `|fra1|ams1|`; nil: any.
    package var locationColumn: String? {
        locations.isEmpty ? nil : "|" + locations.joined(separator: "|") + "|"
    }

    /// The locations of such a column.
    package static func locations(ofColumn column: String?) -> [String] {
        (column ?? "").split(separator: "|").map(String.init)
    }
}
