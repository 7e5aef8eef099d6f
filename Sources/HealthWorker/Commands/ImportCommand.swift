import ArgumentParser
import HealthWorkerDocument

struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Make the tables of the Go program health-worker into a document to apply.",
        discussion: """
            Reads what mysqldump, mariadb-dump or pg_dump wrote of health_checks, routing_policies and \
            PowerDNS's records, and prints a document; nothing is stored. What somebody should look at \
            stands above it as comments. Policies come as `mode: observe`, so that nothing is published \
            by them until that is changed.

            mysqldump health_worker health_checks routing_policies > old.sql
            mysqldump pdns records >> old.sql
            health-worker import old.sql --set dns > dns.yaml
            """)

    @Argument(help: "The dump; - reads standard input.")
    var file: String
    @Option(help: "The set that the document names.")
    var set: String?
    @Option(help: "The sink that publishes the names of the records.")
    var sink: String?
    @Flag(help: "Let any HTTP status be a success, as it was.")
    var anyStatus = false

    func run() throws {
        let text = String(decoding: try DocumentFile.read(file).bytes, as: UTF8.self)
        let document: String
        do throws(Problems) {
            var tables = PredecessorTables(
                try SQLDump(text, tables: PredecessorTables.names, file: file))
            tables.anyStatus = anyStatus
            tables.sink = sink
            let read = try tables.read()
            guard let yaml = try? read.yaml(set: set) else {
                throw Problems(Problem("the tables cannot be written as a document"))
            }
            document = yaml
        } catch {
            throw Exit.error(Exit.documentInvalid, error.description)
        }
        print(document, terminator: "")
    }
}
