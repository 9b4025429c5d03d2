-- Layers with versions, the present state of every feature, and the full history of every change.
-- Documents are canonical GeoJSON Features. History only grows: see the triggers.

CREATE TABLE layers (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL CHECK (version > 0)
) STRICT, WITHOUT ROWID;

-- One row per id for ever: a removed feature keeps its row, so that its id is never used again.
CREATE TABLE features (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    layer TEXT NOT NULL REFERENCES layers (name),
    version INTEGER NOT NULL CHECK (version > 0), -- of the layer, when the feature last changed
    is_removed INTEGER NOT NULL CHECK (is_removed IN (0, 1)),
    doc TEXT NOT NULL CHECK (json_valid(doc))
) STRICT;
CREATE INDEX features_by_layer ON features (layer, is_removed);

CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL, -- UTC, ISO 8601
    actor TEXT NOT NULL,
    role TEXT NOT NULL,
    source TEXT NOT NULL
) STRICT;
CREATE INDEX changes_by_role ON changes (role);

CREATE TABLE history (
    seq INTEGER PRIMARY KEY,
    change_id INTEGER NOT NULL REFERENCES changes (id),
    layer TEXT NOT NULL REFERENCES layers (name),
    feature_id TEXT NOT NULL REFERENCES features (id),
    version INTEGER NOT NULL,
    previous INTEGER, -- version of the feature's change before this one
    doc TEXT CHECK (doc IS NULL OR json_valid(doc)), -- NULL: removed
    UNIQUE (feature_id, version),
    FOREIGN KEY (feature_id, previous) REFERENCES history (feature_id, version)
) STRICT;
CREATE INDEX history_by_layer ON history (layer, version);
CREATE INDEX history_by_change ON history (change_id);

-- What a source itself last said about a feature, before it was merged with what others know.
CREATE TABLE snapshots (
    layer TEXT NOT NULL REFERENCES layers (name),
    role TEXT NOT NULL,
    feature_id TEXT NOT NULL REFERENCES features (id),
    change_id INTEGER NOT NULL REFERENCES changes (id),
    doc TEXT NOT NULL CHECK (json_valid(doc)),
    PRIMARY KEY (layer, role, feature_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER history_keeps_rows BEFORE DELETE ON history BEGIN SELECT raise(ABORT, 'history only grows'); END;
CREATE TRIGGER history_keeps_values BEFORE UPDATE ON history BEGIN SELECT raise(ABORT, 'history only grows'); END;
CREATE TRIGGER changes_keeps_rows BEFORE DELETE ON changes BEGIN SELECT raise(ABORT, 'history only grows'); END;
CREATE TRIGGER changes_keeps_values BEFORE UPDATE ON changes BEGIN SELECT raise(ABORT, 'history only grows'); END;
CREATE TRIGGER features_keeps_rows BEFORE DELETE ON features BEGIN SELECT raise(ABORT, 'ids are never reused'); END;
CREATE TRIGGER layers_keeps_rows BEFORE DELETE ON layers BEGIN SELECT raise(ABORT, 'versions only grow'); END;
CREATE TRIGGER features_versions_grow BEFORE UPDATE ON features
WHEN new.id <> old.id OR new.layer <> old.layer OR new.version <= old.version
BEGIN SELECT raise(ABORT, 'versions only grow'); END;
CREATE TRIGGER layers_versions_grow BEFORE UPDATE ON layers
WHEN new.name <> old.name OR new.version <= old.version
BEGIN SELECT raise(ABORT, 'versions only grow'); END;
