import { describe, expect, it } from "vitest";
import { readableSize } from "../src/chat/files/sizes";
import { summaryOf } from "../src/chat/messages/summary";
import { Api } from "../src/server/api";
import { type Session, SessionKeeper } from "../src/server/session";

const photo = { url: "/p", name: "p.png", thumbnailUrl: "/t" };
const file = { url: "/f", name: "notes.txt" };

describe("a message in one line", () => {
  it("is what it says, or else what it brings", () => {
    expect(summaryOf({ content: "hi", attachments: [photo] })).toBe("hi");
    expect(summaryOf({ attachments: [photo] })).toBe("Photo");
    expect(summaryOf({ content: "", attachments: [photo, photo] })).toBe("2 photos");
    expect(summaryOf({ attachments: [file] })).toBe("notes.txt");
    expect(summaryOf({ attachments: [file, photo] })).toBe("2 files");
    expect(summaryOf({ content: "gone", deletedAt: "2026-01-01" })).toBe("This message was deleted.");
  });
});

describe("a size", () => {
  it("has as many digits as one wants to know", () => {
    const sizes = [0, 999, 1000, 1500, 12_345, 6_000_000, 2_500_000_000].map(readableSize);
    expect(sizes).toEqual(["0 bytes", "999 bytes", "1 kB", "1.5 kB", "12 kB", "6 MB", "2.5 GB"]);
  });
});

class Kept implements Pick<Storage, "getItem" | "setItem" | "removeItem"> {
  readonly #items = new Map<string, string>();
  getItem = (key: string) => this.#items.get(key) ?? null;
  setItem = (key: string, value: string) => void this.#items.set(key, value);
  removeItem = (key: string) => void this.#items.delete(key);
}

function apiOf(session: Session | null): Api {
  const keeper = new SessionKeeper(new Kept() as unknown as Storage, new Kept() as unknown as Storage);
  if (session !== null) keeper.keep(session);
  return new Api("https://chat.example/talk/#/conversation/1", keeper);
}

const user = { id: "a&b", name: "A", createdAt: "" };

describe("an address that the browser loads from", () => {
  it("is below the page's, and says who asks", () => {
    expect(apiOf({ user }).provenAddress("/api/v1/files/1/x.png")).toBe(
      "https://chat.example/talk/api/v1/files/1/x.png?userId=a%26b",
    );
    expect(apiOf({ user, accessToken: "t" }).provenAddress("/api/v1/files/1/x.png")).toBe(
      "https://chat.example/talk/api/v1/files/1/x.png?token=t",
    );
    expect(apiOf(null).provenAddress("/x")).toBe("https://chat.example/talk/x");
  });
});

describe("a session that is fresh", () => {
  it("is the one that is there as long as its token is good for a while", async () => {
    const session = { user, accessToken: "t", expiresAt: Date.now() + 60_000 };
    expect(await apiOf(session).fresh()).toEqual(session);
    expect(await apiOf({ user }).fresh()).toEqual({ user });
  });
});
