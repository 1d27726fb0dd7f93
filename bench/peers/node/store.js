// Where messages go. Both functions answer an `insert` that returns the new message's id.

import Database from "better-sqlite3";

export function withoutStore() {
  let last = 0;
  return () => String(++last);
}

// One transaction a message (a statement on its own is one), in the WAL, synced at each commit when `synchronous` is
// FULL, and at checkpoints only when it is NORMAL.
export function openStore(path, synchronous) {
  const database = new Database(path);
  database.pragma("journal_mode = WAL");
  database.pragma(`synchronous = ${synchronous}`);
  database.exec(`
    CREATE TABLE IF NOT EXISTS messages (
      id INTEGER PRIMARY KEY,
      conversation_id TEXT NOT NULL,
      seq INTEGER NOT NULL,
      sender_id TEXT NOT NULL,
      content TEXT NOT NULL,
      created_at TEXT NOT NULL,
      UNIQUE (conversation_id, seq)
    )`);
  const statement = database.prepare(
    `INSERT INTO messages (conversation_id, seq, sender_id, content, created_at)
     VALUES (@conversationId, @seq, @senderId, @content, @createdAt)`,
  );
  return (message) => String(statement.run(message).lastInsertRowid);
}
