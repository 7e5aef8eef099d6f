/// How much of a set one apply may delete: a number of objects, or a share of them.
///
/// A share is for sets of at least ten objects; of smaller ones everything may go.
package enum DeletionLimit: Hashable, Sendable {
    case objects(Int)
    case percent(Int)

    package static let standard = DeletionLimit.percent(30)

    private static let smallestSet = 10

    /// `20` or `30%`; nil for anything else.
    package init?(_ text: String) {
        let isShare = text.hasSuffix("%")
        let digits = isShare ? String(text.dropLast()) : text
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }),
            let number = Int(digits), !isShare || number <= 100
        else { return nil }
        self = isShare ? .percent(number) : .objects(number)
    }

    package func allows(_ count: Int, of size: Int) -> Bool {
        switch self {
        case .objects(let limit): count <= limit
        case .percent(let share): size < Self.smallestSet || count * 100 <= share * size
        }
    }
}

extension DeletionLimit: CustomStringConvertible {
    package var description: String {
        switch self {
        case .objects(let limit): "\(limit)"
        case .percent(let share): "\(share) %"
        }
    }
}
