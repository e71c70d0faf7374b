-- One row for each message to one recipient of one channel about one event. `state` is waiting,
-- sending (until `lease_until`, by `lease_owner`), delivered, merged (its news went out with the row
-- `message_id`), or dead (given up; can be sent again). `message_id` is the message that carried it.
CREATE TABLE notifications (
    id          TEXT COLLATE "C" PRIMARY KEY,
    channel     TEXT COLLATE "C" NOT NULL,
    recipient   TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    case_id     BIGINT NOT NULL,
    event_seq   BIGINT NOT NULL,
    severity    BIGINT NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,
    attempts    BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    since       BIGINT NOT NULL,
    next_at     BIGINT NOT NULL,
    message_id  TEXT COLLATE "C",
    lease_owner TEXT COLLATE "C",
    lease_until BIGINT,
    ended_at    BIGINT,
    error       TEXT COLLATE "C",
    answer      TEXT COLLATE "C",
    body        TEXT COLLATE "C" NOT NULL
);
-- An event makes one row, however often it is looked at.
CREATE UNIQUE INDEX one_notification_per_event
    ON notifications (case_id, channel, recipient, kind, event_seq);
CREATE INDEX notifications_due ON notifications (channel, next_at) WHERE state IN ('waiting', 'sending');
CREATE INDEX notifications_dead ON notifications (id) WHERE state = 'dead';

-- What was handed to a provider, for its quota; rows older than the longest window are removed.
CREATE TABLE notification_sends (
    id          TEXT COLLATE "C" PRIMARY KEY,
    channel     TEXT COLLATE "C" NOT NULL,
    recipient   TEXT COLLATE "C" NOT NULL,
    lease_until BIGINT NOT NULL,
    ended_at    BIGINT
);
CREATE INDEX notification_sends_by_channel ON notification_sends (channel, lease_until);

-- One row for each channel, locked while its quota is counted; a provider's "too many" pauses it.
CREATE TABLE notification_channels (
    channel      TEXT COLLATE "C" PRIMARY KEY,
    paused_until BIGINT NOT NULL,
    counted_at   BIGINT NOT NULL
);

-- What happened before there were notifications is not told.
INSERT INTO counters (name, value) SELECT 'notify', value FROM counters WHERE name = 'event';
