-- Files of evidence. The bytes lie in a directory under their SHA-256; a row is only there when its file
-- is or was. The row stays when the file is let go.
CREATE TABLE evidence_files (
    case_id    BIGINT NOT NULL REFERENCES cases (id),
    sha256     TEXT COLLATE "C" NOT NULL,
    media_type TEXT COLLATE "C" NOT NULL,
    bytes      BIGINT NOT NULL,
    stored_by  TEXT COLLATE "C" NOT NULL,
    stored_at  BIGINT NOT NULL,
    removed_at BIGINT,
    PRIMARY KEY (case_id, sha256)
);
CREATE INDEX evidence_files_kept ON evidence_files (sha256, bytes) WHERE removed_at IS NULL;
CREATE INDEX evidence_files_by_age ON evidence_files (stored_at) WHERE removed_at IS NULL;

-- Who may see what is masked, until when; why stands in the audit.
CREATE TABLE reveals (
    case_id     BIGINT NOT NULL REFERENCES cases (id),
    username    TEXT COLLATE "C" NOT NULL,
    what        TEXT COLLATE "C" NOT NULL,
    revealed_at BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (case_id, username, what)
);

-- Lines of the audit that are about a case are seen by auditors of its area.
ALTER TABLE audit ADD COLUMN case_id BIGINT;
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX transitions_by_time ON transitions (at);

-- How many cases there were when a life of the store began: numbers beyond may come again.
ALTER TABLE epochs ADD COLUMN cases BIGINT NOT NULL DEFAULT 0;

-- As a child: how far the parent has answered.
CREATE TABLE parent_link (
    hub          TEXT COLLATE "C" PRIMARY KEY,
    epoch        BIGINT NOT NULL,
    sequence     BIGINT NOT NULL,
    parent_epoch BIGINT NOT NULL,
    pass_head    BIGINT,
    pass_case    BIGINT NOT NULL,
    wanted       TEXT COLLATE "C" NOT NULL,
    heads_at     BIGINT NOT NULL,
    rejected     BIGINT NOT NULL,
    holder       TEXT COLLATE "C" NOT NULL,
    lease_until  BIGINT NOT NULL
);

-- Cases that the parent has: it hears of them to their end.
CREATE TABLE parent_cases (
    case_id  BIGINT PRIMARY KEY REFERENCES cases (id),
    sequence BIGINT NOT NULL
);
CREATE INDEX cases_open_ids ON cases (id) WHERE is_open = 1;

-- Commands of the parent that were applied: each once, by this key.
CREATE TABLE parent_commands (
    id          TEXT COLLATE "C" PRIMARY KEY,
    case_id     BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    outcome     TEXT COLLATE "C" NOT NULL,
    reported_at BIGINT
);
CREATE INDEX parent_commands_to_report ON parent_commands (at) WHERE reported_at IS NULL;

-- As a parent: the children, what they told last, their cases.
CREATE TABLE child_hubs (
    id         TEXT COLLATE "C" PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL,
    area       TEXT COLLATE "C" NOT NULL,
    area_path  TEXT COLLATE "C" NOT NULL,
    key_hash   TEXT COLLATE "C" NOT NULL UNIQUE,
    added_at   BIGINT NOT NULL,
    revoked_at BIGINT
);

CREATE TABLE child_status (
    hub               TEXT COLLATE "C" PRIMARY KEY REFERENCES child_hubs (id),
    last_heartbeat_at BIGINT,
    known_epoch       BIGINT,
    known_sequence    BIGINT,
    public_key        TEXT COLLATE "C" NOT NULL,
    audit_problem     TEXT COLLATE "C",
    body              TEXT COLLATE "C"
);

CREATE TABLE child_cases (
    hub          TEXT COLLATE "C" NOT NULL REFERENCES child_hubs (id),
    case_epoch   BIGINT NOT NULL,
    case_id      BIGINT NOT NULL,
    sent_epoch   BIGINT NOT NULL,
    sequence     BIGINT NOT NULL,
    number       TEXT COLLATE "C" NOT NULL,
    state        TEXT COLLATE "C" NOT NULL,
    is_open      BIGINT NOT NULL,
    severity     BIGINT NOT NULL,
    category     TEXT COLLATE "C" NOT NULL,
    area_path    TEXT COLLATE "C" NOT NULL,
    card         TEXT COLLATE "C" NOT NULL,
    is_drill     BIGINT NOT NULL,
    opened_at    BIGINT NOT NULL,
    due_at       BIGINT,
    called       TEXT COLLATE "C" NOT NULL,
    calls_waiting BIGINT NOT NULL,
    received_at  BIGINT NOT NULL,
    lost_at      BIGINT,
    body         TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (hub, case_epoch, case_id)
);
CREATE INDEX child_cases_open ON child_cases (severity, opened_at) WHERE is_open = 1 AND lost_at IS NULL;
CREATE INDEX child_cases_by_opening ON child_cases (opened_at);

CREATE TABLE child_heads (
    hub              TEXT COLLATE "C" NOT NULL REFERENCES child_hubs (id),
    epoch            BIGINT NOT NULL,
    signature        TEXT COLLATE "C" NOT NULL,
    at               BIGINT NOT NULL,
    audit_links      BIGINT NOT NULL,
    transition_links BIGINT NOT NULL,
    public_key       TEXT COLLATE "C" NOT NULL,
    received_at      BIGINT NOT NULL,
    body             TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (hub, epoch, signature)
);
CREATE INDEX child_heads_by_time ON child_heads (hub, at);

CREATE TABLE child_commands (
    id         TEXT COLLATE "C" PRIMARY KEY,
    hub        TEXT COLLATE "C" NOT NULL REFERENCES child_hubs (id),
    case_epoch BIGINT NOT NULL,
    case_id    BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    asked_by   TEXT COLLATE "C" NOT NULL,
    body       TEXT COLLATE "C" NOT NULL,
    outcome    TEXT COLLATE "C",
    settled_at BIGINT
);
CREATE INDEX child_commands_waiting ON child_commands (hub, at, id) WHERE outcome IS NULL;
CREATE INDEX child_commands_by_case ON child_commands (hub, case_epoch, case_id, at);
