import ArgumentParser
import HealthWorkerDocument

struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print a commented, valid document to start from.")

    @Argument(help: "check, failover or detach.")
    var kind: StartingDocument

    func run() {
        print(kind.text, terminator: "")
    }
}

extension StartingDocument: ExpressibleByArgument {}
