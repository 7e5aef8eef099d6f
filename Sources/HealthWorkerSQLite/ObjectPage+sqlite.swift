import GRDB
package import HealthWorkerStorage

extension ObjectPage.Dialect {
    package static let sqlite = Self(join: "CROSS JOIN", startsAtRareHealth: true)
}

extension ObjectPage {
    var bound: StatementArguments {
        StatementArguments(
            values.map { value -> any DatabaseValueConvertible in
                switch value {
                case .text(let text): text
                case .count(let count): count
                }
            })
    }
}
