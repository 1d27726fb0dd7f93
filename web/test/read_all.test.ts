import { RequestError } from "@talkwire/client";
import { expect, it, vi } from "vitest";
import { conversation, ME } from "../../clients/javascript/client/test/samples";
import { ReadAll } from "../src/chat/conversations/read_all";
import { PageCore } from "../src/chat/page_core";
import { Api } from "../src/server/api";
import { SessionStore } from "../src/server/session";
import { eventually } from "./waiting";

const COUNT = 40;

/** A page with many conversations, of which each has as many unread messages as its number says. */
const page = () => {
  const nothing = { getItem: () => null } as unknown as Storage;
  const api = new Api("http://localhost/", new SessionStore(nothing, nothing));
  const none = () => undefined;
  const core = new PageCore(
    api,
    { id: ME, name: "me", createdAt: "", kind: "person" },
    { opened: none, lost: none, unreachable: none, ended: none },
  );
  const all = Array.from({ length: COUNT }, (_, number) =>
    conversation(`c${number}`, { lastSeq: 100, readSeq: 100 - number, unreadCount: number }),
  );
  core.state.setState({ conversations: Object.fromEntries(all.map((each) => [each.id, each])) });
  const markRead = vi.fn(async (_: string) => undefined);
  const load = vi.fn(async (_: string) => undefined);
  const markUnreadAfter = vi.fn(async (_id: string, _seq: number) => undefined);
  const markOffersRead = vi.fn(async (_: readonly { id: string }[]) => undefined);
  const markCallsRead = vi.fn(async () => undefined);
  const alerts = { markOffersRead, markCallsRead };
  const marks = { conversations: { markRead, load }, messages: { markUnreadAfter }, alerts };
  const counts = () => Object.values(core.now.conversations).map(({ unreadCount }) => unreadCount);
  return { core, marks, markRead, load, markUnreadAfter, markOffersRead, markCallsRead, counts };
};

const ALL = Array.from({ length: COUNT }, (_, number) => number);

it("everything is shown as read at once, and the server notified of several conversations at the same time", async () => {
  const { core, marks, markRead, markCallsRead, counts } = page();
  const answers: (() => void)[] = [];
  markRead.mockImplementation(() => new Promise((resolve) => answers.push(() => resolve(undefined))));
  const reading = new ReadAll(core, marks);
  expect(reading.count).toBe(780);
  expect(markCallsRead).toHaveBeenCalledOnce();
  expect(counts()).toEqual(ALL.map(() => 0));
  expect(answers.length).toBeGreaterThan(8);
  while (markRead.mock.calls.length < COUNT - 1) {
    for (const answer of answers.splice(0)) answer();
    await Promise.resolve();
  }
  expect(new Set(markRead.mock.calls.map(([id]) => id)).size).toBe(COUNT - 1);
});

it("conversations that are not in the reader's list stay as they are", async () => {
  const { core, marks, markRead } = page();
  core.state.setState({
    conversations: { other: conversation("other", { listed: false, lastSeq: 5, unreadCount: 5 }) },
  });
  expect(new ReadAll(core, marks).count).toBe(0);
  expect(markRead).not.toHaveBeenCalled();
});

it("undoing makes unread again what was marked, and marks no more", async () => {
  const { core, marks, markRead, markUnreadAfter, counts } = page();
  const answers: (() => void)[] = [];
  markRead.mockImplementation(() => new Promise((resolve) => answers.push(() => resolve(undefined))));
  const reading = new ReadAll(core, marks);
  const begun = markRead.mock.calls.map(([id]) => id);
  const undone = reading.undo();
  expect(counts()).toEqual(ALL);
  for (const answer of answers) answer();
  await undone;
  expect(markRead).toHaveBeenCalledTimes(begun.length);
  expect(markUnreadAfter.mock.calls.map(([id]) => id).sort()).toEqual(begun.sort());
  for (const [id, seq] of markUnreadAfter.mock.calls) expect(`c${100 - seq}`).toBe(id);
});

it("waits for the rate limit, and loads what cannot be marked", async () => {
  const { core, marks, markRead, load } = page();
  const limited = new RequestError({ code: "rate_limited", message: "Later.", details: { retryAfterMs: 5 } });
  const refused = new RequestError({ code: "forbidden", message: "No." });
  markRead.mockRejectedValueOnce(limited).mockRejectedValueOnce(refused);
  new ReadAll(core, marks);
  await eventually(() => expect(markRead).toHaveBeenCalledTimes(COUNT));
  expect(markRead.mock.calls.filter(([id]) => id === "c1")).toHaveLength(2);
  expect(load.mock.calls).toEqual([["c2"]]);
});

/** A page on which two conversations have unread offers, and one of them nothing else. */
const pageWithOffers = () => {
  const all = page();
  const { core } = all;
  for (const id of ["c0", "c3"]) core.changeConversation(id, (before) => ({ ...before, unreadOfferCount: 2 }));
  core.state.setState({ features: { ...core.now.features, offers: true } });
  const offered = () => Object.values(core.now.conversations).filter(({ unreadOfferCount }) => unreadOfferCount);
  return { ...all, offered };
};

it("offers are read too, also where nothing else is unread; undoing leaves them read", async () => {
  const { core, marks, markOffersRead, offered, counts } = pageWithOffers();
  const reading = new ReadAll(core, marks);
  expect(reading.count).toBe(784);
  expect(offered()).toEqual([]);
  expect(markOffersRead.mock.calls.map(([all]) => all.map(({ id }) => id))).toEqual([["c0", "c3"]]);
  await reading.undo();
  expect(counts()).toEqual(ALL);
  expect(offered()).toEqual([]);
});

it("conversations whose offers cannot be read are loaded, and offers without messages cannot be undone", async () => {
  const { core, marks, markOffersRead, load } = pageWithOffers();
  markOffersRead.mockRejectedValueOnce(new RequestError({ code: "unavailable", message: "No." }));
  new ReadAll(core, marks);
  await eventually(() => expect(load.mock.calls).toEqual([["c0"], ["c3"]]));
  core.changeConversation("c0", (before) => ({ ...before, unreadOfferCount: 1 }));
  expect(new ReadAll(core, marks)).toMatchObject({ count: 1, canUndo: false });
});

it("offers stay as they are where the page has none", () => {
  const { core, marks, markOffersRead } = pageWithOffers();
  core.state.setState({ features: { ...core.now.features, offers: false } });
  expect(new ReadAll(core, marks).count).toBe(780);
  expect(markOffersRead).not.toHaveBeenCalled();
});
