-- compatible_from: 99.1.0
--
-- As the version after that takes away what nobody reads any more.

DROP TABLE notes;
