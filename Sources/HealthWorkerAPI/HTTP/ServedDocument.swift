import HTTPTypes
import HealthWorkerDocument
import Hummingbird
import NIOCore

/// A document of the program that stays the same while it runs, with a tag of its content.
struct ServedDocument: Sendable {
    private let bytes: ByteBuffer
    private let tag: String
    private let type: String

    init(_ node: Node, type: String) {
        let text = JSONText.bytes(node)
        bytes = ByteBuffer(bytes: text)
        tag = EntityTag.tag(of: text)
        self.type = type
    }

    func answer(to request: Request) -> Response {
        let headers: HTTPFields = [
            .contentType: type, .cacheControl: "no-cache", .eTag: tag,
        ]
        if Preconditions.matches(tag, header: request.headers[.ifNoneMatch]) {
            return Response(status: .notModified, headers: headers)
        }
        return Response(
            status: .ok, headers: headers, body: ResponseBody(byteBuffer: bytes))
    }
}
