-- Who may sign in, who is signed in, and small notes. Times are UTC, ISO 8601; lists are JSON.

CREATE TABLE accounts (
    name TEXT PRIMARY KEY,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'verifier', 'editor', 'admin')),
    created_at TEXT NOT NULL,
    layers TEXT NOT NULL CHECK (json_valid(layers)),
    places TEXT NOT NULL CHECK (json_valid(places)),
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    must_change_password INTEGER NOT NULL CHECK (must_change_password IN (0, 1))
) STRICT, WITHOUT ROWID;

-- Of a token only its digest is kept.
CREATE TABLE sessions (
    digest TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    created_at TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_account ON sessions (account);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE notes (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL CHECK (json_valid(value))
) STRICT, WITHOUT ROWID;
