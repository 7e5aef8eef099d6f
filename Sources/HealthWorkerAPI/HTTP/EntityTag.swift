import Crypto
import HTTPTypes
import HealthWorkerDocument
import Hummingbird

/// Tags of content: the same bytes have the same one, and others another (RFC 9110 §8.8.3).
enum EntityTag {
    static func tag(of content: [UInt8]) -> String {
        let digits = SHA256.hash(data: content).prefix(12).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return "\"\(digits.joined())\""
    }
}

extension Response {
    /// JSON with a tag of its content, or 304 where the caller has that content already.
    static func taggedJSON(
        _ node: Node, headers: HTTPFields = [:], for request: Request
    ) -> Response {
        let content = JSONText.bytes(node)
        var headers = headers
        let tag = EntityTag.tag(of: content)
        headers[.eTag] = tag
        headers[.cacheControl] = "no-cache"
        if Preconditions.matches(tag, header: request.headers[.ifNoneMatch]) {
            return Response(status: .notModified, headers: headers)
        }
        headers[.contentType] = MediaType.json.rawValue
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: content)))
    }
}
