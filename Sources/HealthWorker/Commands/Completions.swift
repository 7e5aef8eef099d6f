import ArgumentParser

struct Completions: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what makes a shell complete commands and options.",
        discussion: """
            bash: health-worker completions bash > /etc/bash_completion.d/health-worker · zsh: a file \
            _health-worker in a folder of $fpath · fish: ~/.config/fish/completions/health-worker.fish
            """)

    @Argument(help: "bash, zsh or fish.")
    var shell: Shell

    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash
        case zsh
        case fish
    }

    func run() {
        let script =
            switch shell {
            case .bash: HealthWorkerCommand.completionScript(for: .bash)
            case .zsh: HealthWorkerCommand.completionScript(for: .zsh)
            case .fish: HealthWorkerCommand.completionScript(for: .fish)
            }
        print(script)
    }
}
