package import HealthWorkerStorage

extension ObjectPage.Dialect {
    package static let mysql = Self(join: "STRAIGHT_JOIN", startsAtRareHealth: true)
}

extension [ObjectPage.Value] {
    var bound: [any Bindable] {
        map { value -> any Bindable in
            switch value {
            case .text(let text): text
            case .number(let number): number
            }
        }
    }
}
