-- Records of walk tests. Never deleted: they prove what was tested, when and by whom.
CREATE TABLE commissionings (
    id         TEXT COLLATE "C" PRIMARY KEY,
    gateway    TEXT COLLATE "C" NOT NULL REFERENCES gateways (id),
    arrived_at BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    result     TEXT COLLATE "C" NOT NULL,
    body       TEXT COLLATE "C" NOT NULL
);
CREATE INDEX commissionings_by_gateway ON commissionings (gateway, started_at, id);

-- Test alerts are few; they are listed apart from what officers work on.
CREATE INDEX cases_drills ON cases (id) WHERE is_drill = 1;
CREATE INDEX alerts_by_gateway ON alerts (gateway, joined_at);
