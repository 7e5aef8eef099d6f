package import HealthWorkerModel

/// The last outcomes of a check as bars, oldest first: a failure is higher than a success, so that it
/// is seen without colours too.
package struct OutcomeBars {
    package struct Bar: Sendable {
        package var outcome: OutcomeKind
        package var title: String

        package init(_ outcome: OutcomeKind, title: String) {
            self.outcome = outcome
            self.title = title
        }
    }

    package var bars: [Bar]
    /// As many as there is room for.
    package var count: Int
    /// Instead of counting them: what they say, for who does not see them.
    var sentence: String?

    package init(_ bars: [Bar], count: Int = 30) {
        self.bars = bars.suffix(count)
        self.count = count
    }

    package var html: HTML {
        guard !bars.isEmpty else { return "<span class=\"dim\">none yet</span>" }
        let missing = count - bars.count
        let pieces = bars.enumerated().map { index, bar -> HTML in
            let (kind, height): (Parts.Kind, Int) =
                switch bar.outcome {
                case .success: ("good", 10)
                case .failure: ("bad", 18)
                case .inconclusive: ("warn", 14)
                }
            return """
                <rect class="\(kind.name)" x="\((missing + index) * 5)" y="\(18 - height)" width="4" height="\(height)"><title>\(bar.title)</title></rect>
                """
        }
        return """
            <svg class="bars" role="img" aria-label="\(sentence ?? words)" width="\(count * 5)" height="18" viewBox="0 0 \(count * 5) 18">\(pieces)</svg>
            """
    }

    /// `30 outcomes: 28 success, 2 failure`.
    private var words: String {
        let counted = OutcomeKind.allCases.compactMap { kind -> String? in
            let count = bars.count { $0.outcome == kind }
            return count == 0 ? nil : "\(count) \(kind.rawValue)"
        }
        return "Last \(bars.count) outcomes: \(counted.joined(separator: ", "))"
    }
}
