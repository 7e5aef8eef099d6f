package import Foundation

/// Who looks at a page, when, and what the page is made with.
package struct Visit: Sendable {
    /// Nil: nobody signed in.
    package var visitor: Visitor?
    package var now: Date
    package var version: String
    package var assets: Assets
    /// The path and the query that were asked for.
    package var place: String
    /// What was done just now, to be said once.
    package var done: Done?
    /// The kinds of events after which a page is another one.
    package var eventKinds: [String]

    package init(
        visitor: Visitor?, now: Date, version: String, assets: Assets, place: String,
        done: Done? = nil, eventKinds: [String] = []
    ) {
        self.visitor = visitor
        self.now = now
        self.version = version
        self.assets = assets
        self.place = place
        self.done = done
        self.eventKinds = eventKinds
    }

    package var mayOperate: Bool { visitor?.mayOperate ?? false }
    package var mayWrite: Bool { visitor?.mayWrite ?? false }

    /// The same at one object: no order is shown that would be refused because of its set.
    func at(set: String?) -> Visit {
        guard let sets = visitor?.sets, !sets.isEmpty, !(set.map(sets.contains) ?? false) else {
            return self
        }
        var visit = self
        visit.visitor?.mayOperate = false
        visit.visitor?.mayWrite = false
        return visit
    }
}

package struct Visitor: Sendable {
    package var actor: String
    package var role: String
    package var mayOperate: Bool
    package var mayWrite: Bool
    /// Sets whose objects it may write or operate; empty means all.
    package var sets: [String]
    /// Whether it came with a session of this page, and not by other means.
    package var hasSession: Bool

    package init(
        actor: String, role: String, mayOperate: Bool, mayWrite: Bool, sets: [String],
        hasSession: Bool
    ) {
        self.actor = actor
        self.role = role
        self.mayOperate = mayOperate
        self.mayWrite = mayWrite
        self.sets = sets
        self.hasSession = hasSession
    }
}

/// What a page says once that was done. A link names it: nobody can have the page say anything else.
///
/// It tells of what was done, and not of what holds: the page may be read, or loaded again, much later.
package enum Done: String, CaseIterable, Sendable {
    case override
    case cleared
    case frozen
    case thawed
    case failback
    case reattached
    case probed
    case asked
    case unprobed
    case unseen
    case paused
    case enabled

    var sentence: String {
        switch self {
        case .override: "The override was set."
        case .cleared: "The override was cleared."
        case .frozen: "The policy was frozen."
        case .thawed: "The policy was thawed."
        case .failback: "The policy went back to its best healthy tier."
        case .reattached: "What waited was taken back."
        case .probed: "It was probed: the newest outcome was the answer."
        case .asked: "A probe was asked for; its outcome was not there yet."
        case .unprobed: "A probe was asked for, and no worker could make it: the fleet says why."
        case .unseen: "It was probed, and the outcome is not among those that are kept."
        case .paused: "The check was paused."
        case .enabled: "The check was enabled, and probed at once."
        }
    }
}
