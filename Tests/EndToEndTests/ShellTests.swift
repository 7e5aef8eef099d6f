import Foundation
import Testing

/// Completions and manual pages, as the programs that use them see them.
@Suite struct `Shells and manuals` {
    private func completions(for shell: String, _ scratch: Scratch) async throws -> String {
        let printed = try await Program.run(
            Here.healthWorker, ["completions", shell], in: scratch)
        #expect(printed.code == 0)
        return try scratch.write(printed.text, to: "completions.\(shell)").path
    }

    @Test func `bash completes commands and options`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let file = try await completions(for: "bash", scratch)
        let script = try scratch.write(
            """
            set -e
            source "$1"
            reply() {
                COMP_WORDS=(health-worker "$@") COMP_CWORD=$#
                COMP_LINE="${COMP_WORDS[*]}" COMP_POINT=${#COMP_LINE} COMPREPLY=()
                ${function} health-worker "${@: -1}" "" || true
                printf '%s\\n' "${COMPREPLY[@]}"
            }
            function=$(complete -p health-worker | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
            reply stand
            reply policies ex
            reply override cl
            """, to: "complete.sh")

        let completed = try await Program.run(
            URL(filePath: "/bin/bash"), [script.path, file], in: scratch)

        #expect(completed.code == 0, "\(completed.text)")
        for word in ["standalone", "explain", "clear"] {
            #expect(completed.text.split(separator: "\n").contains { $0.hasPrefix(word) })
        }
    }

    @Test func `zsh and fish take what is printed for them`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let zsh = try await completions(for: "zsh", scratch)
        let fish = try await completions(for: "fish", scratch)

        let inZsh = try await Program.run(
            URL(filePath: "/usr/bin/zsh"),
            [
                "-f", "-c",
                "autoload -U compinit; compinit -D -u; source \(zsh) || true; "
                    + "print -l ${(k)functions} | grep -c '^_health-worker_override'",
            ], in: scratch, environment: ["HOME": scratch.folder.path])
        let inFish = try await Program.run(
            URL(filePath: "/usr/bin/fish"),
            [
                "--no-config", "-c",
                "source \(fish); complete -C 'health-worker stand'; complete -C 'health-worker override cl'",
            ], in: scratch, environment: ["HOME": scratch.folder.path])

        #expect(inZsh.code == 0, "\(inZsh.text)")
        #expect(inFish.code == 0, "\(inFish.text)")
        #expect(inFish.text.contains("standalone"), "\(inFish.text)")
        #expect(inFish.text.contains("clear"), "\(inFish.text)")
    }

    @Test func `each command has a manual page that a strict reader accepts`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let folder = scratch.file("man1")

        let written = try await Program.run(
            Here.healthWorker, ["manual", "--into", folder.path], in: scratch)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        let lint = try await Program.run(
            URL(filePath: "/usr/bin/mandoc"),
            ["-T", "lint", "-W", "error"] + names.map { folder.appending(path: $0).path },
            in: scratch)
        let page = try await Program.run(
            URL(filePath: "/usr/bin/mandoc"),
            ["-T", "ascii", folder.appending(path: "health-worker-override-set.1").path],
            in: scratch)

        #expect(written.code == 0)
        #expect(names.contains("health-worker.1"))
        #expect(names.count > 30)
        #expect(lint.code == 0, "\(lint.text.prefix(2000))")
        let plain = page.text.replacing(/.\u{8}/, with: "")
        for words in ["health-worker override set", "--for", "--break-glass", "EXIT STATUS"] {
            #expect(plain.contains(words), "\(words) in \(plain.prefix(3000))")
        }
    }
}
