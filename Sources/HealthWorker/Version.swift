import HealthWorkerStorage

enum Version {
    /// Of the program; migrations name versions of it in `compatible_from`.
    static let program = ProgramVersion(0, 1, 0)
    static let current = program.description
}
