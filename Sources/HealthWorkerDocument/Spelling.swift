/// What was probably meant by a word that is not among the known ones.
enum Spelling {
    /// The nearest of `known`, where one is near enough to be meant.
    static func nearest(to word: String, among known: [String]) -> String? {
        let folded = fold(word)
        let limit = max(1, min(3, folded.count / 3))
        let nearest = known.map { ($0, distance(folded, fold($0))) }.min { $0.1 < $1.1 }
        guard let (name, far) = nearest, far <= limit, name != word else { return nil }
        return name
    }

    private static func fold(_ word: String) -> [UInt8] {
        Array(
            word.lowercased().utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }.prefix(
                64))
    }

    /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        if left == right { return 0 }
        if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
        var before: [Int] = []
        var last = Array(0...right.count)
        for row in 1...left.count {
            var now = [row] + Array(repeating: 0, count: right.count)
            for column in 1...right.count {
                let cost = left[row - 1] == right[column - 1] ? 0 : 1
                now[column] = min(last[column] + 1, now[column - 1] + 1, last[column - 1] + cost)
                if row > 1, column > 1, left[row - 1] == right[column - 2],
                    left[row - 2] == right[column - 1]
                {
                    now[column] = min(now[column], before[column - 2] + 1)
                }
            }
            before = last
            last = now
        }
        return last[right.count]
    }
}
