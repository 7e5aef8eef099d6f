import ArgumentParser

@main
struct HealthWorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health-worker",
        abstract: "Health checks as SQL rows, and routes that follow.",
        discussion: """
            Exit codes: 0 ok · 1 failed at run time · 3 no, but not an error (pending migrations, \
            differences, a failing probe, something wrong in status) · 4 not allowed · 5 unreachable \
            · 6 refused by a conflict or a guard · 64 usage · 65 document invalid · 75 schema too \
            old · 78 configuration wrong.
            """,
        version: Version.current,
        subcommands: [
            Standalone.self, RegisterCommand.self, WorkerCommand.self, APICommand.self,
            Migrate.self, Config.self, Init.self, ProbeCommand.self, Apply.self, Diff.self,
            Export.self, ImportCommand.self, Status.self, ChecksCommand.self, PoliciesCommand.self,
            RoutesCommand.self,
            OverrideCommand.self, MaintenanceCommand.self, FreezeCommand.self, ThawCommand.self,
            FailbackCommand.self,
            ReattachCommand.self, GuardCommand.self, BudgetsCommand.self, HistoryCommand.self,
            ReportCommand.self,
            FleetCommand.self, SinksCommand.self, Queue.self, Keys.self,
            SecretsCommand.self, AuditCommand.self, Completions.self, Manual.self,
        ])
}
