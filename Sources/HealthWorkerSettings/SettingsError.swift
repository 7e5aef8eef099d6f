/// All that is wrong with the configuration at once, the file's faults first and in its order.
///
/// No secret value is in it.
package struct SettingsError: Error, Sendable, Equatable {
    package struct Problem: Sendable, Hashable {
        package let source: SettingSource
        /// Nil when no key is meant: a file that cannot be read.
        package let key: String?
        /// What is wrong and what mends it.
        package let sentence: String
    }

    /// Never empty.
    package let problems: [Problem]

    init(_ problems: [Problem]) {
        self.problems = problems.sorted {
            // Two in one line follow their keys.
            $0.source.order == $1.source.order
                ? $0.description < $1.description : $0.source.order < $1.source.order
        }
    }
}

extension SettingsError.Problem: CustomStringConvertible {
    /// `file:line: key: sentence`
    package var description: String {
        [source.description, key, sentence].compactMap { $0 }.joined(separator: ": ")
    }
}

extension SettingsError: CustomStringConvertible {
    package var description: String {
        problems.map(\.description).joined(separator: "\n")
    }
}
