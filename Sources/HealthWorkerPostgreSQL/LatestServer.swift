import Synchronization

/// Which of several servers took a connection last: it is asked first for the next one, so that one
/// that is dead costs its time limit once, and not with each connection.
///
/// All of them are asked as long as none will do: where the latest is lost, or does not take writes any
/// more, the others have their turn in the order of the URL.
final class LatestServer: Sendable {
    private let place = Mutex<ServerAddress.Place?>(nil)

    func order(_ places: [ServerAddress.Place]) -> [ServerAddress.Place] {
        guard let latest = place.withLock({ $0 }), places.contains(latest) else { return places }
        return [latest] + places.filter { $0 != latest }
    }

    func took(_ place: ServerAddress.Place) {
        self.place.withLock { $0 = place }
    }
}
