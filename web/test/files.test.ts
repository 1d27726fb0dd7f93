import type { PendingFile } from "@talkwire/client/parts";
import { describe, expect, it } from "vitest";
import { readableSize } from "../src/chat/files/file_size";
import { attachedSummary, filesSummary, messageSummary } from "../src/chat/messages/message_summary";
import { Api } from "../src/server/api";
import { type Session, SessionStore } from "../src/server/session";

const photo = { url: "/p", name: "p.png", thumbnailUrl: "/t" };
const voice = { url: "/v", name: "Voice message.webm", kind: "audio" } as const;
const recorded = { url: "/v", name: "Sprachnachricht.webm", durationMs: 900, waveform: [1, 100] };
const file = { url: "/f", name: "notes.txt" };

describe("the summary of a message", () => {
  it("is its text, otherwise its attachments", () => {
    expect(messageSummary({ content: "hi", attachments: [photo] })).toBe("hi");
    expect(messageSummary({ attachments: [photo] })).toBe("Photo");
    expect(messageSummary({ content: "", attachments: [photo, photo] })).toBe("2 photos");
    expect(messageSummary({ attachments: [file] })).toBe("notes.txt");
    expect(messageSummary({ attachments: [voice] })).toBe("Voice message");
    expect(messageSummary({ attachments: [recorded] })).toBe("Voice message");
    expect(messageSummary({ attachments: [file, photo] })).toBe("2 files");
    expect(messageSummary({ content: "gone", deletedAt: "2026-01-01" })).toBe("This message was deleted.");
  });
});

describe("what is attached to a message", () => {
  it("is said beside its text only", () => {
    expect(attachedSummary({ content: "hi", attachments: [file, photo] })).toBe("2 files");
    expect(attachedSummary({ content: "hi", attachments: [file] })).toBe("notes.txt");
    expect(attachedSummary({ content: "hi" })).toBe("");
    expect(attachedSummary({ attachments: [file] })).toBe("");
    expect(attachedSummary({ content: "gone", attachments: [file], deletedAt: "2026-01-01" })).toBe("");
  });
});

describe("the summary of a draft", () => {
  it("is what is attached to it", () => {
    const pending = (changes: Partial<PendingFile>): PendingFile => ({ name: "notes.txt", ...changes }) as PendingFile;
    const voice = pending({ name: "Voice message.webm", voice: { durationMs: 900, waveform: [1, 100] } });
    expect(filesSummary([])).toBe("");
    expect(filesSummary([pending({})])).toBe("notes.txt");
    expect(filesSummary([voice])).toBe("Voice message");
    expect(filesSummary([voice, pending({})])).toBe("2 files");
  });
});

describe("the size of a file", () => {
  it("has as many digits as are useful", () => {
    const [kilo, mega] = [1024, 1024 ** 2];
    const sizes = [0, 1023, kilo, 1.5 * kilo, 12_345, mega - 1, 100 * mega, 2.5 * 1024 * mega].map(readableSize);
    expect(sizes).toEqual(["0 bytes", "1,023 bytes", "1 kB", "1.5 kB", "12 kB", "1 MB", "100 MB", "2.5 GB"]);
  });
});

class ClaimSchema implements Pick<Storage, "getItem" | "setItem" | "removeItem"> {
  readonly #items = new Map<string, string>();
  getItem = (key: string) => this.#items.get(key) ?? null;
  setItem = (key: string, value: string) => void this.#items.set(key, value);
  removeItem = (key: string) => void this.#items.delete(key);
}

function apiOf(session: Session | null): Api {
  const keeper = new SessionStore(new ClaimSchema() as unknown as Storage, new ClaimSchema() as unknown as Storage);
  if (session !== null) keeper.keep(session);
  return new Api("https://chat.example/talk/#/conversation/1", keeper);
}

const user = { id: "a&b", name: "A", createdAt: "", kind: "person" as const };

describe("the URL of a file", () => {
  it("is below the page's base path, with the user's credentials", () => {
    expect(apiOf({ user }).authenticatedUrl("/api/v1/files/1/x.png")).toBe(
      "https://chat.example/talk/api/v1/files/1/x.png?userId=a%26b",
    );
    const forAddresses = { token: "f", renewAt: 0 };
    expect(apiOf({ user, accessToken: "t", forAddresses }).authenticatedUrl("/api/v1/files/1/x.png")).toBe(
      "https://chat.example/talk/api/v1/files/1/x.png?token=f",
    );
    expect(apiOf({ user, accessToken: "t" }).authenticatedUrl("/x")).toBe("https://chat.example/talk/x");
    expect(apiOf(null).authenticatedUrl("/x")).toBe("https://chat.example/talk/x");
  });
});

describe("a fresh session", () => {
  it("is the current one while its token is valid for some time", async () => {
    const session = { user, accessToken: "t", expiresAt: Date.now() + 60_000 };
    expect(await apiOf(session).freshSession()).toEqual(session);
    expect(await apiOf({ user }).freshSession()).toEqual({ user });
  });
});
