// Where messages go. Each function answers an `insert` that returns the new message's id, or promises it.

import Database from "better-sqlite3";
import pg from "pg";
import { CREATE_TABLE, INSERT_MESSAGE } from "../chat.mjs";

// One transaction a message (a statement on its own is one), in the WAL, synced at each commit when `synchronous` is
// FULL, and at checkpoints only when it is NORMAL.
export function onSqlite(path, synchronous) {
  const database = new Database(path);
  database.pragma("journal_mode = WAL");
  database.pragma(`synchronous = ${synchronous}`);
  database.exec(CREATE_TABLE);
  const statement = database.prepare(INSERT_MESSAGE);
  return (message) => String(statement.run(message).lastInsertRowid);
}

// The same with `pg`: one transaction a message, as a prepared statement. It is synced at each commit, together with
// those of other connections that commit at the same time. Connections are those of a pool, which has one statement at a
// time on each, or take turns with `pipeline`, where statements follow each other without waiting for answers.
export async function onPostgresql(folder, port, connections, pipeline) {
  const database = { host: folder, port, user: "talkwire", database: "postgres" };
  const query = pipeline ? await pipelined(database, connections) : pooled(database, connections);
  await query(`
    CREATE TABLE IF NOT EXISTS messages (
      id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      conversation_id TEXT NOT NULL,
      seq BIGINT NOT NULL,
      sender_id TEXT NOT NULL,
      content TEXT NOT NULL,
      created_at TIMESTAMPTZ NOT NULL,
      UNIQUE (conversation_id, seq)
    )`);
  const text = `INSERT INTO messages (conversation_id, seq, sender_id, content, created_at)
                VALUES ($1, $2, $3, $4, $5) RETURNING id`;
  return async ({ conversationId, seq, senderId, content, createdAt }) => {
    const values = [conversationId, seq, senderId, content, createdAt];
    const { rows } = await query({ name: "insert-message", text, values });
    return rows[0].id;
  };
}

function pooled(database, max) {
  const pool = new pg.Pool({ ...database, max });
  return (statement) => pool.query(statement);
}

async function pipelined(database, count) {
  const clients = Array.from({ length: count }, () => new pg.Client({ ...database, pipeline: true }));
  await Promise.all(clients.map((client) => client.connect()));
  let turn = 0;
  return (statement) => clients[turn++ % count].query(statement);
}
