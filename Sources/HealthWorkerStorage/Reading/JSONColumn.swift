import Foundation

/// Columns that hold the JSON form of a value, keys sorted, so that equal values have equal texts.
package enum JSONColumn {
    package static func text(of value: some Encodable) throws(StorageError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            throw .failed("A \(type(of: value)) cannot be written as JSON: \(error)")
        }
    }

    /// - Throws: what `JSONDecoder` throws.
    package static func value<Value: Decodable>(
        _: Value.Type = Value.self, of text: String
    ) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    }
}
