package import HealthWorkerStorage

extension PostgreSQLStorage {
    /// Where the servers of `url` listen: every host that libpq may try, and its port. One that is
    /// reached by a socket in the file system is taken to listen on `localhost`, too.
    package static func listeners(
        of url: String
    ) throws(StorageError) -> [(host: String, port: Int)] {
        try ServerAddress(url: url).places.flatMap { place in
            let hosts = [place.host, place.address].compactMap(\.self)
            let tried = hosts.isEmpty ? [ServerAddress.environment("PGHOST") ?? ""] : hosts
            return tried.map { host in
                let isSocket = host.isEmpty || host.hasPrefix("/") || host.hasPrefix("@")
                return (isSocket ? "localhost" : host, Int(place.port) ?? 5432)
            }
        }
    }
}
