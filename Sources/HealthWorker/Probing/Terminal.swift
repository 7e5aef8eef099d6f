import Foundation

/// Where text is shown: how wide it is, and whether it has colours.
struct Terminal {
    var columns: Int
    var hasColors: Bool

    /// Standard output: with colours only where that is a terminal and NO_COLOR is not set.
    static var standardOutput: Terminal {
        let environment = ProcessInfo.processInfo.environment
        let isTerminal = isatty(STDOUT_FILENO) == 1
        let wantsColors =
            environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
        var size = winsize()
        let isKnown = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        return Terminal(
            columns: isKnown ? Int(size.ws_col) : 80, hasColors: isTerminal && wantsColors)
    }

    func red(_ text: String) -> String { styled(text, "31") }
    func green(_ text: String) -> String { styled(text, "32") }
    func yellow(_ text: String) -> String { styled(text, "33") }
    func blue(_ text: String) -> String { styled(text, "34") }
    func dim(_ text: String) -> String { styled(text, "2") }

    /// How many columns `text` takes, colours not counted.
    static func width(of text: String) -> Int {
        var width = 0
        var isCode = false
        for character in text {
            if character == "\u{1b}" {
                isCode = true
            } else if isCode {
                isCode = character != "m"
            } else {
                width += 1
            }
        }
        return width
    }

    private func styled(_ text: String, _ code: String) -> String {
        hasColors ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
    }
}
