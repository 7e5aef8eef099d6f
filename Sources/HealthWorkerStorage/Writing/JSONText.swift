import Foundation

/// The JSON text of a value, keys sorted, so that equal values have equal texts.
enum JSONText {
    static func of(_ value: some Encodable) throws(StorageError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            throw .failed("A \(type(of: value)) cannot be written as JSON: \(error)")
        }
    }
}
