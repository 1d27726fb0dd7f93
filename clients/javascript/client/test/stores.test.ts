import { expect, it } from "vitest";
import { MemoryStorage, storesIn } from "../src/storage/stores.ts";

const UPLOAD = {
  ...{ id: "u1", userId: "alice", place: "plans", entryId: "m1", name: "photo.jpg", type: "image/jpeg", size: 3 },
  ...{ addedAt: 1, startedAs: null, done: false, paused: false, problem: null },
};

it("an application's storage gets texts only, without the bytes of files", async () => {
  const storage = new MemoryStorage();
  const { uploads } = storesIn(storage);
  const native = { uri: "file:///photo.jpg", name: "photo.jpg", type: "image/jpeg" };
  await uploads.add({ ...UPLOAD, native });
  await uploads.add({ ...UPLOAD, id: "u2", addedAt: 2, bytes: new Blob(["012"]) });
  expect(await uploads.read("alice")).toEqual([
    { ...UPLOAD, native },
    { ...UPLOAD, id: "u2", addedAt: 2 },
  ]);
  for (const key of await storage.keys("")) expect(await storage.get(key)).toBeTypeOf("string");
});

it.each([[null], [undefined], ["no JSON"], ["null"], ["1"], [{ userId: "alice" }]])(
  "what another program has stored is no message: %j",
  async (value) => {
    const storage = {
      get: async () => value as string | undefined,
      set: async () => undefined,
      delete: async () => undefined,
      keys: async () => ["entry:m1"],
    };
    expect(await storesIn(storage).outbox.read("alice")).toEqual([]);
  },
);
