import HealthWorkerModel
import HealthWorkerQueue
import Testing

@Suite struct `Known settings` {
    private func live(_ revision: Int64) -> LiveSettings { LiveSettings(revision: revision) }

    /// What rows and copies do to each other, as `r5` (rows read at once), `c5` (a copy seen and
    /// taken), `b` (a reading begins), `e5` (it ends with rows of that revision) and `=5` (held).
    @Test(arguments: [
        // Rows are the truth, also where their revision goes back.
        "=0 r5 =5 r3 =3",
        // A newer copy holds at once; an older or equal one never does.
        "r5 c6 =6", "r5 c4 =5", "r5 c5 =5 r5 =5",
        // What rows read after it confirm stays.
        "r5 c6 r6 =6 c6 =6", "r5 c6 r7 =7 c6 =7",
        // What rows read after it do not know of goes, and does not come back.
        "r5 c9 =9 r5 =5 c9 =5 r5 =5 c8 =5", "r5 c9 r6 =6 c9 =6 c10 =10",
        // Rows whose reading began before the copy came may be older than it.
        "r5 b c6 e5 =6 r6 =6", "r5 b c6 e5 =6 r5 =5 c6 =5",
        "r5 c9 b c10 e5 =10 r5 =5 c10 =5 c11 =11",
        // Confirmed rows are no copy any more: a restored backup takes them back at once.
        "r5 c6 r6 b e4 =4", "r5 c6 r6 r4 =4",
    ])
    func `hold what the rows say, and until they are read what a newer copy says`(story: String) {
        var known = KnownSettings()
        var beginning: Int64 = 0
        for word in story.split(separator: " ") {
            let revision = Int64(word.dropFirst()) ?? 0
            switch word.first {
            case "r": known.read(live(revision), since: known.beginning)
            case "c": if known.see(copy: revision) { known.take(copy: live(revision)) }
            case "b": beginning = known.beginning
            case "e": known.read(live(revision), since: beginning)
            default: #expect(known.held.revision == revision, "\(word) in \(story)")
            }
        }
    }
}
