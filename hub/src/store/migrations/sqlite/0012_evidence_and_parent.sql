-- Files of evidence. The bytes lie in a directory under their SHA-256; a row is only there when its file
-- is or was. The row stays when the file is let go.
CREATE TABLE evidence_files (
    case_id    INTEGER NOT NULL REFERENCES cases (id),
    sha256     TEXT NOT NULL,
    media_type TEXT NOT NULL,
    bytes      INTEGER NOT NULL,
    stored_by  TEXT NOT NULL,
    stored_at  INTEGER NOT NULL,
    removed_at INTEGER,
    PRIMARY KEY (case_id, sha256)
);
CREATE INDEX evidence_files_kept ON evidence_files (sha256, bytes) WHERE removed_at IS NULL;
CREATE INDEX evidence_files_by_age ON evidence_files (stored_at) WHERE removed_at IS NULL;

-- Who may see what is masked, until when; why stands in the audit.
CREATE TABLE reveals (
    case_id     INTEGER NOT NULL REFERENCES cases (id),
    username    TEXT NOT NULL,
    what        TEXT NOT NULL,
    revealed_at INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (case_id, username, what)
);

-- Lines of the audit that are about a case are seen by auditors of its area.
ALTER TABLE audit ADD COLUMN case_id INTEGER;
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX transitions_by_time ON transitions (at);

-- How many cases there were when a life of the store began: numbers beyond may come again.
ALTER TABLE epochs ADD COLUMN cases INTEGER NOT NULL DEFAULT 0;

-- As a child: how far the parent has answered.
CREATE TABLE parent_link (
    hub          TEXT PRIMARY KEY,
    epoch        INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,
    parent_epoch INTEGER NOT NULL,
    pass_head    INTEGER,
    pass_case    INTEGER NOT NULL,
    wanted       TEXT NOT NULL,
    heads_at     INTEGER NOT NULL,
    rejected     INTEGER NOT NULL,
    holder       TEXT NOT NULL,
    lease_until  INTEGER NOT NULL
);

-- Cases that the parent has: it hears of them to their end.
CREATE TABLE parent_cases (
    case_id  INTEGER PRIMARY KEY REFERENCES cases (id),
    sequence INTEGER NOT NULL
);
CREATE INDEX cases_open_ids ON cases (id) WHERE is_open = 1;

-- Commands of the parent that were applied: each once, by this key.
CREATE TABLE parent_commands (
    id          TEXT PRIMARY KEY,
    case_id     INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    outcome     TEXT NOT NULL,
    reported_at INTEGER
);
CREATE INDEX parent_commands_to_report ON parent_commands (at) WHERE reported_at IS NULL;

-- As a parent: the children, what they told last, their cases.
CREATE TABLE child_hubs (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    area       TEXT NOT NULL,
    area_path  TEXT NOT NULL,
    key_hash   TEXT NOT NULL UNIQUE,
    added_at   INTEGER NOT NULL,
    revoked_at INTEGER
);

CREATE TABLE child_status (
    hub               TEXT PRIMARY KEY REFERENCES child_hubs (id),
    last_heartbeat_at INTEGER,
    known_epoch       INTEGER,
    known_sequence    INTEGER,
    public_key        TEXT NOT NULL,
    audit_problem     TEXT,
    body              TEXT
);

CREATE TABLE child_cases (
    hub          TEXT NOT NULL REFERENCES child_hubs (id),
    case_epoch   INTEGER NOT NULL,
    case_id      INTEGER NOT NULL,
    sent_epoch   INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,
    number       TEXT NOT NULL,
    state        TEXT NOT NULL,
    is_open      INTEGER NOT NULL,
    severity     INTEGER NOT NULL,
    category     TEXT NOT NULL,
    area_path    TEXT NOT NULL,
    card         TEXT NOT NULL,
    is_drill     INTEGER NOT NULL,
    opened_at    INTEGER NOT NULL,
    due_at       INTEGER,
    called       TEXT NOT NULL,
    calls_waiting INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    lost_at      INTEGER,
    body         TEXT NOT NULL,
    PRIMARY KEY (hub, case_epoch, case_id)
);
CREATE INDEX child_cases_open ON child_cases (severity, opened_at) WHERE is_open = 1 AND lost_at IS NULL;
CREATE INDEX child_cases_by_opening ON child_cases (opened_at);

CREATE TABLE child_heads (
    hub              TEXT NOT NULL REFERENCES child_hubs (id),
    epoch            INTEGER NOT NULL,
    signature        TEXT NOT NULL,
    at               INTEGER NOT NULL,
    audit_links      INTEGER NOT NULL,
    transition_links INTEGER NOT NULL,
    public_key       TEXT NOT NULL,
    received_at      INTEGER NOT NULL,
    body             TEXT NOT NULL,
    PRIMARY KEY (hub, epoch, signature)
);
CREATE INDEX child_heads_by_time ON child_heads (hub, at);

CREATE TABLE child_commands (
    id         TEXT PRIMARY KEY,
    hub        TEXT NOT NULL REFERENCES child_hubs (id),
    case_epoch INTEGER NOT NULL,
    case_id    INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    asked_by   TEXT NOT NULL,
    body       TEXT NOT NULL,
    outcome    TEXT,
    settled_at INTEGER
);
CREATE INDEX child_commands_waiting ON child_commands (hub, at, id) WHERE outcome IS NULL;
CREATE INDEX child_commands_by_case ON child_commands (hub, case_epoch, case_id, at);
