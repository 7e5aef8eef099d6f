/// Which server answers, as far as it decides whether it can be worked with.
package struct ServerVersion: Hashable, Sendable {
    /// 10,000 · major + 100 · minor + patch.
    package var number: UInt
    package var isMariaDB: Bool

    package init(number: UInt, isMariaDB: Bool) {
        self.number = number
        self.isMariaDB = isMariaDB
    }

    /// Why it is of no use, as the end of a sentence; nil: it can be worked with.
    ///
    /// It must pass over locked rows (`SKIP LOCKED`) and open batches (`JSON_TABLE`).
    package var refusal: String? {
        let (name, oldest, needs): (String, UInt, String) =
            isMariaDB ? ("MariaDB", 100_600, "10.6") : ("MySQL", 80_004, "8.0.4")
        if number >= oldest { return nil }
        return
            "\(name) \(number / 10_000).\(number / 100 % 100).\(number % 100); Health Worker needs "
            + "\(needs) or later."
    }
}
