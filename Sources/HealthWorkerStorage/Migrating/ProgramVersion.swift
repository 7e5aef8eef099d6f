/// A version of the program, `MAJOR.MINOR.PATCH`. What follows a `-` or `+` does not count: a build
/// before 0.2.0 already has the migrations of 0.2.0.
package struct ProgramVersion: Hashable, Sendable {
    package var major: Int
    package var minor: Int
    package var patch: Int

    package init(_ major: Int, _ minor: Int, _ patch: Int) {
        self.major = major
        self.minor = minor
        self.patch = patch
    }
}

extension ProgramVersion: Comparable {
    package static func < (left: Self, right: Self) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }
}

extension ProgramVersion: CustomStringConvertible, LosslessStringConvertible {
    package var description: String { "\(major).\(minor).\(patch)" }

    /// Nil for anything but three whole numbers with dots between them.
    package init?(_ text: String) {
        let numbers = text.prefix { $0 != "-" && $0 != "+" }
            .split(separator: ".", omittingEmptySubsequences: false)
            .map { part in part.allSatisfy(\.isNumber) ? Int(part) : nil }
        guard numbers.count == 3, let major = numbers[0], let minor = numbers[1],
            let patch = numbers[2]
        else { return nil }
        self.init(major, minor, patch)
    }
}
