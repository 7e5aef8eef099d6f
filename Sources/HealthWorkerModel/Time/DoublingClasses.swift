/// Classes of whole numbers, eight for each doubling: the first eight hold one number each, and a later
/// one is an eighth as wide as the number that it begins with.
enum DoublingClasses {
    /// Numbers of 2^34 and more are in the last one.
    static let highest = 255

    static func index(of number: Int) -> Int {
        if number < 8 { return max(0, number) }
        let doublings = Int.bitWidth - 1 - number.leadingZeroBitCount - 3
        return min(doublings * 8 + (number >> doublings), highest)
    }

    /// The least number of a class.
    static func start(of index: Int) -> Int {
        if index < 8 { return index }
        let doublings = index / 8 - 1
        return (index % 8 + 8) << doublings
    }

    /// The least number beyond a class.
    static func end(of index: Int) -> Int {
        if index < 8 { return index + 1 }
        let doublings = index / 8 - 1
        return (index % 8 + 9) << doublings
    }
}
