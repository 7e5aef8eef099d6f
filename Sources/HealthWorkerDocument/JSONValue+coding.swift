import Foundation
package import HealthWorkerModel

extension JSONValue {
    /// The wire form of `value`.
    package init(encoding value: some Encodable) throws {
        // Read by our own reader: trying one type after the other, as decoding does, throws at each
        // and takes ten times as long.
        self = try Node.readJSON(Array(JSONEncoder().encode(value))).json()
    }

    /// The value whose wire form this is.
    package func decode<Value: Decodable>(as type: Value.Type) throws -> Value {
        try JSONDecoder().decode(type, from: JSONEncoder().encode(self))
    }
}
