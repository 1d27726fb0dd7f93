import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";
import { expect, it, vi } from "vitest";

const LIMIT_BYTES = 40 * 1024;
const ENTRY = "virtual:entry";
const INDEX = fileURLToPath(new URL("../src/index.ts", import.meta.url));
const CARDS = fileURLToPath(new URL("../src/cards/index.ts", import.meta.url));
const DESK = fileURLToPath(new URL("../src/desk/index.ts", import.meta.url));
const TURNS = fileURLToPath(new URL("../src/turns/index.ts", import.meta.url));

/** As users build it: with another value, libraries contain what they have for developers. */
vi.stubEnv("NODE_ENV", "production");

/** Returns what a page with this program loads at its start, and what it loads later. */
async function bundle(program: string): Promise<{ first: string; later: string[] }> {
  const built = await build({
    configFile: false,
    logLevel: "error",
    plugins: [
      {
        name: "entry",
        resolveId: (id) => (id === ENTRY ? id : undefined),
        load: (id) => (id === ENTRY ? program : undefined),
      },
    ],
    build: { write: false, modulePreload: false, rolldownOptions: { input: ENTRY, preserveEntrySignatures: "strict" } },
  });
  const { output } = built as Rolldown.RolldownOutput;
  const chunks = output.filter((each) => each.type === "chunk");
  const first = chunks.filter((each) => !each.isDynamicEntry).map(({ code }) => code);
  return { first: first.join("\n"), later: chunks.filter((each) => each.isDynamicEntry).map(({ code }) => code) };
}

it("the client has at most 40 KB with the Socket.IO client, and loads uploads, streams and questions when they are used", async () => {
  const { first, later } = await bundle(`export { Talkwire } from ${JSON.stringify(INDEX)};`);
  expect(gzipSync(first).length).toBeLessThan(LIMIT_BYTES);
  expect(first).toContain("websocket");
  expect(first).not.toContain("Tus-Resumable");
  expect(later.join()).toContain("Tus-Resumable");
  expect(first).not.toContain("message:append");
  expect(later.join()).toContain("message:append");
  expect(first).not.toContain("card?wait=");
  expect(later.join()).toContain("card?wait=");
});

it("a page that has no desk loads nothing of it", async () => {
  const { first, later } = await bundle(`export { Talkwire } from ${JSON.stringify(INDEX)};`);
  const { first: withDesk } = await bundle(`export { deskOf } from ${JSON.stringify(DESK)};`);
  expect(withDesk).toContain("conversation:handoff");
  expect(first + later.join()).not.toContain("conversation:handoff");
});

it("a page that has no cards loads nothing of them but what keeps messages as they are", async () => {
  const { first, later } = await bundle(`export { Talkwire } from ${JSON.stringify(INDEX)};`);
  const { first: withCards } = await bundle(`export { cardsOf } from ${JSON.stringify(CARDS)};`);
  for (const text of ["card:cancel", "cards?open=mine"]) {
    expect(withCards).toContain(text);
    expect(first + later.join()).not.toContain(text);
  }
});

it("a program gets only what it imports", async () => {
  const { first } = await bundle(`export { RequestError } from ${JSON.stringify(INDEX)};`);
  expect(gzipSync(first).length).toBeLessThan(1_000);
});

it("a page that has no agent loads nothing of turns", async () => {
  const { first, later } = await bundle(`export { Talkwire } from ${JSON.stringify(INDEX)};`);
  const { first: withTurns } = await bundle(`export { turnsOf } from ${JSON.stringify(TURNS)};`);
  for (const text of ["turns/claim", "turn:release"]) {
    expect(withTurns).toContain(text);
    expect(first + later.join()).not.toContain(text);
  }
});
