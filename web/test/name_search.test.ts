import { describe, expect, it } from "vitest";
import found from "../../tests/core/found_names.json";
import { nameAndHandle, searchByName, withoutAt } from "../src/chat/conversations/name_search";
import { piecesOfName } from "../src/chat/search/highlight";

const names = ["Design crew", "Announcements", "Zoë Lindqvist", "Backend design", "#ops"];
const find = (query: string) => searchByName(names, (name) => name, query);

describe("a name", () => {
  it("matches first when it, or a word of it, starts with the query", () => {
    expect(find("des")).toEqual(["Design crew", "Backend design"]);
    expect(find("ops")).toEqual(["#ops"]);
  });

  it("that starts with the query comes before those of which a later word does", () => {
    const places = ["Garnet samples", "Iris samples", "Sam Whitaker"];
    expect(searchByName(places, (name) => name, "sam")).toEqual(["Sam Whitaker", "Garnet samples", "Iris samples"]);
  });

  it("that is the query comes before those that continue it", () => {
    expect(searchByName(["Room 12", "Old room 1", "room 1"], (name) => name, "Room  1")).toEqual([
      "room 1",
      "Room 12",
      "Old room 1",
    ]);
  });

  it("matches after those when it only contains the query", () => {
    expect(searchByName(["Wonder", "Ann"], (name) => name, "d")).toEqual(["Wonder"]);
    expect(searchByName(["Wonder", "Dora"], (name) => name, "d")).toEqual(["Dora", "Wonder"]);
  });

  it("matches every word of the query, in any order", () => {
    expect(find("design back")).toEqual(["Backend design"]);
  });

  it("matches without regard to case and accents", () => {
    expect(find("ZOE")).toEqual(["Zoë Lindqvist"]);
  });

  it("matches without the sign before a handle", () => {
    const people = [
      { name: "Anna Schmidt", handle: "anna1" },
      { name: "Anna Schmidt", handle: "anna2" },
      { name: "Ben" },
    ];
    expect(searchByName(people, nameAndHandle, " @anna2")).toEqual([people[1]]);
    expect(searchByName(people, nameAndHandle, "@")).toEqual(people);
    expect([withoutAt(" @anna2 "), withoutAt("a@b")]).toEqual(["anna2", "a@b"]);
  });

  it("matches however it is written, as on the server", () => {
    for (const [name, queries] of Object.entries(found))
      for (const query of queries)
        for (const form of ["NFC", "NFD"]) {
          const written = name.normalize(form);
          expect(
            searchByName([written], (each) => each, query),
            `${query} in ${written}`,
          ).toEqual([written]);
          expect(
            piecesOfName(written, query).some(({ isFound }) => isFound),
            `${query} in ${written}`,
          ).toBe(true);
        }
  });

  it("matches an empty query", () => {
    expect(find("  ")).toEqual(names);
  });
});
