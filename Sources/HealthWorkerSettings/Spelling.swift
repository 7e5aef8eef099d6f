/// Finds what was probably meant.
enum Spelling {
    /// The candidate with the fewest slips, nil where none is near enough to be more than chance.
    static func nearest(to word: String, among candidates: [String]) -> String? {
        let word = Array(word.lowercased())
        let limit = max(1, word.count / 4)
        return candidates.map { ($0, slips(word, Array($0.lowercased()))) }
            .filter { $0.1 <= limit }
            .min { $0.1 < $1.1 }?.0
    }

    /// Letters missing, added, wrong, or swapped with their neighbour (optimal string alignment).
    static func slips(_ left: [Character], _ right: [Character]) -> Int {
        // Names are short; a long one is not worth a large table.
        guard left.count <= 200, right.count <= 200 else { return .max }
        var rows = [Array(0...right.count)]
        for i in 0..<left.count {
            var row = [i + 1]
            for j in 0..<right.count {
                var best = min(
                    rows[i][j] + (left[i] == right[j] ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    best = min(best, rows[i - 1][j - 1] + 1)
                }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[left.count][right.count]
    }
}
