import ArgumentParser
import Foundation
import HealthWorkerTelling

struct Manual: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the manual page, or write it with one page for each command.",
        discussion: "The pages are made from what --help says of each command.")

    @Option(help: "A folder to write health-worker.1, health-worker-apply.1 and so on into.")
    var into: String?

    func run() throws {
        let pages = try ManualPage.all(of: HealthWorkerCommand.self)
        guard let into else {
            print(pages[0].text, terminator: "")
            return
        }
        do {
            try FileManager.default.createDirectory(
                atPath: into, withIntermediateDirectories: true)
            for page in pages {
                try Data(page.text.utf8).write(
                    to: URL(filePath: into).appending(path: "\(page.name).1"))
            }
        } catch {
            throw Exit.error(
                Exit.failed, "\(into) cannot be written: name a folder that you may write to.")
        }
        print("\(pages.count) pages in \(into)")
    }
}

/// One page of the manual, as mdoc(7), made from what the argument parser knows of a command.
struct ManualPage {
    /// With its parents, joined by dashes.
    var name: String
    private var command: Command
    private var path: [String]

    private struct Tool: Decodable {
        var command: Command
    }

    private struct Command: Decodable {
        var commandName: String
        var shouldDisplay: Bool
        var abstract: String?
        var discussion: String?
        var subcommands: [Command]?
        var arguments: [Argument]?

        var shown: [Command] {
            (subcommands ?? []).filter { $0.shouldDisplay && $0.commandName != "help" }
        }
    }

    private struct Argument: Decodable {
        struct Name: Decodable {
            enum Kind: String, Decodable {
                case long, short, longWithSingleDash
            }

            var kind: Kind
            var name: String

            var text: String { kind == .long ? "--\(name)" : "-\(name)" }
        }

        enum Kind: String, Decodable {
            case positional, option, flag
        }

        var kind: Kind
        var shouldDisplay: Bool
        var isOptional: Bool
        var isRepeating: Bool
        var names: [Name]?
        var valueName: String?
        var defaultValue: String?
        var abstract: String?
        var discussion: String?
    }

    /// The program's page, then those of its commands.
    static func all(of program: (some ParsableCommand).Type) throws -> [ManualPage] {
        let tool = try JSONDecoder().decode(Tool.self, from: Data(program._dumpHelp().utf8))
        return pages(of: tool.command, [])
    }

    private static func pages(of command: Command, _ parents: [String]) -> [ManualPage] {
        let path = parents + [command.commandName]
        return [ManualPage(name: path.joined(separator: "-"), command: command, path: path)]
            + command.shown.flatMap { pages(of: $0, path) }
    }

    var text: String {
        var lines = [
            ".Dd \(Self.date)", ".Dt \(name.uppercased()) 1", ".Os", ".Sh NAME",
            // By the page's own name it is found; the command is written as it is typed.
            ".Nm \(name)", ".Nd \(Self.escaped(command.abstract ?? ""))", ".Sh SYNOPSIS",
            ".Nm \(path.joined(separator: " "))",
        ]
        let arguments = (command.arguments ?? []).filter(\.shouldDisplay)
        lines += arguments.map(Self.synopsis)
        if !command.shown.isEmpty { lines += [".Ar command"] }
        if let discussion = command.discussion, !discussion.isEmpty {
            lines += [".Sh DESCRIPTION"] + Self.paragraphs(discussion)
        }
        if !command.shown.isEmpty {
            lines += [".Sh COMMANDS", ".Bl -tag -width indent"]
            for command in command.shown {
                lines += [
                    ".It Nm \(command.commandName)", Self.escaped(command.abstract ?? ""),
                ]
            }
            lines.append(".El")
        }
        if !arguments.isEmpty {
            lines += [".Sh OPTIONS", ".Bl -tag -width indent"]
            for argument in arguments {
                lines.append(".It \(Self.title(of: argument))")
                let words = [argument.abstract, argument.discussion].compactMap(\.self)
                lines.append(Self.escaped(words.joined(separator: " ")))
                if let value = argument.defaultValue, argument.kind != .flag {
                    lines.append(Self.escaped("Default: \(value)."))
                }
            }
            lines.append(".El")
        }
        lines += [".Sh EXIT STATUS", ".Bl -tag -width indent"]
        lines += Exit.meanings.flatMap { [".It \($0.code)", Self.escaped($0.meaning)] }
        lines.append(".El")
        let others = Self.references(path, command.shown.map(\.commandName))
        if !others.isEmpty { lines += [".Sh SEE ALSO"] + others }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func references(_ path: [String], _ subcommands: [String]) -> [String] {
        var names = subcommands.map { (path + [$0]).joined(separator: "-") }
        if path.count > 1 { names.insert(path.dropLast().joined(separator: "-"), at: 0) }
        return names.enumerated().map { index, name in
            ".Xr \(name) 1\(index == names.count - 1 ? "" : " ,")"
        }
    }

    private static func synopsis(_ argument: Argument) -> String {
        let dots = argument.isRepeating ? " ..." : ""
        switch argument.kind {
        case .positional:
            let name = "Ar \(argument.valueName ?? "value")\(dots)"
            return argument.isOptional ? ".Op \(name)" : ".\(name)"
        case .flag: return ".Op Fl \(flag(argument.names?.last))"
        case .option:
            let text = "Fl \(flag(argument.names?.last)) Ar \(argument.valueName ?? "value")\(dots)"
            return argument.isOptional ? ".Op \(text)" : ".\(text)"
        }
    }

    private static func title(of argument: Argument) -> String {
        if argument.kind == .positional { return "Ar \(argument.valueName ?? "value")" }
        let names = (argument.names ?? []).map { "Fl \(flag($0))" }.joined(separator: " , ")
        return argument.kind == .flag ? names : "\(names) Ar \(argument.valueName ?? "value")"
    }

    /// `Fl` writes one dash itself.
    private static func flag(_ name: Argument.Name?) -> String {
        guard let name else { return "" }
        return escaped(String(name.text.dropFirst()))
    }

    private static func paragraphs(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map {
            $0.isEmpty ? ".Pp" : escaped(String($0))
        }
    }

    /// A dash is one that can be copied; a line does not begin like a request.
    private static func escaped(_ text: String) -> String {
        let plain = text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
            .replacing("\n", with: " ")
        return plain.hasPrefix(".") || plain.hasPrefix("'") ? "\\&" + plain : plain
    }

    /// When the form of the pages last changed: their content is the program's.
    private static let date = "November 26, 2026"
}
