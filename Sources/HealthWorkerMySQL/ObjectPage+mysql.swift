package import HealthWorkerStorage

extension ObjectPage.Dialect {
    package static let mysql = Self(join: "STRAIGHT_JOIN", startsAtRareHealth: true)
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
