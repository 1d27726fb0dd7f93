import { expect, it } from "vitest";
import { conversation } from "../../clients/javascript/client/test/samples";
import { isFolded } from "../src/chat/people/folded";

const known = {
  blocked: new Set(["bob"]),
  conversations: {
    g: conversation("g"),
    c: conversation("c", { kind: "channel" }),
    d: conversation("d", { kind: "direct" }),
  },
};

it("what a blocked user says is hidden everywhere except in direct conversations", () => {
  expect(["g", "c", "d", "unknown"].filter((id) => isFolded(known, id, "bob"))).toEqual(["g", "c", "unknown"]);
});

it("what others say is not hidden", () => {
  expect(isFolded(known, "g", "carol")).toBe(false);
});
