package import HealthWorkerModel

extension Protection.Reason {
    /// What is in the way of a policy's getting over a loss, for people.
    package func sentence(about members: String) -> String {
        switch self {
        case .waiting: "it has no route yet"
        case .unprotected: "nothing healthy is published of a family"
        case .noSpare: "nothing healthy would take the place of \(members)"
        case .unwatched: "nobody would find out that \(members) is unhealthy"
        case .forced: "an override keeps \(members) published"
        case .simple: "a simple policy publishes every enabled member"
        case .frozen: "it is frozen"
        case .observed: "its mode is observe, so nothing is written"
        }
    }
}
