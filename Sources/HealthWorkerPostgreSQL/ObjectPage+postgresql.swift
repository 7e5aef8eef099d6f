package import HealthWorkerStorage

extension ObjectPage.Dialect {
    package static let postgresql = Self(
        join: "JOIN", startsAtRareHealth: false, placeholder: { "$\($0)" })
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
