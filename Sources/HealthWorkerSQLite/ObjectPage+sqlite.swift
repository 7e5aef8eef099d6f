import GRDB
package import HealthWorkerStorage

extension ObjectPage.Dialect {
    package static let sqlite = Self(join: "CROSS JOIN", startsAtRareHealth: true)
}

extension [ObjectPage.Value] {
    var bound: StatementArguments {
        StatementArguments(
            map { value -> any DatabaseValueConvertible in
                switch value {
                case .text(let text): text
                case .number(let number): number
                }
            })
    }
}
