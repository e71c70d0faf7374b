-- Ground with a known danger, drawn on the map. `outline` is a GeoJSON geometry in WGS84; `area` is the area
-- that it belongs to. Risk areas may lie on each other.
CREATE TABLE risk_areas (
    code    TEXT PRIMARY KEY,
    domain  TEXT NOT NULL,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    area    TEXT NOT NULL,
    outline TEXT NOT NULL,
    datum   TEXT NOT NULL
);

-- The last position that somebody reported with an action on a case: one row for each person, and no track.
CREATE TABLE worker_positions (
    username   TEXT PRIMARY KEY REFERENCES users (name),
    case_id    BIGINT NOT NULL REFERENCES cases (id),
    at         BIGINT NOT NULL,
    lat        DOUBLE PRECISION NOT NULL,
    lon        DOUBLE PRECISION NOT NULL,
    accuracy_m BIGINT
);

-- The map adds up open cases by place out of this index alone.
CREATE INDEX cases_open_by_place ON cases (area_path, site, severity) WHERE is_open = 1 AND is_drill = 0;
