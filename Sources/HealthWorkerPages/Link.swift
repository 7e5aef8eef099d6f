package import HealthWorkerTelling

/// Where things are shown.
package enum Link {
    package static let overview = "/"
    package static let policies = "/policies"
    package static let checks = "/checks"
    package static let overrides = "/overrides"
    package static let changes = "/changes"
    package static let fleet = "/fleet"
    package static let signIn = "/sign-in"
    package static let signOut = "/sign-out"
    /// Tells of what happens, for the script.
    package static let live = "/live"

    package static func check(_ name: String) -> String { "\(checks)/\(name.percentEncoded)" }
    package static func policy(_ name: String) -> String { "\(policies)/\(name.percentEncoded)" }

    /// Where a policy's or a check's order is given.
    package static func order(_ word: String, _ place: String) -> String { "\(place)/\(word)" }

    package static func subject(_ subject: EventText.Subject) -> String {
        switch subject {
        case .check(let name): check(name)
        case .policy(let name): policy(name)
        }
    }

    /// A path of this program to go on to, from a request: never another host's.
    package static func local(_ path: String?) -> String {
        guard let path, path.hasPrefix("/"), !path.hasPrefix("//"), !path.contains("\\"),
            path.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value < 0x7f })
        else { return overview }
        return path
    }
}
