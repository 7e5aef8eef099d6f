import HealthWorkerModel
internal import NIOCore

/// One caller's lookup.
///
/// `@unchecked` is safe: its maker hands it over to the event loop of the inquiries, and from then on
/// only that loop touches the variables.
final class Lookup: @unchecked Sendable {
    private let text: String
    private let name: DomainName
    private let family: IPFamily
    let deadline: NIODeadline
    let promise: EventLoopPromise<[IPAddress]>
    /// Nil until it is known what the files say.
    var search: NameSearch?
    /// What it waits for.
    var asked: Question?
    /// At its deadline.
    var timer: Scheduled<Void>?
    var isDone = false

    /// - Parameter text: The name as it was written.
    init(
        _ text: String, _ name: DomainName, family: IPFamily, by deadline: NIODeadline,
        promise: EventLoopPromise<[IPAddress]>
    ) {
        self.text = text
        self.name = name
        self.family = family
        self.deadline = deadline
        self.promise = promise
    }

    /// The addresses that the hosts file has; nil where there are none, and it knows what to ask.
    func search(by content: SystemFiles.Content) -> [IPAddress]? {
        let addresses = content.hosts.addresses(of: name, family: family)
        guard addresses.isEmpty else { return addresses }
        search = NameSearch(text, name: name, family: family, by: content.configuration)
        return nil
    }
}
