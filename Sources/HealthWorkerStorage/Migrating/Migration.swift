/// One step of the schema's history: a file of `Migrations/`, the same number and meaning for every
/// engine.
package struct Migration: Hashable, Sendable {
    package var number: Int
    package var name: String
    package var sql: String
    /// The oldest version of the program that may still run once this step is done.
    package var compatibleFrom: ProgramVersion

    /// Reads what the file says of itself in its comment `-- compatible_from: 0.1.0`.
    ///
    /// - Throws: ``StorageError/failed(_:)`` for a file without it: a defect of this build.
    package init(number: Int, name: String, sql: String) throws(StorageError) {
        let marker = "-- compatible_from: "
        let header = sql.split(separator: "\n").lazy
            .prefix { $0.hasPrefix("--") }
            .first { $0.hasPrefix(marker) }
        guard let header, let version = ProgramVersion(String(header.dropFirst(marker.count)))
        else {
            throw .failed(
                "Migration \(number) (\(name)) does not say the oldest version it works with.")
        }
        self.number = number
        self.name = name
        self.sql = sql
        self.compatibleFrom = version
    }

    /// FNV-1a (64 bit) of the text: it finds an edited file; it does not guard against an attacker,
    /// who could edit the table as well.
    package var checksum: String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in sql.utf8 {
            hash ^= UInt64(byte)
            hash &*= 0x100_0000_01b3
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
