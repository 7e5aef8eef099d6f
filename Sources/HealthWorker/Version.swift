import HealthWorkerStorage
import Migrations

enum Version {
    /// Of the program; it stands beside the migrations, which name versions of it.
    static let program: ProgramVersion = {
        let text = String(cString: embedded_version())
        guard let version = ProgramVersion(text) else {
            preconditionFailure("\(text) is no version: a defect of this build")
        }
        return version
    }()
    static let current = program.description
}
