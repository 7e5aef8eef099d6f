/// What `init` prints: commented, valid documents to start from.
package enum StartingDocument: String, Sendable, CaseIterable {
    case check
    case failover
    case detach

    /// The first line tells editors where the schema is: at the API, as it listens by default.
    package var text: String {
        let document =
            switch self {
            case .check: Self.checkText
            case .failover: Self.failoverText
            case .detach: Self.detachText
            }
        return "# yaml-language-server: $schema=http://127.0.0.1:8080\(Schema.documentPath)\n"
            + document
    }

    private static let checkText = """
        # A check: what is probed, how often, and what counts as a success.
        # See what would change:            health-worker diff -f FILE
        # Store it:                         health-worker apply -f FILE
        format: 1
        set: example        # who owns these objects: apply deletes what leaves the set

        checks:
        - name: shop-login-fra1
          description: Login as a customer sees it
          labels: {site: fra1}
          type: https       # http | https | tcp
          target:           # where we connect: an address, or a DNS name
            host: 192.0.2.10
            port: 443
          interval: 10s     # 1s to 24h
          timeout: 5s       # for the whole probe
          fall: 3           # failures in a row until it is unhealthy
          rise: 2           # successes in a row until it is healthy again
          http:
            method: GET
            path: /health
            host: shop.example.com   # the Host header, and the name in the certificate
            # secret_headers: {Authorization: secret:shop-probe}
          expect:
            status: [200, "204-299"]
            # body_contains: '"db":"ok"'

        """

    private static let failoverText = """
        # Failover: the first tier with a healthy member is published.
        # See what would change:  health-worker diff -f FILE
        # Store it:               health-worker apply -f FILE
        format: 1
        set: example        # who owns these objects: apply deletes what leaves the set

        policies:
        - name: www
          type: failover
          mode: observe     # decides and reports, writes nothing; live once it looks right
          member_check:     # one check for each member: what is probed is what is published
            type: https
            interval: 10s
            http: {host: www.example.com, path: /health}
          members:          # the lower priority is preferred; equal ones are one tier
          - {name: fra1, value: 192.0.2.10, priority: 10}
          - {name: ams1, value: 198.51.100.10, priority: 20}
          failback: auto    # or manual: back by `health-worker failback` only
          failback_delay: 5m         # the better tier must have been healthy this long
          on_all_unhealthy: primary  # primary | last | all | fallback | empty
          ttl: 30           # seconds
          ttl_degraded: 10  # while any member is out
          publish:
          - {sink: dns, name: www.example.com}

        """

    private static let detachText = """
        # Detach: every healthy member is published; an unhealthy one leaves alone.
        # See what would change:  health-worker diff -f FILE
        # Store it:               health-worker apply -f FILE
        format: 1
        set: example        # who owns these objects: apply deletes what leaves the set

        policies:
        - name: api
          type: detach
          mode: observe     # decides and reports, writes nothing; live once it looks right
          member_check:     # one check for each member: what is probed is what is published
            type: http
            target: {port: 8080}
            interval: 10s
            http: {host: api.example.com, path: /health}
          members:
          - {name: web1, value: 192.0.2.11}
          - {name: web2, value: 192.0.2.12}
          - {name: web3, value: 192.0.2.13}
          min_healthy: 1    # with fewer, on_all_unhealthy decides
          on_all_unhealthy: all      # all | last | fallback | empty
          reattach: auto    # or manual: back by `health-worker reattach` only
          reattach_delay: 30s        # a member must have been healthy this long
          ttl: 30           # seconds
          publish:
          - {sink: dns, name: api.example.com}

        """
}
