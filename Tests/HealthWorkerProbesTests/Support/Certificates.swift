import Foundation
import FoundationEssentials
import NIOSSL

/// Certificates made by `openssl` for this run of the tests, in a folder of their own.
struct Certificates: Sendable {
    static let shared = Result { try Certificates() }

    let folder: URL

    /// The PEM file of the authority that signed all but `selfSigned`.
    var authority: String { folder.appending(path: "ca.pem").path }

    /// A server that presents `name`.
    ///
    /// - Parameters:
    ///   - protocols: What it speaks, by ALPN.
    ///   - newest: The newest version that it speaks, 1.0 being the oldest.
    ///   - asksForCertificate: Whether it takes only clients with a certificate of the authority.
    ///   - change: Whatever else is to be so.
    func server(
        _ name: String, protocols: [String] = ["http/1.1"], newest: TLSVersion = .tlsv13,
        asksForCertificate: Bool = false,
        _ change: (inout TLSConfiguration) -> Void = { _ in }
    ) throws -> NIOSSLContext {
        let certificates = try NIOSSLCertificate.fromPEMFile(
            folder.appending(path: "\(name).pem").path)
        let key = try NIOSSLPrivateKey(
            file: folder.appending(path: "\(name).key").path, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.applicationProtocols = protocols
        configuration.minimumTLSVersion = .tlsv1
        configuration.maximumTLSVersion = newest
        if asksForCertificate {
            configuration.certificateVerification = .noHostnameVerification
            configuration.trustRoots = .file(authority)
        }
        change(&configuration)
        return try NIOSSLContext(configuration: configuration)
    }

    private init() throws {
        folder = FileManager.default.temporaryDirectory
            .appending(path: "probe-certificates-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try write(
            """
            [req]
            distinguished_name = name
            [name]
            [ca]
            default_ca = authority
            [authority]
            database = index.txt
            new_certs_dir = .
            rand_serial = yes
            default_md = sha256
            unique_subject = no
            policy = policy
            [policy]
            commonName = supplied
            [leaf]
            basicConstraints = CA:FALSE
            subjectAltName = DNS:shop.example.com, DNS:*.cdn.example.com, IP:127.0.0.1
            """, to: "openssl.cnf")
        try write("", to: "index.txt")
        try openssl(
            "req -x509 -config openssl.cnf -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
                + " -keyout ca.key -out ca.pem -days 30 -subj /CN=Authority"
                + " -addext basicConstraints=critical,CA:TRUE")
        try openssl(
            "req -x509 -config openssl.cnf -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
                + " -keyout self.key -out self.pem -days 30 -subj /CN=shop.example.com"
                + " -addext subjectAltName=DNS:shop.example.com")
        try sign("good", from: "20240101000000Z", to: "20491231235959Z")
        try sign("expired", from: "20200101000000Z", to: "20210101000000Z")
        let week = ISO8601DateFormatter().string(from: Date() + 7 * 24 * 3600)
        try sign(
            "soon", from: "20240101000000Z", to: week.filter { $0.isNumber || $0 == "Z" })
        try sign("early", from: "20480101000000Z", to: "20491231235959Z")
    }

    private func sign(_ name: String, from start: String, to end: String) throws {
        try openssl(
            "req -new -config openssl.cnf -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
                + " -keyout \(name).key -out \(name).csr -subj /CN=\(name)")
        try openssl(
            "ca -batch -config openssl.cnf -cert ca.pem -keyfile ca.key -notext -in \(name).csr"
                + " -out \(name).pem -startdate \(start) -enddate \(end) -extensions leaf")
    }

    private func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: folder.appending(path: name))
    }

    private func openssl(_ arguments: String) throws {
        // What it says stays in the folder, for who looks into a failure.
        try shell("cd '\(folder.path)' && openssl \(arguments) >>openssl.log 2>&1 </dev/null")
    }
}
