import HealthWorkerDocument
import HealthWorkerModel
import Testing

/// The tables of the predecessor, as the dump programs of MariaDB 10.11 and PostgreSQL 15 wrote them.
@Suite struct ImportTests {
    private static let mysql = #"""
        /*M!999999\- enable the sandbox mode */ 
        -- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
        --
        -- Host: localhost    Database: health_worker
        -- ------------------------------------------------------
        -- Server version	10.11.19-MariaDB-0+deb12u1
        /*!40101 SET NAMES utf8mb4 */;
        /*!40103 SET TIME_ZONE='+00:00' */;
        --
        -- Table structure for table `health_checks`
        --
        DROP TABLE IF EXISTS `health_checks`;
        /*!40101 SET @saved_cs_client     = @@character_set_client */;
        /*!40101 SET character_set_client = utf8mb4 */;
        CREATE TABLE `health_checks` (
          `id` int(11) NOT NULL AUTO_INCREMENT,
          `name` varchar(255) NOT NULL,
          `type` tinyint(4) DEFAULT 0,
          `check_interval` int(11) DEFAULT NULL,
          `threshould` int(11) DEFAULT NULL,
          `params` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`params`)),
          PRIMARY KEY (`id`),
          UNIQUE KEY `name` (`name`)
        ) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
        /*!40101 SET character_set_client = @saved_cs_client */;
        --
        -- Dumping data for table `health_checks`
        --
        LOCK TABLES `health_checks` WRITE;
        /*!40000 ALTER TABLE `health_checks` DISABLE KEYS */;
        INSERT INTO `health_checks` VALUES
        (1,'Shop Login (fra1)',1,10,3,'{\"Addr\":\"192.0.2.10\",\"Port\":443,\"HostName\":\"www.example.com\",\"Path\":\"health\",\"SearchWord\":\"it\'s \\\"ok\\\"\",\"Timeout\":5000000000}'),
        (2,'shop login fra1',0,5,NULL,'{\"Addr\":\"198.51.100.10\",\"Port\":8080,\"HostName\":\"\",\"Path\":\"/\",\"SearchWord\":\"\",\"Timeout\":60000000000}'),
        (3,'mail',2,NULL,0,'{\"Addr\":\"192.0.2.25\",\"Port\":25,\"HostName\":\"\",\"Path\":\"\",\"SearchWord\":\"\",\"Timeout\":0}'),
        (4,'ünused; check',2,30,2,NULL);
        /*!40000 ALTER TABLE `health_checks` ENABLE KEYS */;
        UNLOCK TABLES;
        --
        -- Table structure for table `routing_policies`
        --
        DROP TABLE IF EXISTS `routing_policies`;
        /*!40101 SET @saved_cs_client     = @@character_set_client */;
        /*!40101 SET character_set_client = utf8mb4 */;
        CREATE TABLE `routing_policies` (
          `id` int(11) NOT NULL AUTO_INCREMENT,
          `record_id` int(11) NOT NULL,
          `health_check_id` int(11) NOT NULL,
          `type` tinyint(4) DEFAULT 0,
          PRIMARY KEY (`id`)
        ) ENGINE=InnoDB AUTO_INCREMENT=6 DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
        /*!40101 SET character_set_client = @saved_cs_client */;
        --
        -- Dumping data for table `routing_policies`
        --
        LOCK TABLES `routing_policies` WRITE;
        /*!40000 ALTER TABLE `routing_policies` DISABLE KEYS */;
        INSERT INTO `routing_policies` VALUES
        (1,11,1,1),
        (2,12,1,2),
        (3,13,3,3),
        (4,14,3,3),
        (5,99,1,0);
        /*!40000 ALTER TABLE `routing_policies` ENABLE KEYS */;
        UNLOCK TABLES;
        -- Dump completed on 2026-11-26 15:33:58
        /*M!999999\- enable the sandbox mode */ 
        -- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
        --
        -- Host: localhost    Database: pdns
        -- ------------------------------------------------------
        -- Server version	10.11.19-MariaDB-0+deb12u1
        /*!40101 SET NAMES utf8mb4 */;
        /*!40103 SET TIME_ZONE='+00:00' */;
        --
        -- Table structure for table `records`
        --
        DROP TABLE IF EXISTS `records`;
        /*!40101 SET @saved_cs_client     = @@character_set_client */;
        /*!40101 SET character_set_client = utf8mb4 */;
        CREATE TABLE `records` (
          `id` bigint(20) NOT NULL AUTO_INCREMENT,
          `domain_id` int(11) DEFAULT NULL,
          `name` varchar(255) DEFAULT NULL,
          `type` varchar(10) DEFAULT NULL,
          `content` varchar(64000) DEFAULT NULL,
          `ttl` int(11) DEFAULT NULL,
          `prio` int(11) DEFAULT NULL,
          `disabled` tinyint(1) DEFAULT 0,
          `ordername` varchar(255) CHARACTER SET latin1 COLLATE latin1_bin DEFAULT NULL,
          `auth` tinyint(1) DEFAULT 1,
          PRIMARY KEY (`id`)
        ) ENGINE=InnoDB AUTO_INCREMENT=15 DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
        /*!40101 SET character_set_client = @saved_cs_client */;
        --
        -- Dumping data for table `records`
        --
        LOCK TABLES `records` WRITE;
        /*!40000 ALTER TABLE `records` DISABLE KEYS */;
        INSERT INTO `records` VALUES
        (10,1,'example.com','SOA','ns1.example.com host.example.com 1 1 1 1 1',3600,NULL,0,NULL,1),
        (11,1,'www.example.com','A','192.0.2.10',60,NULL,0,NULL,1),
        (12,1,'www.example.com','A','198.51.100.10',60,NULL,0,NULL,1),
        (13,1,'mail.example.com','A','192.0.2.25',120,NULL,0,NULL,1),
        (14,1,'mail.example.com','A','192.0.2.26',120,NULL,0,NULL,1);
        /*!40000 ALTER TABLE `records` ENABLE KEYS */;
        UNLOCK TABLES;
        -- Dump completed on 2026-11-26 15:33:58
        """#

    private static let copy = #"""
        SET statement_timeout = 0;
        SET client_encoding = 'UTF8';
        SET standard_conforming_strings = on;
        SET check_function_bodies = false;
        SET client_min_messages = warning;
        CREATE TABLE public.health_checks (
            id integer NOT NULL,
            name character varying(255) NOT NULL,
            type smallint DEFAULT 0,
            check_interval integer,
            threshould integer,
            params jsonb
        );
        CREATE TABLE public.records (
            id bigint NOT NULL,
            domain_id integer,
            name character varying(255),
            type character varying(10),
            content character varying(65535),
            ttl integer
        );
        CREATE TABLE public.routing_policies (
            id integer NOT NULL,
            record_id integer NOT NULL,
            health_check_id integer NOT NULL,
            type smallint DEFAULT 0
        );
        COPY public.health_checks (id, name, type, check_interval, threshould, params) FROM stdin;
        1	Shop Login (fra1)	1	10	3	{"Addr": "192.0.2.10", "Path": "health", "Port": 443, "Timeout": 5000000000, "HostName": "www.example.com", "SearchWord": "it's \\"ok\\"\\t"}
        3	mail	2	\N	0	{"Addr": "192.0.2.25", "Port": 25}
        \.
        COPY public.records (id, domain_id, name, type, content, ttl) FROM stdin;
        11	1	www.example.com	A	192.0.2.10	60
        12	1	www.example.com	A	198.51.100.10	60
        \.
        COPY public.routing_policies (id, record_id, health_check_id, type) FROM stdin;
        1	11	1	1
        2	12	1	2
        \.
        """#

    private static let inserts = #"""
        SET statement_timeout = 0;
        SET client_encoding = 'UTF8';
        SET standard_conforming_strings = on;
        SET check_function_bodies = false;
        SET client_min_messages = warning;
        CREATE TABLE public.health_checks (
            id integer NOT NULL,
            name character varying(255) NOT NULL,
            type smallint DEFAULT 0,
            check_interval integer,
            threshould integer,
            params jsonb
        );
        CREATE TABLE public.records (
            id bigint NOT NULL,
            domain_id integer,
            name character varying(255),
            type character varying(10),
            content character varying(65535),
            ttl integer
        );
        CREATE TABLE public.routing_policies (
            id integer NOT NULL,
            record_id integer NOT NULL,
            health_check_id integer NOT NULL,
            type smallint DEFAULT 0
        );
        INSERT INTO public.health_checks VALUES (1, 'Shop Login (fra1)', 1, 10, 3, '{"Addr": "192.0.2.10", "Path": "health", "Port": 443, "Timeout": 5000000000, "HostName": "www.example.com", "SearchWord": "it''s \"ok\"\t"}');
        INSERT INTO public.health_checks VALUES (3, 'mail', 2, NULL, 0, '{"Addr": "192.0.2.25", "Port": 25}');
        INSERT INTO public.records VALUES (11, 1, 'www.example.com', 'A', '192.0.2.10', 60);
        INSERT INTO public.records VALUES (12, 1, 'www.example.com', 'A', '198.51.100.10', 60);
        INSERT INTO public.routing_policies VALUES (1, 11, 1, 1);
        INSERT INTO public.routing_policies VALUES (2, 12, 1, 2);
        """#

    private func imported(
        _ text: String, _ change: (inout PredecessorTables) -> Void = { _ in }
    ) throws -> PredecessorTables.Import {
        var tables = PredecessorTables(try SQLDump(text, tables: PredecessorTables.names))
        change(&tables)
        return try tables.read()
    }

    @Test func `checks keep what they asked, and how often and how patiently`() throws {
        let read = try imported(Self.mysql)

        let login = try #require(read.checks.first)
        #expect(
            read.checks.map(\.name) == ["shop-login-fra1", "shop-login-fra1-2", "mail"])
        #expect(login.type == .https)
        #expect(login.target == Target(host: "192.0.2.10", port: 443))
        #expect(login.interval == .seconds(10))
        #expect(login.fall == 3)
        #expect(login.rise == 1)
        #expect(login.timeout == .seconds(5))
        #expect(login.http?.path == "/health")
        #expect(login.http?.host == "www.example.com")
        #expect(login.expect.bodyContains == #"it's "ok""#)
        #expect(login.description == "Shop Login (fra1)")
        #expect(read.checks[1].timeout == .seconds(5))
        #expect(read.notes.contains { $0.contains("time-out of 1m, which is 5s now") })
        #expect(read.checks[2].type == .tcp)
        #expect(read.checks[2].timeout == nil)
        #expect(read.checks[2].fall == 1)
        #expect(read.notes.contains { $0.hasPrefix("health check ünused; check is left out") })
    }

    @Test func `policies of one record name become one, that writes nothing yet`() throws {
        let read = try imported(Self.mysql) { $0.sink = "dns" }

        let www = try #require(read.policies.first)
        #expect(read.policies.map(\.name) == ["www.example.com-a", "mail.example.com-a"])
        #expect(www.type == .failover)
        #expect(www.mode == .observe)
        #expect(www.ttl == 60)
        #expect(www.publish == [Publication(sink: "dns", name: "www.example.com", adopt: true)])
        #expect(www.members.map(\.value) == ["192.0.2.10", "198.51.100.10"])
        #expect(www.members.map(\.priority) == [10, 20])
        #expect(www.members.map(\.check) == ["shop-login-fra1", nil])
        #expect(read.policies[1].type == .detach)
        #expect(read.policies[1].members.map(\.check) == ["mail", "mail"])
        #expect(read.notes.contains("routing policy 5 is left out: there is no record 99"))
    }

    @Test(arguments: ["mysql", "copy", "inserts"])
    func `what comes out is a document, whatever wrote the dump`(kind: String) throws {
        let dump = ["mysql": Self.mysql, "copy": Self.copy, "inserts": Self.inserts][kind] ?? ""

        let read = try imported(dump)
        let yaml = try read.yaml(set: "old")

        #expect(read.checks.first?.http?.host == "www.example.com")
        #expect(read.checks.first?.expect.bodyContains?.hasPrefix(#"it's "ok""#) == true)
        #expect(read.policies.first?.members.count == 2)
        #expect(yaml.hasPrefix("# "))
        let document = try compiled(yaml)
        #expect(document.set == "old")
        #expect(document.checks.count == read.checks.count)
        #expect(document.policies.count == read.policies.count)
    }

    @Test func `any status is a success where the old way is asked for`() throws {
        let read = try imported(Self.mysql) { $0.anyStatus = true }

        #expect(read.checks[0].expect.status == [StatusRange(100...599)])
        #expect(read.checks[2].expect.status == Expectation().status)
    }

    @Test func `without the records there are checks, and a note`() throws {
        let dump = Self.mysql
        let cut = try #require(dump.firstRange(of: "DROP TABLE IF EXISTS `records`"))

        let read = try imported(String(dump[..<cut.lowerBound]))

        #expect(read.checks.count == 3)
        #expect(read.policies.isEmpty)
        #expect(read.notes.contains { $0.hasPrefix("5 routing policies are left out") })
    }

    @Test(arguments: [
        ("SELECT 1;", "there is no table health_checks"),
        ("INSERT INTO health_checks VALUES (1);", "the columns of health_checks are not known"),
        ("INSERT INTO health_checks (id, name) VALUES (1, 'a", "a text has no end"),
        ("INSERT INTO health_checks (id, name) VALUES (1);", "does not have a value for each"),
        ("INSERT INTO health_checks (id, type) VALUES (1, 7);", "is of the type 7"),
        (
            "INSERT INTO health_checks (id, name, params) VALUES (1, 'a', 'x');",
            "the params of the health check a are no JSON object"
        ),
    ])
    func `what cannot be read is told`(text: String, sentence: String) throws {
        let error = #expect(throws: Problems.self) { _ = try imported(text) }

        #expect(error?.description.contains(sentence) == true, "\(error?.description ?? "")")
    }
}
