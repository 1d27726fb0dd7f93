import { describe, expect, it } from "vitest";
import { searchByName } from "../src/chat/conversations/name_search";

const names = ["Design crew", "Announcements", "Zoë Lindqvist", "Backend design", "#ops"];
const find = (query: string) => searchByName(names, (name) => name, query);

describe("what is found", () => {
  it("begins with what was typed, or a word of it does", () => {
    expect(find("des")).toEqual(["Design crew", "Backend design"]);
    expect(find("ops")).toEqual(["#ops"]);
  });

  it("comes behind that where it only contains it", () => {
    expect(searchByName(["Wonder", "Ann"], (name) => name, "d")).toEqual(["Wonder"]);
    expect(searchByName(["Wonder", "Dora"], (name) => name, "d")).toEqual(["Dora", "Wonder"]);
  });

  it("has every word, in any order", () => {
    expect(find("design back")).toEqual(["Backend design"]);
  });

  it("is not asked for accents and capitals", () => {
    expect(find("ZOE")).toEqual(["Zoë Lindqvist"]);
  });

  it("is everything where nothing was typed", () => {
    expect(find("  ")).toEqual(names);
  });
});
