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

    /// The texts of files, of all documents in folders and those below them, and of standard input
    /// for `-`; exits 65 where one cannot be read, and for a folder without any.
    static func read(all paths: [String]) throws -> [DocumentText] {
        var files: [String] = []
        for path in paths {
            // A file that is named twice, or beside its folder, is meant once.
            for file in try self.files(at: path) where !files.contains(file) { files.append(file) }
        }
        return try files.map(read)
    }

    private static func files(at path: String) throws -> [String] {
        var isFolder: ObjCBool = false
        guard path != "-", FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
            isFolder.boolValue
        else { return [path] }
        let folder = path.hasSuffix("/") && path.count > 1 ? String(path.dropLast()) : path
        let below =
            FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        let documents = below.filter { name in
            // A hidden file or folder is an editor's or a repository's own business.
            !name.split(separator: "/").contains { $0.hasPrefix(".") }
                && ["yaml", "yml", "json"].contains(URL(filePath: name).pathExtension)
        }
        guard !documents.isEmpty else {
            throw Exit.error(
                Exit.documentInvalid,
                "The folder \(path) has no document: .yaml, .yml and .json are looked for.")
        }
        return documents.sorted().map { "\(folder)/\($0)" }
    }

    /// Every problem on standard error as `file:line: path: sentence` and exit 65, or the document
    /// that the texts are together.
    static func compile(_ texts: [DocumentText]) throws -> CompiledDocument {
        do throws(Problems) {
            return try compiler.compile(texts)
        } catch {
            throw Exit.error(Exit.documentInvalid, error.description)
        }
    }

    static func compile(_ text: DocumentText) throws -> CompiledDocument {
        try compile([text])
    }
}
