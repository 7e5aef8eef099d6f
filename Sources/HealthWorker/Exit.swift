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

    /// Each code with what it says, for the manual and the help.
    static let meanings: [(code: Int32, meaning: String)] = [
        (0, "It was done, or is so."),
        (failed.rawValue, "It failed at run time."),
        (
            no.rawValue,
            "No, and not an error: pending migrations, differences, a failing probe, something wrong "
                + "in status."
        ),
        (notAllowed.rawValue, "The key is missing, unknown, or may not do this."),
        (unreachable.rawValue, "The API or the database cannot be reached."),
        (refused.rawValue, "A conflict or a guard refused it."),
        (usage.rawValue, "The arguments are wrong."),
        (documentInvalid.rawValue, "The document is not valid."),
        (schema.rawValue, "The schema does not fit this version; try again once it does."),
        (configuration.rawValue, "The configuration is wrong."),
    ]

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
