/// Columns of text, aligned, for terminals. Cells may be coloured.
struct Table {
    private let rows: [[String]]

    init(_ titles: [String], _ rows: [[String]]) {
        self.rows = [titles] + rows
    }

    var text: String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? Terminal.width(of: $0[column]) : 0 }.max() ?? 0
        }
        return rows.map { row in
            let padded = row.enumerated().map { column, cell in
                column == row.count - 1
                    ? cell
                    : cell
                        + String(
                            repeating: " ", count: widths[column] - Terminal.width(of: cell))
            }
            return padded.joined(separator: "  ")
        }
        .joined(separator: "\n")
    }
}
