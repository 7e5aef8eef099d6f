package import HealthWorkerModel

/// One metric that is read when somebody asks, rather than counted as things happen.
package struct Reading: Sendable, Hashable {
    package struct Sample: Sendable, Hashable {
        package var labels: [String: String]
        package var value: Double

        package init(_ value: Double, _ labels: [String: String] = [:]) {
            self.labels = labels
            self.value = value
        }
    }

    package var name: MetricName
    package var samples: [Sample]

    package init(_ name: MetricName, _ samples: [Sample]) {
        self.name = name
        self.samples = samples
    }

    package init(_ name: MetricName, _ value: Double, _ labels: [String: String] = [:]) {
        self.init(name, [Sample(value, labels)])
    }

    package init(_ name: MetricName, _ count: Int, _ labels: [String: String] = [:]) {
        self.init(name, Double(count), labels)
    }

    package init(_ name: MetricName, _ duration: Duration) {
        self.init(name, duration.seconds)
    }

    /// One sample for each value of one label.
    package init(_ name: MetricName, by label: String, _ values: [String: Int]) {
        self.init(name, values.map { Sample(Double($0.value), [label: $0.key]) })
    }
}

extension Duration {
    package var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}

extension Reading {
    func write(to text: inout String) {
        text += Exposition.header(
            name: name.rawValue, kind: name.kind.rawValue, help: name.help)
        let lines = samples.map { sample in
            Exposition.line(
                name.rawValue,
                labels: Exposition.labels(
                    sample.labels.map { ($0.key, $0.value) }, isHistogram: false),
                value: Exposition.number(sample.value))
        }
        for line in lines.sorted() { text += line }
    }
}
