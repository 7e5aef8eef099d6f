import Foundation
import HealthWorkerDocument
import HealthWorkerPatterns

/// Documents as files on this machine.
enum DocumentFile {
    static let compiler = Compiler { text in
        do throws(PatternError) {
            _ = try Pattern(text)
            return nil
        } catch {
            return error.sentence
        }
    }

    /// The text of a file, or of standard input for `-`; exits 65 where it cannot be read.
    static func read(_ path: String) throws -> DocumentText {
        if path == "-" {
            return DocumentText(
                file: "-", bytes: Array(FileHandle.standardInput.readDataToEndOfFile()))
        }
        do {
            return DocumentText(file: path, bytes: Array(try Data(contentsOf: URL(filePath: path))))
        } catch {
            throw Exit.error(
                Exit.documentInvalid, "\(path) cannot be read: is it there, and may you read it?")
        }
    }

    /// Every problem on standard error as `file:line: path: sentence` and exit 65, or the document.
    static func compile(_ text: DocumentText) throws -> CompiledDocument {
        do throws(Problems) {
            return try compiler.compile([text])
        } catch {
            throw Exit.error(Exit.documentInvalid, error.description)
        }
    }
}
