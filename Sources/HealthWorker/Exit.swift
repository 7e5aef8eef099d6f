import ArgumentParser
import Foundation

/// The program's exit codes; scripts rely on them.
enum Exit {
    static let failed = ExitCode(1)
    /// No, but not an error: pending migrations, a non-empty diff, a failing probe, something wrong in
    /// `status`.
    static let no = ExitCode(3)
    static let notAllowed = ExitCode(4)
    static let unreachable = ExitCode(5)
    /// A conflict or a guard refused it.
    static let refused = ExitCode(6)
    static let usage = ExitCode(64)
    static let documentInvalid = ExitCode(65)
    /// The schema is too old for this program, or too new: EX_TEMPFAIL, so that supervisors try
    /// again.
    static let schema = ExitCode(75)
    static let configuration = ExitCode(78)

    /// Says `sentence` on standard error, one line or several.
    static func say(_ sentence: String) {
        FileHandle.standardError.write(Data((sentence + "\n").utf8))
    }

    /// Says `sentence` on standard error and gives the error that ends the program with `code`.
    static func error(_ code: ExitCode, _ sentence: String) -> ExitCode {
        say(sentence)
        return code
    }
}
