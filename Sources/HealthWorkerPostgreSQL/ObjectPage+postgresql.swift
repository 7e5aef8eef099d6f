package import HealthWorkerStorage

extension ObjectPage.Dialect {
    package static let postgresql = Self(
        join: "JOIN", startsAtRareHealth: false, placeholder: { "$\($0)" })
}

extension ObjectPage {
    var bound: [any Bindable] {
        values.map { value -> any Bindable in
            switch value {
            case .text(let text): text
            case .count(let count): count
            }
        }
    }
}
