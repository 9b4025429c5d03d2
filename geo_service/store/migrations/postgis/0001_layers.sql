-- Layers with versions, the present state of every feature, and the full history of every change;
-- accounts, sessions and notes. The same tables as in SQLite, in a schema of the district's own.
-- Documents are canonical GeoJSON Features; type json keeps their text as it is. History only grows: see the
-- triggers. What QGIS needs (geometry, name, status) PostgreSQL works out of the document by itself.

CREATE TABLE schema_version (
    version bigint NOT NULL,
    application bigint NOT NULL,
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only)
);

CREATE TABLE layers (
    name text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0)
);

-- One row per id for ever: a removed feature keeps its row, so that its id is never used again.
CREATE TABLE features (
    seq bigint PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    layer text COLLATE "C" NOT NULL REFERENCES layers (name),
    version bigint NOT NULL CHECK (version > 0), -- of the layer, when the feature last changed
    is_removed boolean NOT NULL,
    doc json NOT NULL,
    name text GENERATED ALWAYS AS (doc -> 'properties' ->> 'name') STORED,
    status text GENERATED ALWAYS AS (doc -> 'properties' ->> 'status') STORED,
    point geometry(Point, 4326) GENERATED ALWAYS AS (
        CASE WHEN doc -> 'geometry' ->> 'type' = 'Point' THEN ST_GeomFromGeoJSON(doc ->> 'geometry') END
    ) STORED,
    area geometry(MultiPolygon, 4326) GENERATED ALWAYS AS (
        CASE WHEN doc -> 'geometry' ->> 'type' <> 'Point' THEN ST_Multi(ST_GeomFromGeoJSON(doc ->> 'geometry')) END
    ) STORED
);
CREATE INDEX features_by_layer ON features (layer, is_removed);
CREATE INDEX features_by_point ON features USING gist (point);
CREATE INDEX features_by_area ON features USING gist (area);

CREATE TABLE changes (
    id bigint PRIMARY KEY,
    at text NOT NULL, -- UTC, ISO 8601
    actor text NOT NULL,
    role text NOT NULL,
    source text NOT NULL
);
CREATE INDEX changes_by_role ON changes (role);

CREATE TABLE history (
    seq bigint PRIMARY KEY,
    change_id bigint NOT NULL REFERENCES changes (id),
    layer text COLLATE "C" NOT NULL REFERENCES layers (name),
    feature_id text COLLATE "C" NOT NULL REFERENCES features (id),
    version bigint NOT NULL,
    previous bigint, -- version of the feature's change before this one
    doc json, -- NULL: removed
    UNIQUE (feature_id, version),
    FOREIGN KEY (feature_id, previous) REFERENCES history (feature_id, version)
);
CREATE INDEX history_by_layer ON history (layer, version);
CREATE INDEX history_by_change ON history (change_id);

-- What a source itself last said about a feature, before it was merged with what others know.
CREATE TABLE snapshots (
    layer text COLLATE "C" NOT NULL REFERENCES layers (name),
    role text COLLATE "C" NOT NULL,
    feature_id text COLLATE "C" NOT NULL REFERENCES features (id),
    change_id bigint NOT NULL REFERENCES changes (id),
    doc json NOT NULL,
    PRIMARY KEY (layer, role, feature_id)
);

CREATE TABLE accounts (
    name text COLLATE "C" PRIMARY KEY,
    password_hash text NOT NULL,
    role text NOT NULL CHECK (role IN ('viewer', 'verifier', 'editor', 'admin')),
    created_at text NOT NULL,
    layers text NOT NULL CHECK (layers::json IS NOT NULL),
    places text NOT NULL CHECK (places::json IS NOT NULL),
    is_active boolean NOT NULL,
    must_change_password boolean NOT NULL
);

-- Of a token only its digest is kept.
CREATE TABLE sessions (
    digest text COLLATE "C" PRIMARY KEY,
    account text COLLATE "C" NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    created_at text NOT NULL,
    seen_at text NOT NULL,
    expires_at text COLLATE "C" NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE notes (
    key text COLLATE "C" PRIMARY KEY,
    value text NOT NULL CHECK (value::json IS NOT NULL)
);

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER history_keeps BEFORE UPDATE OR DELETE OR TRUNCATE ON history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('history only grows');
CREATE TRIGGER changes_keeps BEFORE UPDATE OR DELETE OR TRUNCATE ON changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('history only grows');
CREATE TRIGGER features_keeps_rows BEFORE DELETE OR TRUNCATE ON features
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('ids are never reused');
CREATE TRIGGER layers_keeps_rows BEFORE DELETE OR TRUNCATE ON layers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('versions only grow');
CREATE TRIGGER features_versions_grow BEFORE UPDATE ON features FOR EACH ROW
    WHEN (new.id <> old.id OR new.layer <> old.layer OR new.version <= old.version)
    EXECUTE FUNCTION refuse('versions only grow');
CREATE TRIGGER layers_versions_grow BEFORE UPDATE ON layers FOR EACH ROW
    WHEN (new.name <> old.name OR new.version <= old.version)
    EXECUTE FUNCTION refuse('versions only grow');

-- The history in the words of a person who asks with SQL.
CREATE VIEW changelog AS
    SELECT h.seq, h.change_id, c.at::timestamptz AS at, c.actor, c.role, c.source, h.layer, h.feature_id,
        h.version, h.previous, h.doc IS NULL AS is_removal, h.doc
    FROM history h JOIN changes c ON c.id = h.change_id;
